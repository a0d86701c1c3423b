package main

import (
	"bytes"
	"encoding/csv"
	"html"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/creditmill/creditmill/serve"
)

// shows fails unless a page holds all texts.
func (b *browsing) shows(got answered, texts ...string) {
	b.Helper()
	_, shown, _ := strings.Cut(got.body, "<main")
	text := html.UnescapeString(shown)
	for _, want := range texts {
		if !strings.Contains(text, want) {
			b.Errorf("%d, no %q in\n%.900s", got.status, want, text)
		}
	}
}

// TestWebDecisions holds, releases, approves and posts with forms, as two persons do: a reason is asked for, who
// released does not approve, and a plan that is no longer so is not posted.
func TestWebDecisions(t *testing.T) {
	s := serveScene(t)
	ids := s.charges()
	gamma := "/charges/" + ids["gamma"]
	s.stop()
	s.tokens["second"] = strings.TrimSpace(s.creditmill("token", "create", "second-1", "--role", "approver", "--quiet"))
	s.start()
	first, second := s.browse().signIn(serve.RoleApprover), s.browse().signIn("second")
	back := url.Values{"back": {gamma}}
	with := func(pairs ...string) url.Values {
		s.fake.Advance(time.Second) // the latest decision holds
		fields := url.Values{"back": back["back"]}
		for i := 0; i < len(pairs); i += 2 {
			fields.Set(pairs[i], pairs[i+1])
		}
		return fields
	}
	first.shows(first.get(gamma), "Why $2,270.00", "is above max_charge $600.00", "large-model-tokens",
		"october <b>.jsonl", "rows ")
	first.shows(first.post(gamma, gamma+"/release", with()), "Reason is missing")
	first.shows(first.post(gamma, gamma+"/release", with("reason", "agreed by mail")), "Released by approver-1.",
		"ready")
	first.shows(first.post(gamma, gamma+"/approve", with("reason", "mine")), "1 charge not approved")
	first.shows(first.post(gamma, gamma+"/hold", with("reason", "wait")), "Held by approver-1.",
		"held by approver-1: wait")
	second.shows(second.post(gamma, gamma+"/release", with("reason", "go on")), "Released by second-1.")

	page := second.get("/invoices")
	plan := formOf(t, page.body, "/post")
	fields := func() url.Values { return url.Values{"as_of": {plan.asOf}, "reason": {"month end"}, "sure": {"yes"}} }
	unsure := fields()
	unsure.Del("sure")
	second.shows(second.post("/invoices", plan.action, unsure), "Nothing was posted")
	second.shows(second.post("/invoices", strings.Replace(plan.action, "/plans/", "/plans/0", 1), fields()), "plan")
	if items := s.fake.Items(); len(items) != 0 {
		t.Fatalf("%+v", items)
	}
	s.stop()
	s.creditmill("invoice", "approve", "--by", "third", "--reason", "ok", "--", ids["acme"])
	s.creditmill("invoice", "approve", "--by", "third", "--reason", "ok", "--", ids["gamma"])
	s.start()
	second = s.browse().signIn("second")
	plan = formOf(t, second.get("/invoices").body, "/post")
	got := second.post("/invoices", plan.action, fields())
	second.shows(got, "2 charges posted to Stripe by second-1.")
	if items := s.fake.Items(); len(items) == 0 {
		t.Error("nothing is at Stripe")
	}
	second.shows(second.get("/audit"), "post", "release", "agreed by mail", "approver-1", "hold", "third", "$2,270.00")
	second.shows(second.get("/customers/acme"), "posted", "$522.50")
	second.shows(second.get("/reconcile"), "Matched")
}

// form is one of a page.
type form struct{ action, asOf string }

// formOf finds the form whose action ends so.
func formOf(t *testing.T, page, suffix string) form {
	t.Helper()
	for part := range strings.SplitSeq(page, "<form ") {
		_, action, _ := strings.Cut(part, `action="`)
		action, _, _ = strings.Cut(action, `"`)
		if !strings.HasSuffix(action, suffix) {
			continue
		}
		_, asOf, _ := strings.Cut(part, `name="as_of" value="`)
		asOf, _, _ = strings.Cut(asOf, `"`)
		return form{action, html.UnescapeString(asOf)}
	}
	t.Fatalf("no form that ends with %s", suffix)
	return form{}
}

