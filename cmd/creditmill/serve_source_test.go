package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/serve"
)

// serveSources are two sources of the same rows, and one whose rows have no id of their own.
const serveSources = `sources:
  - {id: second, extends: creditmill}
  - {id: numbered, extends: creditmill, fields: {event_id: {row: true}}}
`

// serveWithSources serves the seed with serveSources and what else the config says.
func serveWithSources(t *testing.T, config string) *served {
	t.Helper()
	s := serveSeed(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	s.stop()
	s.write("creditmill.yaml", "catalog: catalog.yaml\n"+config+serveSources)
	s.start()
	return s
}

func (s *served) wantUsed(credits string) {
	s.Helper()
	var got entitledResult
	s.want(http.StatusOK, serve.RoleGateway, "POST", "/v1/entitled", ofAcme, &got)
	if got.Used.String() != credits {
		s.Errorf("used %s, want %s", got.Used, credits)
	}
}

// TestServeSameRowsOfTwoSources: events of two sources are two events, whatever their rows look like.
func TestServeSameRowsOfTwoSources(t *testing.T) {
	s := serveWithSources(t, "")
	same := row("a1", "2026-11-01T10:00:00Z", "acme", "small-model", 100)
	s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events", same, nil)
	s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events?source=second", same, nil)
	s.wantUsed("20")
}

// TestServeRowsWithoutIDs: rows that are known by their place in a file only would count twice when they are sent
// again, so they are not taken.
func TestServeRowsWithoutIDs(t *testing.T) {
	s := serveWithSources(t, "")
	got := s.want(http.StatusBadRequest, serve.RoleGateway, "POST", "/v1/events?source=numbered",
		row("a1", "2026-11-01T10:00:00Z", "acme", "small-model", 100), nil)
	if !strings.Contains(got.body, "would count twice") {
		t.Errorf("%s", got.body)
	}
}

// TestServeSegmentWithRejects: what was accepted is loaded, whatever the config says of rejects, and so is what waits
// behind a segment of a source that is there no more.
func TestServeSegmentWithRejects(t *testing.T) {
	s := serveWithSources(t, "ingest: {max_rejects: 0}\n")
	s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events",
		row("a1", "2026-11-01T10:00:00Z", "acme", "small-model", 100), nil)
	s.wantUsed("10")
	s.stop()
	spool := filepath.Join(s.directory, "creditmill-data", "spool", "segments")
	if err := os.Mkdir(filepath.Join(spool, "gone"), 0o700); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(spool, "gone", "1.jsonl")
	for path, text := range map[string]string{
		gone: row("b1", "2026-11-01T10:00:00Z", "acme", "small-model", 100) + "\n",
		filepath.Join(spool, "creditmill", "2.jsonl"): "{\"event_id\":\"b1\"}\n" +
			row("b2", "2026-11-01T10:00:00Z", "acme", "small-model", 100) + "\n",
		filepath.Join(spool, "creditmill", "3.jsonl"): "{\"event_id\":\"b3\"}\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	if got := s.ask(serve.RoleGateway, "POST", "/v1/entitled", ofAcme); got.status != http.StatusServiceUnavailable ||
		!strings.Contains(got.body, "unknown source") {
		t.Errorf("whose usage the segment of an unknown source is nobody knows: %d %s", got.status, got.body)
	}
	if err := os.Rename(gone, filepath.Join(s.directory, "aside.jsonl")); err != nil {
		t.Fatal(err)
	}
	s.ask(serve.RoleGateway, "POST", "/v1/entitled", ofAcme)
	s.wantUsed("20")
	loads := s.want(http.StatusOK, serve.RoleFinance, "GET", "/v1/loads", "", nil).body
	if n := strings.Count(loads, `"status":"committed"`); n != 3 || strings.Contains(loads, "aborted") {
		t.Errorf("%d loads count, want 3: one has rejects alone: %s", n, loads)
	}
}

// TestServeOtherFormats: rows that are sent are JSON objects. Those of a source of CSV files would be read by their
// place.
func TestServeOtherFormats(t *testing.T) {
	s := serveWithSources(t, "")
	s.stop()
	s.write("creditmill.yaml", "catalog: catalog.yaml\nsources: [{id: cells, extends: creditmill, format: csv}]\n")
	s.start()
	got := s.want(http.StatusBadRequest, serve.RoleGateway, "POST", "/v1/events?source=cells",
		row("a1", "2026-11-01T10:00:00Z", "acme", "small-model", 100), nil)
	if !strings.Contains(got.body, "is of csv files") {
		t.Errorf("%s", got.body)
	}
}

// TestServeRowsByTheirNumber: a line that is not one object is refused by its number, and every other row keeps its
// own.
func TestServeRowsByTheirNumber(t *testing.T) {
	s := serveWithSources(t, "")
	good := func(id string) string { return row(id, "2026-11-01T10:00:00Z", "acme", "small-model", 100) }
	lines := []string{good("a1") + good("a2"), `{"event_id":"bad"}`, good("a3"), "[" + good("a4") + "]", "no json"}
	got := s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events", strings.Join(lines, "\n"), nil)
	var told struct {
		Accepted int
		Rejected []struct{ Row int }
	}
	if err := json.Unmarshal([]byte(got.body), &told); err != nil {
		t.Fatal(err)
	}
	if told.Accepted != 1 || fmt.Sprint(told.Rejected) != "[{1} {2} {4} {5}]" {
		t.Errorf("%s", got.body)
	}
	s.wantUsed("10")
}

// TestServeMap: rows are read by the map of customers as it is now, as by a load.
func TestServeMap(t *testing.T) {
	s := serveWithSources(t, "")
	s.stop()
	s.write("keys.csv", "key,customer_id\nk1,acme\n")
	s.write("creditmill.yaml", "catalog: catalog.yaml\nsources: [{id: keyed, extends: creditmill, "+
		"fields: {customer_id: {path: customer_id, map: keys.csv}}}]\n")
	s.start()
	send := func(id, key string, accepted int) {
		t.Helper()
		var told struct{ Accepted int }
		s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events?source=keyed",
			row(id, "2026-11-01T10:00:00Z", key, "small-model", 100), &told)
		if told.Accepted != accepted {
			t.Errorf("%s: %d accepted, want %d", key, told.Accepted, accepted)
		}
	}
	send("a1", "k1", 1)
	send("a2", "k2", 0)
	s.write("keys.csv", "key,customer_id\nk1,acme\nk2,acme\n")
	send("a2", "k2", 1)
	s.wantUsed("20")
}

