package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/serve"
)

const ofAcme = `{"customer_id":"acme","feature":"small-model"}`

// TestServeSeed walks the seed's scenario over HTTP: check, track, the balance moves, buy, use more than what is
// included, preview, approve by a second person, and the renewal's webhook posts the $100.00.
func TestServeSeed(t *testing.T) {
	s := serveSeed(t, time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC))
	check := func(allowed bool, balance string) {
		t.Helper()
		var got entitledResult
		s.want(http.StatusOK, serve.RoleGateway, "POST", "/v1/entitled", ofAcme, &got)
		if got.Allowed != allowed || got.Balance.String() != balance {
			t.Fatalf("%t with %s, want %t with %s", got.Allowed, got.Balance, allowed, balance)
		}
	}
	check(true, "500")
	// The same events twice, as a gateway sends them that had no answer.
	for range 2 {
		s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events", "["+
			row("a1", "2026-10-05T10:00:00Z", "acme", "small-model", 2000)+","+
			row("a2", "2026-10-05T11:00:00Z", "acme", "large-model", 60)+"]", nil)
		check(false, "0")
	}
	var link struct {
		URL string `json:"checkout_url"`
	}
	s.want(http.StatusOK, serve.RoleAdmin, "POST", "/v1/customers/acme/attach", `{"product":"pro","checkout":true}`, &link)
	paid, err := s.fake.Complete(link.URL[strings.LastIndex(link.URL, "/")+1:])
	if err != nil {
		t.Fatal(err)
	}
	got := s.hook("customer.subscription.created", map[string]string{"id": *paid.Subscription})
	if got.status != http.StatusOK {
		t.Fatalf("%+v", got)
	}
	check(true, "10000")
	s.fake.Advance(24 * time.Hour)
	s.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events", strings.Join([]string{
		row("b1", "2026-10-06T09:00:00Z", "acme", "small-model", 50000),
		row("b2", "2026-10-06T09:00:01Z", "acme", "medium-model", 10000),
		row("b3", "2026-10-06T09:00:02Z", "acme", "large-model", 1000),
	}, "\n"), nil)
	check(true, "-10000")

	s.fake.Advance(30 * 24 * time.Hour) // by which the subscription is renewed
	s.fake.Advance(20 * time.Minute)
	var draft stripefake.Invoice
	for _, invoice := range s.fake.Invoices() {
		if invoice.Status == "draft" {
			draft = invoice
		}
	}
	if got := s.hook("invoice.created", draft); got.status != http.StatusServiceUnavailable ||
		!strings.Contains(got.body, "waits for the approval") {
		t.Fatalf("%+v", got)
	}
	var preview struct {
		PlanSHA string `json:"plan_sha"`
		Charges []struct {
			AmountMinor int64 `json:"amount_minor"`
		} `json:"charges"`
	}
	s.want(http.StatusOK, serve.RoleFinance, "GET", "/v1/invoices/preview", "", &preview)
	if len(preview.Charges) != 1 || preview.Charges[0].AmountMinor != 10000 {
		t.Fatalf("%+v", preview)
	}
	approve := "/v1/plans/" + preview.PlanSHA + "/approve"
	s.want(http.StatusForbidden, serve.RoleFinance, "POST", approve, `{"reason":"ok"}`, nil)
	s.want(http.StatusOK, serve.RoleApprover, "POST", approve, `{"reason":"ok"}`, nil)
	for range 2 {
		if got := s.hook("invoice.created", draft); got.status != http.StatusOK {
			t.Fatalf("%+v", got)
		}
	}
	s.fake.Advance(2 * time.Hour)
	for _, invoice := range s.fake.Invoices() {
		whole := invoice.Status == "paid" && invoice.AmountPaid == 20000 && len(invoice.LineItems) == 2
		if invoice.ID == draft.ID && !whole {
			t.Fatalf("%+v", invoice)
		}
	}
}

