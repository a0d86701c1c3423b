package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/serve"
)

// browsing is a browser without scripts.
type browsing struct {
	*served
	client *http.Client
}

func (s *served) browse() *browsing {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	return &browsing{s, &http.Client{Jar: jar}}
}

// get returns a page after redirects.
func (b *browsing) get(path string) answered {
	b.Helper()
	response, err := b.client.Get(b.url + path)
	return b.took(response, err)
}

func (b *browsing) took(response *http.Response, err error) answered {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answered{response.StatusCode, response.Header, string(text)}
}

var csrfInput = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// post sends a form with the token of a page, and returns the page after redirects.
func (b *browsing) post(from, path string, fields url.Values) answered {
	b.Helper()
	found := csrfInput.FindStringSubmatch(b.get(from).body)
	if found == nil {
		b.Fatalf("%s has no form", from)
	}
	fields.Set("csrf", found[1])
	return b.took(b.client.PostForm(b.url+path, fields))
}

// signIn signs in with the token of a role.
func (b *browsing) signIn(role string) *browsing {
	b.Helper()
	b.post("/sign-in", "/sign-in", url.Values{"token": {b.tokens[role]}})
	return b
}

// webPages are the pages of the menu, with the roles that may read them beside admin.
var webPages = map[string][]string{
	"/":                {serve.RoleFinance, serve.RoleApprover, serve.RoleUploader},
	"/invoices":        {serve.RoleFinance, serve.RoleApprover},
	"/invoices.csv":    {serve.RoleFinance, serve.RoleApprover},
	"/invoices.xlsx":   {serve.RoleFinance, serve.RoleApprover},
	"/customers":       {serve.RoleFinance, serve.RoleApprover},
	"/customers/acme":  {serve.RoleFinance, serve.RoleApprover},
	"/margin":          {serve.RoleFinance, serve.RoleApprover},
	"/margin.csv":      {serve.RoleFinance, serve.RoleApprover},
	"/margin.xlsx":     {serve.RoleFinance, serve.RoleApprover},
	"/charges/oc_none": {serve.RoleFinance, serve.RoleApprover},
	"/loads":           {serve.RoleFinance, serve.RoleApprover, serve.RoleUploader},
	"/loads/ld_1":      {serve.RoleFinance, serve.RoleApprover, serve.RoleUploader},
	"/prices":          {serve.RoleFinance, serve.RoleApprover},
	"/reconcile":       {serve.RoleFinance, serve.RoleApprover},
	"/audit":           {serve.RoleFinance, serve.RoleApprover},
}

// webActions are the forms.
var webActions = map[string][]string{
	"/plans/abc/approve":       {serve.RoleApprover},
	"/plans/abc/post":          {serve.RoleApprover},
	"/charges/oc_none/release": {serve.RoleApprover},
	"/charges/oc_none/hold":    {serve.RoleApprover},
	"/charges/oc_none/approve": {serve.RoleApprover},
	"/loads/ld_1/withdraw":     {serve.RoleUploader},
	"/prices":                  {serve.RoleFinance, serve.RoleApprover},
}

// TestWebRoles opens every page and sends every form as each role; without a session each leads to the sign-in.
func TestWebRoles(t *testing.T) {
	s := serveSeed(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	nobody := s.browse()
	for path := range webPages {
		if got := nobody.get(path); !strings.Contains(got.body, `name="token"`) {
			t.Errorf("%s without a session: %d", path, got.status)
		}
	}
	for _, role := range serve.Roles {
		b := s.browse().signIn(role)
		for path, roles := range webPages {
			got := b.get(path)
			allowed := role == serve.RoleAdmin || slices.Contains(roles, role)
			if allowed == (got.status == http.StatusForbidden) || got.status == http.StatusInternalServerError {
				t.Errorf("%s as %s: %d\n%s", path, role, got.status, got.body)
			}
			if policy := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'self';") ||
				!strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("%s: %s", path, policy)
			}
		}
		for path, roles := range webActions {
			got := b.took(b.client.PostForm(b.url+path, url.Values{"csrf": {"forged"}, "reason": {"x"}}))
			if got.status != http.StatusForbidden {
				t.Errorf("%s as %s with a forged form: %d", path, role, got.status)
			}
			own := csrfInput.FindStringSubmatch(got.body) // the page that refuses has the session's
			got = b.took(b.client.PostForm(b.url+path, url.Values{"csrf": {own[1]}}))
			allowed := role == serve.RoleAdmin || slices.Contains(roles, role)
			if allowed == (got.status == http.StatusForbidden) {
				t.Errorf("%s as %s: %d\n%s", path, role, got.status, got.body)
			}
		}
	}
}

// TestWebSignIn: the session's cookie is closed to scripts and other sites, ends with the token and by signing out, and
// wrong tokens are counted.
func TestWebSignIn(t *testing.T) {
	s := serveSeed(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	b := s.browse()
	form := b.get("/sign-in?next=/audit")
	nonce := csrfInput.FindStringSubmatch(form.body)[1]
	response, err := (&http.Client{Jar: b.client.Jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}).PostForm(s.url+"/sign-in", url.Values{"csrf": {nonce}, "next": {"//evil.example"}, "token": {s.tokens["finance"]}})
	got := b.took(response, err)
	cookie := got.header.Get("Set-Cookie")
	if got.status != http.StatusSeeOther || got.header.Get("Location") != "/" ||
		!strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") {
		t.Fatalf("%d %v", got.status, got.header)
	}
	if got := b.get("/audit"); got.status != http.StatusOK || strings.Contains(got.body, s.tokens["finance"]) {
		t.Fatalf("%d", got.status)
	}
	b.post("/audit", "/sign-out", url.Values{})
	if got := b.get("/audit"); !strings.Contains(got.body, `name="token"`) {
		t.Error("the session goes on")
	}
	for range 10 {
		got = b.post("/sign-in", "/sign-in", url.Values{"token": {"cmt_wrong"}})
	}
	if got.status != http.StatusUnauthorized {
		t.Errorf("%d", got.status)
	}
	got = b.post("/sign-in", "/sign-in", url.Values{"token": {s.tokens["finance"]}})
	if got.status != http.StatusTooManyRequests || !strings.Contains(got.body, "Try again in 15 minutes") ||
		got.header.Get("Retry-After") == "" {
		t.Errorf("%d\n%s", got.status, got.body)
	}
}
