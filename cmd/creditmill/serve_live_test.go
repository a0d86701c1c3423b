package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/serve"
)

// liveWalkSteps is how many changes are made.
const liveWalkSteps = 15

// liveWalk asks serve who is entitled while everything changes that an answer depends on.
type liveWalk struct {
	*served
	random *rand.Rand
	// tracked are rows that were sent to /v1/events since the last unload, others those that are known from elsewhere.
	tracked, others []string
	names           int
	after           []string
}

// liveSteps are what may happen between two questions, by name. early marks those after which serve may count an event
// that is loaded already, until it loads it.
var liveSteps = []struct {
	name  string
	early bool
	do    func(*liveWalk)
}{
	{"events", false, func(w *liveWalk) { w.track(w.events()) }},
	{"events again", false, func(w *liveWalk) { w.track(w.again(w.tracked)) }},
	{"events that were loaded", true, func(w *liveWalk) { w.track(w.again(w.others)) }},
	{"an upload", false, func(w *liveWalk) { w.upload(append(w.elsewhere(), w.again(w.tracked)...)) }},
	{"an unload", false, (*liveWalk).unload},
	{"a product", false, func(w *liveWalk) {
		w.want(http.StatusOK, serve.RoleAdmin, "POST", "/v1/customers/"+w.customer()+"/attach", `{"product":"pro"}`, nil)
	}},
	{"a grant", false, func(w *liveWalk) {
		w.want(http.StatusOK, serve.RoleAdmin, "POST", "/v1/customers/"+w.customer()+"/grants",
			`{"credits":"40","reason":"sorry"}`, nil)
	}},
	{"another price", false, func(w *liveWalk) {
		price := fmt.Sprintf("medium-model-tokens: %d.%d", 1+w.random.IntN(9), w.random.IntN(1000))
		costs := regexp.MustCompile(`medium-model-tokens: [0-9.]+`).ReplaceAllString(w.read("catalog.yaml"), price)
		w.write("catalog.yaml", costs)
		time.Sleep(2 * watchEvery) // by which serve has seen it
	}},
	{"time", false, func(w *liveWalk) { w.fake.Advance(time.Duration(1+w.random.IntN(300)) * time.Hour) }},
	{"a load by another program", false, func(w *liveWalk) {
		w.names++
		name := fmt.Sprintf("beside%d.jsonl", w.names)
		w.write(name, strings.Join(append(w.elsewhere(), w.copies(w.tracked)...), "\n")+"\n")
		w.creditmill("load", filepath.Join(w.directory, name))
		time.Sleep(2 * watchEvery)
	}},
}

func (w *liveWalk) customer() string { return []string{"acme", "beta"}[w.random.IntN(2)] }

// events are new ones of the last days, that are sent to /v1/events.
func (w *liveWalk) events() []string {
	rows := w.newRows()
	w.tracked = append(w.tracked, rows...)
	return rows
}

// elsewhere are new events that come in a file.
func (w *liveWalk) elsewhere() []string {
	rows := w.newRows()
	w.others = append(w.others, rows...)
	return rows
}

func (w *liveWalk) newRows() []string {
	var rows []string
	for range 1 + w.random.IntN(3) {
		w.names++
		at := w.now().Add(-time.Duration(w.random.IntN(72*3600)) * time.Second).Format(time.RFC3339)
		model := []string{"small-model", "medium-model"}[w.random.IntN(2)]
		rows = append(rows, row("e"+strconv.Itoa(w.names), at, w.customer(), model, 1+w.random.IntN(90)))
	}
	return rows
}

// copies are rows of those that were sent.
func (w *liveWalk) copies(sent []string) []string {
	var rows []string
	for range w.random.IntN(min(3, len(sent)+1)) {
		rows = append(rows, sent[w.random.IntN(len(sent))])
	}
	return rows
}

// again are copies, some with other figures now: the one that was loaded first counts.
func (w *liveWalk) again(sent []string) []string {
	rows := w.copies(sent)
	for i := range rows {
		if w.random.IntN(2) == 0 {
			rows[i] = strings.Replace(rows[i], `"input_tokens":`, `"input_tokens":1`, 1)
		}
	}
	return rows
}

func (w *liveWalk) track(rows []string) {
	if len(rows) > 0 {
		w.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events", strings.Join(rows, "\n"), nil)
	}
}

func (w *liveWalk) upload(rows []string) {
	w.names++
	got := w.ask(serve.RoleUploader, "POST", fmt.Sprintf("/v1/loads?name=up%d.jsonl", w.names), strings.Join(rows, "\n"))
	if got.status >= http.StatusInternalServerError {
		w.Fatalf("%+v", got)
	}
}