// upload sends a form of several parts.
func (b *browsing) upload(from, csrf, field, name, text string, given map[string]string) answered {
	b.Helper()
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	if csrf == "" {
		csrf = csrfInput.FindStringSubmatch(b.get(from).body)[1]
	}
	write := func(name, value string) {
		if err := parts.WriteField(name, value); err != nil {
			b.Fatal(err)
		}
	}
	write("csrf", csrf)
	for key, value := range given {
		write(key, value)
	}
	if name == "" {
		write(field, text)
	} else {
		part, err := parts.CreateFormFile(field, name)
		if err == nil {
			_, err = part.Write([]byte(text))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := parts.Close(); err != nil {
		b.Fatal(err)
	}
	response, err := b.client.Post(b.url+"/loads", parts.FormDataContentType(), &body)
	return b.took(response, err)
}

// TestWebLoads uploads a file by a form, mends its refused rows and loads them, and withdraws the load.
func TestWebLoads(t *testing.T) {
	s := serveScene(t)
	b := s.browse().signIn(serve.RoleUploader)
	good := row("n1", "2026-11-01T10:00:00Z", "acme", "small-model", 10)
	got := b.upload("/loads", "forged", "file", "x.jsonl", good, nil)
	if got.status != http.StatusForbidden {
		t.Errorf("a forged upload: %d", got.status)
	}
	reader := s.browse().signIn(serve.RoleFinance)
	if got := reader.upload("/prices", "", "file", "x.jsonl", good, nil); got.status != http.StatusForbidden {
		t.Errorf("finance uploads: %d", got.status)
	}
	b.shows(b.upload("/loads", "", "file", "x.jsonl", good+"\n{}\n", nil), "x.jsonl: 1 rows loaded as ld_2. 1 rejected.",
		"x.jsonl", "committed")
	b.shows(b.upload("/loads", "", "file", "again.jsonl", good+"\n{}\n", nil), "is loaded already, as ld_2")
	b.shows(b.get("/loads/ld_2"), "Mend the rows", "{}")
	b.shows(b.upload("/loads/ld_2", "", "text", "", row("n2", "2026-11-01T10:00:00Z", "acme", "small-model", 10)+"\r\n",
		map[string]string{"name": "ld_2-mended.jsonl", "source": "creditmill"}), "ld_2-mended.jsonl: 1 rows loaded as ld_4.")
	b.shows(b.upload("/loads", "", "file", "../x.jsonl", good, map[string]string{"source": "none"}), `source "none"`)
	b.shows(b.post("/loads/ld_4", "/loads/ld_4/withdraw", url.Values{"reason": {" "}}), "Nothing was withdrawn")
	b.shows(b.post("/loads/ld_4", "/loads/ld_4/withdraw", url.Values{"reason": {"test rows"}}), "ld_4 is withdrawn")
	b.shows(b.get("/loads"), "withdrawn", "test rows (uploader-1)")
}

// TestWebReading shares one month end among what changes none of its figures.
func TestWebReading(t *testing.T) {
	s := serveScene(t)
	for name, look := range map[string]func(*served){
		"a proposed catalog": webProposal, "tables": webTables, "margin": webMargin,
		"hostile texts": webHostile, "a proxy's header": webProxy,
	} {
		t.Run(name, func(t *testing.T) {
			shared := *s
			shared.T = t
			look(&shared)
		})
	}
}

// webProposal: a proposed catalog's effect and its mistakes are shown, and nothing is stored.
func webProposal(s *served) {
	b := s.browse().signIn(serve.RoleFinance)
	b.shows(b.get("/prices"), "Pro", "100 usd a month", "0.01 usd a credit", "6.25")
	next := strings.Replace(s.read("catalog.yaml"), `per_credit: "0.01"`, `per_credit: "0.02"`, 1)
	b.shows(b.post("/prices", "/prices", url.Values{"catalog": {next}}), "Effect as of", "acme", "$522.50", "$1,045.00",
		"+$522.50", "5 changes, the largest first")
	b.shows(b.post("/prices", "/prices", url.Values{"catalog": {"<b>: [\u202e"}}), "proposed.yaml:1:", "once the mistakes")
	if s.read("catalog.yaml") == next {
		s.Error("the catalog is changed")
	}
}

// webTables: the tables hold what the filter finds, one row a charge, and no text is a formula.
func webTables(s *served) {
	b := s.browse().signIn(serve.RoleFinance)
	for filter, want := range map[string][]string{
		"":                                 {hostileID, "acme", "delta", "gamma"},
		"?status=held":                     {hostileID, "delta", "gamma"},
		"?hold=unrated":                    {"delta"},
		"?min=30&max=600":                  {"acme", "delta"},
		"?q=GAM&product=pro":               {"gamma"},
		"?product=none":                    nil,
		"?sort=amount&dir=desc&max=600":    {"acme", "delta", hostileID},
		"?period=2026-10-01+to+2026-11-01": {hostileID, "acme", "delta", "gamma"},
	} {
		rows, err := csv.NewReader(strings.NewReader(b.get("/invoices.csv" + filter).body)).ReadAll()
		if err != nil {
			s.Fatal(err)
		}
		book, err := excelize.OpenReader(strings.NewReader(b.get("/invoices.xlsx" + filter).body))
		if err != nil {
			s.Fatal(err)
		}
		sheet, err := book.GetRows("Charges")
		if err != nil {
			s.Fatal(err)
		}
		for name, table := range map[string][][]string{"csv": rows, "xlsx": sheet} {
			column := slices.Index(table[0], "customer_id")
			var got []string
			for _, row := range table[1:] {
				got = append(got, row[column])
			}
			if !slices.Equal(got, want) {
				s.Errorf("%s%s: %q, want %q", name, filter, got, want)
			}
		}
	}
	b.shows(b.get("/invoices?min=x"), `Read amount "x": want one like 12.50.`)
	if got := b.get("/invoices.csv?max=much"); got.status != http.StatusBadRequest {
		s.Errorf("%d", got.status)
	}
}

// webHostile: whatever an id, a file's name or a reason is, on every page it is a text that can be seen.
func webHostile(s *served) {
	ids := s.charges()
	s.want(http.StatusOK, serve.RoleApprover, "POST", "/v1/charges/"+ids[hostileID]+"/hold",
		`{"reason":"<script>alert(1)</script>"}`, nil)
	b := s.browse().signIn(serve.RoleAdmin)
	hostile := url.PathEscape(hostileID)
	for path, want := range map[string]string{
		"/": "held by a person", "/invoices": hostileID, "/invoices?q=%3Cimg&lines=all": hostileID,
		"/invoices?q=%22%3E%3Cscript%3E%E2%80%AE": `"><script>\u202e`, "/customers": hostileID,
		"/customers/" + hostile: hostileID, "/charges/" + ids[hostileID]: hostileID, "/loads": "october <b>.jsonl",
		"/loads/ld_1": `no json \u202e at all`, "/reconcile": hostileID, "/audit": "<script>alert(1)</script>",
		"/customers/%E2%80%AE%3Cb%3E": "No usage", "/loads/%3Cb%3E": "no such load", "/charges/%3Cb%3E%07": "charge",
		"/sign-in?next=%22%3E%3Cb%3E": "",
	} {
		got := b.get(path)
		b.shows(got, want)
		for _, bad := range []string{"<img", "<b>bold", "<script>", "<b>.", "\u202e", "\u200b", "\x07"} {
			if strings.Contains(got.body, bad) {
				s.Errorf("%s holds %q", path, bad)
			}
		}
	}
}

// webProxy: a proxy's header signs in whose token has that name, and out who is another.
func webProxy(s *served) {
	b := s.browse()
	b.client.Transport = userHeader("finance-1")
	if got := b.get("/audit"); got.status != http.StatusOK || !strings.Contains(got.body, "<b>finance-1</b>") {
		s.Errorf("%d", got.status)
	}
	b.client.Transport = userHeader("uploader-1")
	if got := b.get("/audit"); got.status != http.StatusForbidden {
		s.Errorf("%d", got.status)
	}
	for _, name := range []string{"nobody", ""} {
		b.client.Transport = userHeader(name)
		if got := b.get("/audit"); !strings.Contains(got.body, `name="token"`) {
			s.Errorf("%q: %d", name, got.status)
		}
	}
}

// userHeader sends requests as a proxy does for somebody.
type userHeader string

// RoundTrip adds the header.
func (u userHeader) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if u != "" {
		r.Header.Set(sceneProxy, string(u))
	}
	return http.DefaultTransport.RoundTrip(r)
}
