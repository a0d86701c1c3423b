package serve

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

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
	sent := wellFormed(rows)
	var checked []Checked
	if len(sent.rows) > 0 {
		checked, err = s.config.Commands.Check(r.Context(), given["source"], bytes.Join(sent.rows, []byte("\n")))
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	taken, events := sent.sift(checked)
	if most := schemas.MaxCombinations; len(taken.Combinations) > most {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("%d combinations of dimensions are more than %d: a dimension is what "+
			"prices depend on, with few values; nothing of it was taken", len(taken.Combinations), most))
		return
	}
	if len(taken.Lines) > 0 {
		source := cmp.Or(given["source"], defaultSource)
		took := func(segment int64) { s.config.Commands.Took(source, events, segment) }
		if err := s.config.Spool.Append(r.Context(), source, taken, took); err != nil {
			refuse(w, http.StatusServiceUnavailable, "not taken: "+err.Error())
			return
		}
	}
	s.metrics.events(len(taken.Lines), len(sent.refused))
	answer(w, http.StatusAccepted, accepted{Accepted: len(taken.Lines), Rejected: sent.refused})
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

// sentRows are the rows of a request that are one JSON object each, with their numbers in it, and what is refused.
type sentRows struct {
	rows    [][]byte
	numbers []int
	refused []refusal
}

// wellFormed refuses rows that are not one JSON object: a line of several would be several rows to whoever reads it.
func wellFormed(rows [][]byte) *sentRows {
	sent := &sentRows{refused: []refusal{}}
	for i, row := range rows {
		if row[0] != '{' || !json.Valid(row) {
			sent.refused = append(sent.refused, refusal{Row: i + 1, Field: "row", Reason: "no JSON object, or more than one"})
			continue
		}
		sent.rows, sent.numbers = append(sent.rows, row), append(sent.numbers, i+1)
	}
	return sent
}

// sift returns the rows that are taken, with their events, and adds the others to those that are refused. A row of
// several events is refused as a whole.
func (s *sentRows) sift(checked []Checked) (taken Rows, events []schemas.Event) {
	bad := map[int]bool{}
	for _, row := range checked {
		if row.Reason != "" && !bad[row.Row] {
			bad[row.Row] = true
			s.refused = append(s.refused, refusal{Row: s.numbers[row.Row-1], Field: row.Field, Reason: row.Reason})
		}
	}
	slices.SortFunc(s.refused, func(a, b refusal) int { return a.Row - b.Row })
	taken.Combinations = map[string]bool{}
	for _, row := range checked {
		if !bad[row.Row] && row.Event != nil {
			events = append(events, *row.Event)
			taken.Combinations[schemas.FormatDimensions(row.Event.Dimensions)] = true
		}
	}
	for i, row := range s.rows {
		if !bad[i+1] {
			taken.Lines = append(taken.Lines, row)
		}
	}
	return taken, events
}
