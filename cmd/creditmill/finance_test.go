package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/warehouse"
)

// session is a part of docs/finance.md: a command with what it prints, or a comment that tells what happens then.
var session = regexp.MustCompile("(?s)```console\n\\$ creditmill (.*?)\n(.*?)```\n|<!-- then: ([^\n]*) -->\n")

// TestFinancePage walks the month end of docs/finance.md, command by command, and compares what is printed.
func TestFinancePage(t *testing.T) {
	name, err := filepath.Abs(filepath.Join("..", "..", "docs", "finance.md"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	o := newFinance(t)
	commands := 0
	walked := session.ReplaceAllFunc(page, func(part []byte) []byte {
		found := session.FindSubmatch(part)
		if action := string(found[3]); action != "" {
			o.then(action)
			return part
		}
		commands++
		typed := string(found[1])
		return []byte("```console\n$ creditmill " + typed + "\n" + o.creditmill(words(typed)...) + "```\n")
	})
	if commands < 12 {
		t.Errorf("%d commands, want a dozen", commands)
	}
	if *update {
		if err := os.WriteFile(name, walked, 0o600); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(page), string(walked)); diff != "" {
		t.Errorf("the page differs; if that is right: go test ./cmd/creditmill -run TestFinancePage -update\n%s", diff)
	}
}

// words divides a command at blanks; what stands between quotes is one word.
func words(typed string) []string {
	var list []string
	for i, part := range strings.Split(typed, `"`) {
		if i%2 == 1 {
			list = append(list, part)
			continue
		}
		list = append(list, strings.Fields(part)...)
	}
	return list
}

// finance is a month whose usage is loaded, and a Stripe whose clock is that of the program, too.
type finance struct {
	*testing.T
	config string
	fake   *stripefake.Server
	url    string
}

func newFinance(t *testing.T) finance {
	t.Helper()
	directory := t.TempDir()
	catalog, err := filepath.Abs(filepath.Join("..", "..", "testdata", "catalogs", "seed.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join("..", "..", "testdata", "finance")) // so that loads carry plain file names
	start := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	var fake *stripefake.Server
	fake, err = stripefake.New(stripefake.Config{
		Now: func() time.Time { return start }, Date: func() time.Time { return fake.Now() },
	})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(fake)
	t.Cleanup(listener.Close)
	fake.AddPrice("price_pro", "usd", 10000)
	t.Setenv("CREDITMILL_STRIPE_KEY", "sk_test_finance")
	o := finance{T: t, config: filepath.Join(directory, "creditmill.yaml"), fake: fake, url: listener.URL}
	text := fmt.Sprintf("warehouse: embedded:data\ncatalog: %s\nstripe: {base_url: %q}\ninvoice: {max_charge: 500}\n",
		catalog, listener.URL)
	if err := os.WriteFile(o.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := warehouse.Open(t.Context(), warehouse.Config{DSN: "embedded:" + filepath.Join(directory, "data")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, customer := range []string{"acme", "gamma"} {
		o.ask("/v1/customers", "id=cus_"+customer+"&metadata[creditmill_customer]="+customer)
		o.ask("/v1/subscriptions", "customer=cus_"+customer+"&items[0][price]=price_pro")
	}
	o.creditmill("attach", "beta", "pro", "--at", "2026-10-01")
	o.creditmill("load", "october.jsonl")
	fake.Advance(31 * 24 * time.Hour) // by which the subscriptions are renewed
	fake.Advance(20 * time.Minute)
	o.creditmill("aggregate")
	return o
}

// creditmill runs the program by the clock of Stripe and returns what it prints; charges may be held.
func (o finance) creditmill(args ...string) string {
	o.Helper()
	var stdout, stderr bytes.Buffer
	a := newApp(strings.NewReader(""), &stdout, &stderr)
	a.now = o.fake.Now
	root := newRootCommand(a)
	root.SetArgs(append([]string{"--config", o.config}, args...))
	command, err := root.ExecuteContextC(o.Context())
	if code := a.finish(o.Context(), command, err); code != exitOK && code != exitPartial {
		o.Fatalf("creditmill %s: exit %d\n%s%s", strings.Join(args, " "), code, &stdout, &stderr)
	}
	return stdout.String()
}

// then lets happen what a comment of the page says.
func (o finance) then(action string) {
	o.Helper()
	switch action {
	case "late.jsonl is loaded":
		o.creditmill("load", "late.jsonl")
	case "an hour passes":
		o.fake.Advance(time.Hour)
	case "a second item":
		item := o.fake.Items()[0]
		o.ask("/v1/invoiceitems", fmt.Sprintf("customer=%s&currency=usd&amount=%d&metadata[charge_id]=%s", item.Customer,
			item.Amount, item.Metadata["charge_id"]))
	case "gamma is paused":
		o.ask("/v1/subscriptions/"+o.fake.Subscriptions()[1].ID, "pause_collection[behavior]=void")
	case "gamma is collected":
		o.ask("/v1/subscriptions/"+o.fake.Subscriptions()[1].ID, "pause_collection=")
	default:
		o.Fatalf("what is %q?", action)
	}
}

func (o finance) ask(path, form string) {
	o.Helper()
	values, err := url.ParseQuery(form)
	if err != nil {
		o.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, o.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		o.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer sk_test_finance")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		o.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read only
	if answer.StatusCode != http.StatusOK {
		o.Fatalf("%s %s: %s", path, form, answer.Status)
	}
}
