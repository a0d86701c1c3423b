package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/serve"
)

// TestServeReading: the lists that people read say what was used, decided and given, and a proposed catalog is compared
// without being stored.
func TestServeReading(t *testing.T) {
	s := serveSeed(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	s.want(http.StatusOK, serve.RoleUploader, "POST", "/v1/loads?name=x.jsonl",
		row("a1", "2026-10-07T10:00:00Z", "acme", "small-model", 2000), nil)
	s.want(http.StatusOK, serve.RoleAdmin, "POST", "/v1/customers/acme/grants", `{"credits":7,"reason":"sorry"}`, nil)
	s.stop()
	s.creditmill("aggregate")
	s.start()
	proposal := func(catalog string) string { return `{"catalog":` + quoted(catalog) + `}` }
	for _, test := range []struct{ method, path, body, want string }{
		{"GET", "/v1/status", "", `"loads":1`},
		{"GET", "/v1/audit", "", `[]`},
		{"GET", "/v1/usage?from=2026-10-01&to=2026-11-01", "", `"credits":"200"}`},
		{"GET", "/v1/usage?from=2026-10-01&to=2026-11-01&customer=acme", "", `"day":"2026-10-07T00:00:00Z"`},
		{"GET", "/v1/usage?from=2026-10-01&to=2026-11-01&customer=other", "", `[]`},
		{"GET", "/v1/customers/acme/periods", "", `"granted":"500","used":"200","remaining":"300"`},
		{"GET", "/v1/customers/acme/charges", "", `[]`},
		{"GET", "/v1/customers/acme/grants", "", `"reason":"sorry"`},
		{"POST", "/v1/catalog/proposal", proposal("features: 7"), `"file":"proposed.yaml","line":1`},
		{"POST", "/v1/catalog/proposal", proposal(s.read("catalog.yaml")), `"other":"proposed.yaml"`},
	} {
		got := s.want(http.StatusOK, serve.RoleFinance, test.method, test.path, test.body, nil)
		if !strings.Contains(got.body, test.want) {
			t.Errorf("%s: %s\nwant %s", test.path, got.body, test.want)
		}
	}
	for _, path := range []string{
		"/v1/usage?from=2026-10-01", "/v1/usage?from=2026-10-01&to=2026-10-01", "/v1/usage?from=x&to=2026-10-01",
		"/v1/usage?from=1900-10-01&to=2026-10-01",
	} {
		s.want(http.StatusBadRequest, serve.RoleFinance, "GET", path, "", nil)
	}
}
