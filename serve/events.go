package serve

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/creditmill/creditmill/schemas"
)

// mostRows is how many rows one request may bring.
const mostRows = 50_000

// accepted is the answer to rows of usage.
type accepted struct {
	Accepted int       `json:"accepted"`
	Rejected []refusal `json:"rejected"`
}

// refusal is a row that was not taken. Row counts from 1.
type refusal struct {
	Row    int    `json:"row"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// takeEvents puts rows of usage on disk and answers which it did not take. Rows that were taken before count once.
func takeEvents(s *Server, w http.ResponseWriter, r *http.Request, by call) {
	given, err := parameters(r, by.route)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		status := http.StatusBadRequest
		if isLarge(err) {
			status = http.StatusRequestEntityTooLarge
		}
		refuse(w, status, tooLarge(err).Error()+"; nothing of it was taken")
		return
	}
	rows, err := rowsOf(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	checked, err := s.config.Commands.Check(r.Context(), given["source"], bytes.Join(rows, []byte("\n")))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	taken, events, refused := sift(rows, checked)
	if len(taken) > 0 {
		source := cmp.Or(given["source"], defaultSource)
		took := func(segment int64) { s.config.Commands.Took(source, events, segment) }
		if err := s.config.Spool.Append(r.Context(), source, taken, took); err != nil {
			refuse(w, http.StatusServiceUnavailable, "not taken: "+err.Error())
			return
		}
	}
	s.metrics.events(len(taken), len(refused))
	answer(w, http.StatusAccepted, accepted{Accepted: len(taken), Rejected: refused})
}

// rowsOf divides a body into rows: one object, an array of objects, or JSON Lines.
func rowsOf(body []byte) ([][]byte, error) {
	body = bytes.TrimSpace(body)
	var rows [][]byte
	switch {
	case len(body) == 0:
		return nil, errors.New("the body is empty: send a row, an array of rows, or JSON Lines")
	case body[0] == '[':
		var elements []json.RawMessage
		if err := json.Unmarshal(body, &elements); err != nil {
			return nil, errors.New("the body begins like an array and is no JSON")
		}
		for _, element := range elements {
			rows = append(rows, onOneLine(element))
		}
	case json.Valid(body):
		rows = append(rows, onOneLine(body))
	default:
		for line := range bytes.SplitSeq(body, []byte("\n")) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				rows = append(rows, line)
			}
		}
	}
	if len(rows) > mostRows {
		return nil, fmt.Errorf("%d rows are more than the %d of one request: send several, or a file to /v1/loads", len(rows),
			mostRows)
	}
	return rows, nil
}

// onOneLine takes line breaks between the parts of a JSON text away; its numbers and texts stay as they are.
func onOneLine(text []byte) []byte {
	var line bytes.Buffer
	if err := json.Compact(&line, text); err != nil {
		return text
	}
	return line.Bytes()
}

// sift parts the rows that are taken, with their events, from those that are refused. A row of several events is
// refused as a whole.
func sift(rows [][]byte, checked []Checked) (
	taken [][]byte, events []schemas.Event, refused []refusal,
) {
	refused = []refusal{}
	bad := map[int]bool{}
	for _, row := range checked {
		if row.Reason != "" && !bad[row.Row] {
			bad[row.Row] = true
			refused = append(refused, refusal{Row: row.Row, Field: row.Field, Reason: row.Reason})
		}
	}
	for _, row := range checked {
		if !bad[row.Row] && row.Event != nil {
			events = append(events, *row.Event)
		}
	}
	for i, row := range rows {
		if !bad[i+1] {
			taken = append(taken, row)
		}
	}
	return taken, events, refused
}