// TestServeManyCombinations: requests each of which has few combinations of dimensions are loaded, however many they
// have together; one that has too many is refused, and stops nobody.
func TestServeManyCombinations(t *testing.T) {
	s := serveWithSources(t, "")
	rows := func(from, to int) string {
		var body strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&body, `{"event_id":"e%d","occurred_at":"2026-11-01T10:00:00Z","customer_id":"acme",`+
				`"model":"small-model","input_tokens":100,"dimensions":{"place":"p%d"}}`+"\n", i, i)
		}
		return body.String()
	}
	got := s.want(http.StatusBadRequest, serve.RoleGateway, "POST", "/v1/events", rows(0, 1001), nil)
	if !strings.Contains(got.body, "combinations of dimensions") {
		t.Errorf("%s", got.body)
	}
	s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events", rows(0, 700), nil)
	s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events", rows(700, 1400), nil)
	s.want(http.StatusOK, serve.RoleGateway, "POST", "/v1/entitled", ofAcme, nil)
	loads := s.want(http.StatusOK, serve.RoleFinance, "GET", "/v1/loads", "", nil).body
	if n := strings.Count(loads, `"rows_loaded":700`); n != 2 {
		t.Errorf("%d loads of 700 rows, want 2: %s", n, loads)
	}
}

// TestServeFullSpool: what cannot be loaded does not fill the disk: rows are refused until there is room again, and
// those that were accepted count.
func TestServeFullSpool(t *testing.T) {
	s := serveWithSources(t, "serve: {max_spool_bytes: 200}\n")
	send := func(id string, status int) answered {
		t.Helper()
		return s.want(status, serve.RoleGateway, "POST", "/v1/events",
			row(id, "2026-11-01T10:00:00Z", "acme", "small-model", 100), nil)
	}
	send("a1", http.StatusAccepted)
	got := send("a2", http.StatusServiceUnavailable)
	if !strings.Contains(got.body, "the spool is full") || got.header.Get("Retry-After") == "" {
		t.Errorf("%+v", got)
	}
	s.wantUsed("10") // by which it is loaded
	send("a2", http.StatusAccepted)
	s.wantUsed("20")
	figures := s.want(http.StatusOK, serve.RoleAdmin, "GET", "/metrics", "", nil).body
	if !strings.Contains(figures, "creditmill_spool_bytes 1") {
		t.Error("no figure of what waits")
	}
}

// TestServeSpoolElsewhere: accepted rows wait in the folder that the config names, and are loaded from there.
func TestServeSpoolElsewhere(t *testing.T) {
	s := serveWithSources(t, "serve: {spool: rows/waiting}\n")
	s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events",
		row("a1", "2026-11-01T10:00:00Z", "acme", "small-model", 100), nil)
	segments := filepath.Join("segments", "creditmill", "*")
	waiting, err := filepath.Glob(filepath.Join(s.directory, "rows", "waiting", segments))
	if len(waiting) != 1 {
		t.Errorf("there wait %q (%v), want the segment of the row", waiting, err)
	}
	if beside, err := filepath.Glob(filepath.Join(s.directory, "creditmill-data", "spool", segments)); len(beside) > 0 {
		t.Errorf("beside the data wait %q (%v), too", beside, err)
	}
	s.wantUsed("10")
}

// TestServeManyRequests: a token that asks too often is told so, and others are not kept waiting.
func TestServeManyRequests(t *testing.T) {
	s := serveWithSources(t, "serve: {requests_per_second: 1}\n")
	for range 1000 { // it would take a quarter of an hour to send them all
		got := s.ask(serve.RoleGateway, "POST", "/v1/entitled", ofAcme)
		if got.status == http.StatusTooManyRequests {
			if !strings.Contains(got.body, "gateway-1 sends more requests in a second than 1") {
				t.Errorf("%+v", got)
			}
			s.want(http.StatusOK, serve.RoleFinance, "GET", "/v1/customers", "", nil)
			return
		}
	}
	t.Error("a thousand requests at once were not too many")
}
