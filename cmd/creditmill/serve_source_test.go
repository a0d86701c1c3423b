package main

import (
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
	spool := filepath.Join(s.directory, "creditmill-data", "spool")
	if err := os.Mkdir(filepath.Join(spool, "gone"), 0o700); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(spool, "gone", "1.jsonl")
	for path, text := range map[string]string{
		gone: row("b1", "2026-11-01T10:00:00Z", "acme", "small-model", 100) + "\n",
		filepath.Join(spool, "creditmill", "2.jsonl"): "{\"event_id\":\"b1\"}\n" +
			row("b2", "2026-11-01T10:00:00Z", "acme", "small-model", 100) + "\n",
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
	if waiting, err := filepath.Glob(filepath.Join(s.directory, "rows", "waiting", "creditmill", "*")); len(waiting) != 1 {
		t.Errorf("there wait %q (%v), want the segment of the row", waiting, err)
	}
	if beside, err := filepath.Glob(filepath.Join(s.directory, "creditmill-data", "spool", "*", "*")); len(beside) > 0 {
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
