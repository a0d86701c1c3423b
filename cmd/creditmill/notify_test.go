package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// notified is a webhook that keeps what it is told.
type notified struct {
	*served
	status  int
	notices []notice
	stderr  bytes.Buffer
	files   int
	last    time.Time // of usage
}

// ServeHTTP takes notices, or answers with a status in their place.
func (w *notified) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	var body struct {
		Source  string   `json:"source"`
		Notices []notice `json:"notices"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Source != "creditmill" || r.URL.Path != "/secret" {
		w.Errorf("%v, %+v, %s", err, body, r.URL)
	}
	if w.status == 0 {
		w.notices = append(w.notices, body.Notices...)
	} else {
		answer.Header().Set("Location", "/elsewhere")
		answer.WriteHeader(w.status)
	}
}

// run runs a job, and wants these notices, of kind, subject and about.
func (w *notified) run(job string, want ...string) {
	w.Helper()
	w.notices = nil
	w.stderr.Reset()
	w.fake.Advance(time.Minute)
	a, _ := w.app(&w.stderr)
	root := newRootCommand(a)
	root.SetArgs([]string{"--config", filepath.Join(w.directory, "creditmill.yaml"), "run", "--once", job})
	command, err := root.ExecuteContextC(w.Context())
	a.finish(w.Context(), command, err)
	var got []string
	for _, each := range w.notices {
		got = append(got, strings.TrimSpace(strings.Join([]string{each.Kind, each.Subject, each.About}, " ")))
	}
	if !slices.Equal(got, want) {
		w.Errorf("%s at %s told\n%s\nwant\n%s\n%s", job, w.now().Format(time.RFC3339), strings.Join(got, "\n"),
			strings.Join(want, "\n"), &w.stderr)
	}
}

// use loads usage of now.
func (w *notified) use(customer, model string, tokens int) {
	w.Helper()
	w.files++
	w.last = w.now().UTC()
	name := fmt.Sprintf("use%d.jsonl", w.files)
	w.write(name, row(fmt.Sprintf("e%d", w.files), w.now().Format(time.RFC3339), customer, model, tokens)+"\n")
	w.creditmill("load", filepath.Join(w.directory, name))
}

func newNotified(t *testing.T) *notified {
	t.Helper()
	s := serveSeed(t, time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC))
	s.stop()
	w := &notified{served: s}
	hook := httptest.NewServer(w)
	t.Cleanup(hook.Close)
	w.write("creditmill.yaml", strings.ReplaceAll(w.read("creditmill.yaml"), "{approval: required}",
		"{timing: next_invoice}")+"notify: {url: "+hook.URL+"/secret, usage_missing_after: 48h}\n")
	return w
}

// TestNotices: what somebody should look at is told once, and again when it happens again.
func TestNotices(t *testing.T) {
	w := newNotified(t)
	w.use("acme", "small-model", 2400)
	w.run("aggregate")
	w.use("acme", "small-model", 100)
	w.run("aggregate", "allowance_used acme ai-credits 2026-10-01T00:00:00Z 50")
	w.run("aggregate")
	w.use("acme", "large-model", 60)
	w.run("aggregate", "allowance_used acme ai-credits 2026-10-01T00:00:00Z 80",
		"allowance_used acme ai-credits 2026-10-01T00:00:00Z 100")
	if len(w.notices) < 2 {
		t.FailNow()
	}
	if text := w.notices[1].Text; text != "acme has used 100 % of its ai-credits: 550 of 500 since 2026-10-01T00:00:00Z." {
		t.Error(text)
	}
	w.use("beta", "new-model", 7)
	w.run("aggregate", "model_unrated new-model 2026-10")
	w.fake.Advance(49 * time.Hour)
	w.run("aggregate", "usage_missing usage "+w.last.Format(time.RFC3339Nano))
	w.run("aggregate")

	catalog := w.read("catalog.yaml")
	w.write("catalog.yaml", "products: []")
	w.run("aggregate", "job_failed aggregate "+w.succeeded("aggregate"))
	w.run("aggregate")
	w.write("catalog.yaml", catalog)
	w.run("aggregate")
	w.write("catalog.yaml", "products: []")
	w.run("aggregate", "job_failed aggregate "+w.succeeded("aggregate"))
	w.write("catalog.yaml", catalog)
}

// succeeded is when a job last did its work.
func (w *notified) succeeded(job string) string {
	w.Helper()
	var state statusResult
	if err := json.Unmarshal([]byte(w.creditmill("status", "--json")), &state); err != nil {
		w.Fatal(err)
	}
	for _, each := range state.Jobs {
		if each.Job == job && each.SucceededAt != nil {
			return each.SucceededAt.UTC().Format(time.RFC3339Nano)
		}
	}
	w.Fatalf("%s never succeeded: %+v", job, state.Jobs)
	return ""
}

// TestNoticesOfHeldCharges: a charge that is held is told once, whatever job looks at it again; what a webhook does not
// take is told later, and no word of its address is.
func TestNoticesOfHeldCharges(t *testing.T) {
	w := newNotified(t)
	w.creditmill("attach", "acme", "pro", "--at", "2026-10-01")
	w.use("acme", "large-model", 3000)
	w.fake.Advance(29 * 24 * time.Hour)
	w.use("acme", "small-model", 1)
	w.run("aggregate")
	for _, status := range []int{http.StatusInternalServerError, http.StatusFound} {
		w.status = status
		w.run("invoice")
		if text := w.stderr.String(); !strings.Contains(text, "notify.url: it answers "+fmt.Sprint(status)) ||
			strings.Contains(text, "secret") {
			t.Error(text)
		}
	}
	w.status = 0
	var preview previewResult
	if err := json.Unmarshal([]byte(w.creditmill("invoice", "preview", "--json")), &preview); err != nil {
		t.Fatal(err)
	}
	w.run("invoice", "charge_held "+preview.Charges[0].ID)
	want := fmt.Sprintf("The charge %s of acme, $50.00, is held: ", preview.Charges[0].ID)
	if text := w.notices[0].Text; !strings.HasPrefix(text, want) {
		t.Errorf("%s\nwant %s…", text, want)
	}
	w.run("invoice")
}

// TestNoticeForSlack: Slack shows a text as it is.
func TestNoticeForSlack(t *testing.T) {
	body, err := noticeBody(shapeSlack, []notice{{Text: "a <b> & c"}, {Text: "d"}})
	if err != nil || string(body) != `{"text":"a \u0026lt;b\u0026gt; \u0026amp; c\nd"}` {
		t.Errorf("%s, %v", body, err)
	}
}

// TestNotifyURLFromEnvironment: the variable wins over the config file, and what is no address is refused, unquoted.
func TestNotifyURLFromEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "creditmill.yaml")
	if err := os.WriteFile(file, []byte("notify: {url: 'https://example.com/file', shape: slack}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for variable, want := range map[string]string{
		"":                             "https://example.com/file",
		"https://example.com/variable": "https://example.com/variable",
	} {
		t.Setenv(notifyURLKey, variable)
		read, err := loadConfig(globalFlags{configFile: file})
		if err != nil || read.Notify.URL != want || read.Notify.Shape != shapeSlack {
			t.Errorf("%q: %+v, %v", variable, read, err)
		}
	}
	t.Setenv(notifyURLKey, "ftp://s3cret")
	_, err := loadConfig(globalFlags{configFile: file})
	if exitCode(err) != exitUsage || !strings.Contains(err.Error(), notifyURLKey) ||
		strings.Contains(err.Error(), "s3cret") {
		t.Errorf("want a refusal without the address: %v", err)
	}
}
