package main

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/serve"
)

// TestWebDecidesWhatWasSeen: a form is about the charge that its page shows. Where a load has changed it meanwhile the
// decision is refused, as it is over HTTP; and what was not approved is not told to be.
func TestWebDecidesWhatWasSeen(t *testing.T) {
	s := serveScene(t)
	id := s.charges()["gamma"]
	path := "/charges/" + id
	first := s.browse().signIn(serve.RoleApprover)
	form := func(action string) url.Values {
		t.Helper()
		s.fake.Advance(time.Second) // the latest decision holds
		return fieldsOf(t, first.get(path).body, path+"/"+action, "reason", "looked at", "back", path)
	}
	seen := form("release")
	if seen.Get("amount_minor") != "227000" || seen.Get("stripe_customer") == "" {
		t.Fatalf("%v", seen)
	}
	more := row("later", "2026-10-20T10:00:00Z", "gamma", "large-model", 1000)
	s.want(http.StatusOK, serve.RoleUploader, "POST", "/v1/loads?name=later.jsonl", more, nil)
	first.shows(first.post(path, path+"/release", seen), "comes to $2,320.00 now", "look at it again",
		"is above max_charge")
	for _, body := range []string{
		`{"reason":"ok","amount_minor":227000}`, `{"reason":"ok","stripe_customer":"cus_other"}`,
	} {
		s.want(http.StatusConflict, serve.RoleApprover, "POST", "/v1"+path+"/release", body, nil)
		s.want(http.StatusConflict, serve.RoleApprover, "POST", "/v1/plans/"+id+"/approve", body, nil)
	}
	first.shows(first.post(path, path+"/release", form("release")), "Released by approver-1.", "ready")
	approval := form("approve")
	s.want(http.StatusOK, serve.RoleApprover, "POST", "/v1"+path+"/hold", `{"reason":"wait"}`, nil)
	first.shows(first.post(path, path+"/approve", approval), "Nothing was approved: it is held")
}

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)">`)

// fieldsOf are the hidden fields of the form with that action, and others.
func fieldsOf(t *testing.T, page, action string, pairs ...string) url.Values {
	t.Helper()
	_, part, found := strings.Cut(page, `action="`+action+`"`)
	if !found {
		t.Fatalf("no form for %s", action)
	}
	part, _, _ = strings.Cut(part, "</form>")
	fields := url.Values{}
	for _, match := range hiddenInput.FindAllStringSubmatch(part, -1) {
		fields.Set(match[1], html.UnescapeString(match[2]))
	}
	fields.Del("csrf")
	for i := 0; i < len(pairs); i += 2 {
		fields.Set(pairs[i], pairs[i+1])
	}
	return fields
}
