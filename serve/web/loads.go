package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/serve"
)

// load is a row of `loads`.
type load struct {
	LoadID        string    `json:"load_id"`
	File          string    `json:"file"`
	SHA256        string    `json:"sha256"`
	Source        string    `json:"source"`
	Status        string    `json:"status"`
	RowsRead      uint64    `json:"rows_read"`
	RowsLoaded    uint64    `json:"rows_loaded"`
	RowsDuplicate uint64    `json:"rows_duplicate"`
	RowsConflict  uint64    `json:"rows_conflict"`
	RowsRejected  uint64    `json:"rows_rejected"`
	Bytes         uint64    `json:"bytes"`
	ChangedAt     time.Time `json:"changed_at"`
	Message       string    `json:"message"`
}

type loadsPage struct {
	Loads         []load
	All           int
	Upload        bool
	Sources       []string
	Before, After string
}

func showLoads(v *view) {
	var all []load
	if !v.read("/v1/loads", &all) {
		return
	}
	slices.Reverse(all)
	f, _ := readFilter(v.r.URL.Query()) // amounts are not asked for here
	first, last := min(f.Page*pageRows, len(all)), min((f.Page+1)*pageRows, len(all))
	p := loadsPage{
		Loads: all[first:last], All: len(all), Upload: v.may(http.MethodPost, "/v1/loads"), Sources: v.app.config.Sources,
	}
	if first > 0 {
		p.Before = f.link("/loads", "page", itoa(f.Page))
	}
	if last < len(all) {
		p.After = f.link("/loads", "page", itoa(f.Page+2))
	}
	v.titled("Loads", p)
}

// reject is a row of `rejects`.
type reject struct {
	RowNumber json.RawMessage `json:"row_number"`
	Field     string          `json:"field"`
	Reason    string          `json:"reason"`
	Raw       string          `json:"raw"`
}

type loadPage struct {
	Load     load
	Rejects  []reject
	All      int
	Withdraw bool
	// Mend holds the refused rows as they stood, to be corrected and sent again; empty where there are none, or where
	// they are not lines of text.
	Mend, MendName string
	// CSV says that the rows need their header above them.
	CSV bool
}

// mostRejects are shown on a page.
const mostRejects = 500

func showLoad(v *view) {
	id := segment(v.r.PathValue("id"))
	p := loadPage{Withdraw: v.may(http.MethodDelete, "/v1/loads/{id}")}
	if !v.read("/v1/loads/"+id, &p.Load) || !v.read("/v1/loads/"+id+"/rejects", &p.Rejects) {
		return
	}
	p.All = len(p.Rejects)
	p.Rejects = p.Rejects[:min(p.All, mostRejects)]
	p.Withdraw = p.Withdraw && p.Load.Status == "committed"
	if p.All > 0 && p.All <= mostRejects && v.may(http.MethodPost, "/v1/loads") {
		var rows strings.Builder
		for _, one := range p.Rejects {
			rows.WriteString(one.Raw + "\n")
		}
		p.Mend, p.MendName = rows.String(), p.Load.LoadID+"-mended.jsonl"
		if p.CSV = strings.Contains(strings.ToLower(p.Load.File), ".csv"); p.CSV {
			p.MendName = p.Load.LoadID + "-mended.csv"
		}
	}
	v.titled(p.Load.LoadID, p)
}

func withdrawLoad(v *view) {
	id := v.r.PathValue("id")
	reason := strings.TrimSpace(v.r.PostFormValue("reason"))
	if reason == "" {
		v.session.tell(notice{Text: "Nothing was withdrawn: say why.", Bad: true})
		http.Redirect(v.w, v.r, "/loads/"+segment(id), http.StatusSeeOther)
		return
	}
	reason += " (" + v.session.token.Name + ")" // a load's record has no column for who
	v.act(http.MethodDelete, address("/v1/loads/"+segment(id), "reason", reason), nil, "/loads/"+segment(id),
		func(serve.Answer) notice { return notice{Text: id + " is withdrawn: its rows no longer count."} })
}

// loaded is an answer of /v1/loads for one file.
type loaded struct {
	LoadID       string `json:"load_id"`
	File         string `json:"file"`
	Status       string `json:"status"`
	RowsLoaded   uint64 `json:"rows_loaded"`
	RowsRejected uint64 `json:"rows_rejected"`
	Message      string `json:"message"`
}

// fieldMost bounds a field of the upload's form, but for the file.
const fieldMost = 1 << 10

// uploadLoad takes a form of several parts, of which the file is the last: it is handed on as it comes. Rows that were
// mended are a part of text, and a field names them.
func uploadLoad(v *view) {
	parts, err := v.r.MultipartReader()
	if err != nil {
		v.uploadDone(http.StatusBadRequest, "Choose a file.")
		return
	}
	// The file's reads have deadlines of their own. A server of a test has none.
	_ = http.NewResponseController(v.w).SetReadDeadline(v.app.config.Wall().Add(slowest))
	given := map[string]string{}
	for {
		part, err := parts.NextPart()
		if err != nil {
			v.uploadDone(http.StatusBadRequest, "Choose a file.")
			return
		}
		name := part.FormName()
		if name != "file" && name != "text" {
			text, err := io.ReadAll(io.LimitReader(part, fieldMost))
			if err != nil {
				v.uploadDone(http.StatusBadRequest, "The form was cut short. Nothing was loaded.")
				return
			}
			given[name] = string(text)
			continue
		}
		if !v.genuine(given[csrfField]) {
			return
		}
		file := cmp.Or(part.FileName(), given["name"])
		if file == "" {
			v.uploadDone(http.StatusBadRequest, "Choose a file.")
			return
		}
		v.take(file, given["source"], part)
		return
	}
}

// take loads a file, and says what came of it.
func (v *view) take(name, source string, body io.Reader) {
	answer := v.app.api.Ask(v.w, v.r, v.session.token, http.MethodPost,
		address("/v1/loads", "name", name, "source", source), body)
	var done loaded
	refused := &problem{Title: http.StatusText(answer.Status)}
	switch {
	case answer.Status != http.StatusOK:
		err := json.Unmarshal(answer.Body, refused)
		v.uploadDone(answer.Status, sentence(errors.Join(refused, err).Error()))
	case json.Unmarshal(answer.Body, &done) != nil:
		v.uploadDone(http.StatusInternalServerError, "The answer cannot be read; the list says what was loaded.")
	case done.Status == "already_loaded":
		v.uploadDone(http.StatusOK, done.File+" is loaded already, as "+done.LoadID+". Nothing counts twice.")
	case done.RowsRejected > 0:
		v.uploadDone(http.StatusOK, done.told(name)+" "+money.GroupDigits(strconv.FormatUint(done.RowsRejected, 10))+
			" rejected. Open "+done.LoadID+" to mend them.")
	default:
		v.uploadDone(http.StatusOK, done.told(name))
	}
}

// told says how many rows of a file count.
func (l loaded) told(name string) string {
	return name + ": " + money.GroupDigits(strconv.FormatUint(l.RowsLoaded, 10)) + " rows loaded as " + l.LoadID + "."
}

// uploadDone answers the script with a text, and a form with the list.
func (v *view) uploadDone(status int, text string) {
	if v.r.Header.Get(partHeader) != "" {
		v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		v.w.WriteHeader(status)
		_, _ = v.w.Write(visible([]byte(text))) // whoever asked may be gone
		return
	}
	v.session.tell(notice{Text: text, Bad: status != http.StatusOK})
	http.Redirect(v.w, v.r, "/loads", http.StatusSeeOther)
}