// TestServeRoles tries every endpoint without a token, with a wrong one, and as each role.
func TestServeRoles(t *testing.T) {
	s := serveSeed(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	for _, route := range serve.Routes() {
		path := strings.NewReplacer("{id}", "ld_1", "{sha}", "abc").Replace(route.Path)
		if len(route.Roles) == 0 {
			if got := s.ask("", route.Method, path, ""); got.status == http.StatusUnauthorized {
				t.Errorf("%s %s takes a token", route.Method, path)
			}
			continue
		}
		for _, role := range append([]string{"", "unknown"}, serve.Roles...) {
			got := s.ask(role, route.Method, path, "")
			want := 0
			switch {
			case !slices.Contains(serve.Roles, role):
				want = http.StatusUnauthorized
			case role != serve.RoleAdmin && !slices.Contains(route.Roles, role):
				want = http.StatusForbidden
			}
			refused := got.status == http.StatusUnauthorized || got.status == http.StatusForbidden
			if want != 0 && got.status != want || want == 0 && (refused || got.status == http.StatusInternalServerError) {
				t.Errorf("%s %s as %q: %d, want %d\n%s", route.Method, path, role, got.status, want, got.body)
			}
		}
	}
	s.stop()
	s.creditmill("token", "revoke", "finance-1")
	s.creditmill("token", "create", "soon", "--role", "finance", "--expires", "2026-11-06")
	list := s.creditmill("token", "list", "--json")
	for _, secret := range s.tokens {
		if strings.Contains(list, secret) {
			t.Error("the list shows a secret")
		}
	}
	s.start()
	s.want(http.StatusUnauthorized, serve.RoleFinance, "GET", "/v1/customers", "", nil)
}

// TestServeBadInput: what cannot be read is a clear refusal, and what is right beside it is taken.
func TestServeBadInput(t *testing.T) {
	s := serveSeed(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	good := row("a1", "2026-11-01T10:00:00Z", "acme", "small-model", 10)
	for _, test := range []struct {
		role, path, body string
		status           int
		text             string
	}{
		{serve.RoleGateway, "/v1/events", "", 400, "the body is empty"},
		{serve.RoleGateway, "/v1/events", "[{]", 400, "begins like an array"},
		{serve.RoleGateway, "/v1/events?source=none", good, 400, `unknown source \"none\"`},
		{serve.RoleGateway, "/v1/events?sauce=none", good, 400, "this takes source"},
		{
			serve.RoleGateway, "/v1/events", good + "\nnot json\n" + `{"event_id":"a2"}`, 202,
			`"accepted":1,"rejected":[{"row":2,`,
		},
		{serve.RoleGateway, "/v1/events", strings.Repeat("x", 17<<20), 413, "larger than 16 MiB"},
		{serve.RoleGateway, "/v1/entitled", `{"customer_id":"acme"}`, 400, "feature is missing"},
		{serve.RoleGateway, "/v1/entitled", `{"customer_id":"acme","feature":"x","other":1}`, 400, `unknown field \"other\"`},
		{serve.RoleGateway, "/v1/entitled", `{"customer_id":7,"feature":"x"}`, 400, "customer_id must be a string"},
		{serve.RoleGateway, "/v1/entitled", `{"customer_id":"--help","feature":"nothing"}`, 200, `"allowed":false`},
		{serve.RoleGateway, "/v1/entitled", `[1]`, 400, "is not a JSON object"},
		{serve.RoleAdmin, "/v1/customers/acme/attach", `{"product":"none"}`, 400, "none"},
		{serve.RoleAdmin, "/v1/customers/--config/attach", `{"product":"pro"}`, 200, `"customer_id":"--config"`},
		{serve.RoleApprover, "/v1/charges/oc_1/hold", `{}`, 400, "reason is missing"},
		{serve.RoleApprover, "/v1/charges/oc_1/hold", `{"reason":"x"}`, 400, "no such charge"},
		{serve.RoleUploader, "/v1/loads?name=../x.jsonl", good, 400, "a file name without folders"},
		{serve.RoleUploader, "/v1/loads?name=x.jsonl", good, 200, `"status":"committed"`},
		{serve.RoleUploader, "/v1/loads?name=y.jsonl", good, 200, `"status":"already_loaded"`},
	} {
		got := s.ask(test.role, "POST", test.path, test.body)
		if got.status != test.status || !strings.Contains(got.body, test.text) {
			t.Errorf("%s %.60s: %d %s\nwant %d %s", test.path, test.body, got.status, got.body, test.status, test.text)
		}
		if kind := got.header.Get("Content-Type"); got.status >= 400 && kind != "application/problem+json" {
			t.Errorf("%s: %s", test.path, kind)
		}
	}
	s.want(http.StatusNotFound, serve.RoleFinance, "GET", "/v1/customers/nobody", "", nil)
	s.want(http.StatusNotFound, "", "GET", "/v2", "", nil)
	s.want(http.StatusMethodNotAllowed, "", "PUT", "/healthz", "", nil)
}

// TestServeLeftSegments: what a process that died had accepted is loaded by the next, once, also where it was loaded
// and only not removed; the rest of a row that was cut off is left out.
func TestServeLeftSegments(t *testing.T) {
	s := serveSeed(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	s.stop()
	folder := filepath.Join(s.directory, "creditmill-data", "spool", "segments", "creditmill")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	first := row("a1", "2026-11-01T10:00:00Z", "acme", "small-model", 10) + "\n"
	s.write("loaded.jsonl", first)
	s.creditmill("load", filepath.Join(s.directory, "loaded.jsonl"))
	for name, text := range map[string]string{
		"1.jsonl": first, "3.open": "cut",
		"2.open": row("a2", "2026-11-01T10:00:00Z", "acme", "small-model", 20) + "\n" + first[:30],
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	var got entitledResult
	s.want(http.StatusOK, serve.RoleGateway, "POST", "/v1/entitled", ofAcme, &got)
	if got.Used.String() != "3" {
		t.Fatalf("used %s, want 3", got.Used)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Fatalf("%v, %v", left, err)
	}
}

// TestServeOpenly: off loopback it takes TLS or a proxy.
func TestServeOpenly(t *testing.T) {
	for flags, want := range map[string]string{
		"--listen 0.0.0.0:0":                               "tokens would pass over the network in the clear",
		"--listen 127.0.0.1":                               "want an address and a port",
		"--listen 127.0.0.1:0 --tls-cert x":                "go together",
		"--listen 127.0.0.1:0 --trusted-proxy everybody":   "want a network",
		"--listen 127.0.0.1:0 --tls-cert none --tls-key x": "no such file",
	} {
		var stderr bytes.Buffer
		a := newApp(strings.NewReader(""), io.Discard, &stderr)
		root := newRootCommand(a)
		root.SetArgs(append([]string{"--init", "--warehouse", "embedded:" + t.TempDir(), "serve"}, strings.Fields(flags)...))
		command, err := root.ExecuteContextC(t.Context())
		if code := a.finish(t.Context(), command, err); code != exitUsage || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit %d\n%s", flags, code, &stderr)
		}
	}
}

// TestServeDescription: every endpoint is described, once.
func TestServeDescription(t *testing.T) {
	description, err := serve.Description(answers)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(description)
	if err != nil {
		t.Fatal(err)
	}
	var described struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Responses   map[string]struct {
				Content map[string]struct {
					Schema map[string]any `json:"schema"`
				} `json:"content"`
			} `json:"responses"`
			Security []map[string]any `json:"security"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(text, &described); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, route := range serve.Routes() {
		operation := described.Paths[route.Path][strings.ToLower(route.Method)]
		if operation.OperationID == "" || ids[operation.OperationID] || len(operation.Responses) < 2 ||
			(len(operation.Security) > 0) != (len(route.Roles) > 0) {
			t.Errorf("%s %s: %+v", route.Method, route.Path, operation)
		}
		ids[operation.OperationID] = true
		for status, response := range operation.Responses {
			for kind, content := range response.Content {
				if len(content.Schema) == 0 {
					t.Errorf("%s %s, %s: no shape of %s", route.Method, route.Path, status, kind)
				}
			}
		}
	}
}

// TestServeUploadCut: an upload whose client goes away, and one of events, leave nothing; others write meanwhile.
func TestServeUploadCut(t *testing.T) {
	s := serveSeed(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	good := row("a1", "2026-11-01T10:00:00Z", "acme", "small-model", 10)
	for _, path := range []string{"/v1/loads?name=cut.jsonl", "/v1/events"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: mill\r\nAuthorization: Bearer %s\r\n"+
			"Content-Length: 9999\r\n\r\n%s\n", path, s.tokens[serve.RoleAdmin], good)
		if err != nil {
			t.Fatal(err)
		}
		s.want(http.StatusOK, serve.RoleAdmin, "POST", "/v1/customers/acme/attach", `{"product":"pro"}`, nil)
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s.stop() // by which both have ended
	if loads := s.creditmill("loads", "--json"); strings.TrimSpace(loads) != "[]" {
		t.Fatal(loads)
	}
	left, err := os.ReadDir(filepath.Join(s.directory, "creditmill-data", "spool", "uploads"))
	if err != nil || len(left) != 0 {
		t.Fatalf("%v, %v", left, err)
	}
}