// unload takes any load back: its events may come again and count.
func (w *liveWalk) unload() {
	var loads []struct {
		ID     string `json:"load_id"`
		Status string `json:"status"`
	}
	w.want(http.StatusOK, serve.RoleUploader, "GET", "/v1/loads", "", &loads)
	if len(loads) == 0 {
		return
	}
	load := loads[w.random.IntN(len(loads))]
	if load.Status == "committed" {
		w.want(http.StatusOK, serve.RoleUploader, "DELETE", "/v1/loads/"+load.ID, "", nil)
		w.tracked, w.others = nil, append(w.others, w.tracked...)
	}
}

// check holds what serve answers at once, and once all is loaded that was accepted, against the command line. An early
// answer may say less than is left.
func (w *liveWalk) check(early bool) {
	w.Helper()
	before := w.answers()
	w.names++ // of a customer that nobody has asked for, all that came is looked at
	w.want(http.StatusOK, serve.RoleGateway, "POST", "/v1/entitled",
		fmt.Sprintf(`{"customer_id":"nobody%d","feature":"small-model"}`, w.names), nil)
	for question, after := range w.answers() {
		customer, model, _ := strings.Cut(question, " ")
		var want entitledResult
		text := w.creditmill("entitled", customer, model, "--required", "60", "--fresh", "--json")
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			w.Fatal(err)
		}
		at := before[question]
		if early && at.Balance.LessThanOrEqual(*want.Balance) {
			at = want
		}
		if !reflect.DeepEqual(at, want) || !reflect.DeepEqual(after, want) {
			w.Fatalf("%s after %s:\n%s\nat once %+v\nloaded  %+v", question, strings.Join(w.after, ", "), text, at, after)
		}
	}
}

// answers asks for two features of two customers.
func (w *liveWalk) answers() map[string]entitledResult {
	w.Helper()
	answers := map[string]entitledResult{}
	for _, customer := range []string{"acme", "beta"} {
		for _, model := range []string{"small-model", "medium-model"} {
			var got entitledResult
			w.want(http.StatusOK, serve.RoleGateway, "POST", "/v1/entitled",
				fmt.Sprintf(`{"customer_id":%q,"feature":%q,"required":60}`, customer, model), &got)
			answers[customer+" "+model] = got
		}
	}
	return answers
}

// TestServeEntitledFromMemory: whatever changes, here or by another program, what HTTP answers is what `creditmill
// entitled --fresh` answers, and where only events came it is answered from memory.
func TestServeEntitledFromMemory(t *testing.T) {
	s := serveSeed(t, time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	w := &liveWalk{served: s, random: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // a test
	for range liveWalkSteps {
		step := liveSteps[w.random.IntN(len(liveSteps))]
		step.do(w)
		w.after = append(w.after, step.name)
		w.check(step.early)
	}
	w.track(w.events())
	w.check(false)
	figures := w.want(http.StatusOK, serve.RoleAdmin, "GET", "/metrics", "", nil).body
	found := regexp.MustCompile(`creditmill_entitled_answers_total\{from="memory"\} (\d+)`).FindStringSubmatch(figures)
	if found == nil || len(found[1]) < 2 { // fewer than ten
		t.Errorf("memory answered %v", found)
	}
	t.Logf("memory answered %v", found)
}

// TestServeBadCatalog: while the price book cannot be read, answers go on by the one before it; the next one that can
// be read holds.
func TestServeBadCatalog(t *testing.T) {
	s := serveSeed(t, time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC))
	good := s.read("catalog.yaml")
	used := 0
	use := func(want string) {
		t.Helper()
		time.Sleep(2 * watchEvery) // by which serve has looked at the file
		used++
		s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events",
			row(strconv.Itoa(used), "2026-10-05T10:00:00Z", "acme", "small-model", 100), nil)
		s.wantUsed(want)
	}
	use("10")
	s.write("catalog.yaml", good[:len(good)/2])
	use("20")
	if err := os.Remove(filepath.Join(s.directory, "catalog.yaml")); err != nil {
		t.Fatal(err)
	}
	use("30")
	s.write("catalog.yaml", strings.Replace(good, "small-model-tokens:  0.1", "small-model-tokens:  0.2", 1))
	use("80")
	s.stop()
	s.write("catalog.yaml", "products: [")
	s.start()
	got := s.ask(serve.RoleGateway, "POST", "/v1/entitled", ofAcme)
	if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "catalog.yaml:1") {
		t.Errorf("by a price book that was never read: %+v", got)
	}
	s.write("catalog.yaml", good)
	s.wantUsed("40")
}
