package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/creditmill/creditmill/invoice/stripefake"
)

type fakeKey struct{}

// scriptStripe is the Stripe stand-in of a script, which runs inside the test and is asked by the real program:
//
//	stripe start TIME [stands]   starts it with its clock at TIME, going on from there or standing, and points
//	                             creditmill.yaml at it
//	stripe clock TIME            moves its clock forward to TIME
//	stripe subscribe CUS PRICE   makes the customer and its subscription from now on, whose id goes to $SUBSCRIPTION
//	stripe anchor                begins the billing cycle of $SUBSCRIPTION again, now
//	stripe pay                   completes the Checkout session whose link is in stdout, as a person does in the browser;
//	                             $CUSTOMER and $SUBSCRIPTION get the ids Stripe made
//	stripe fault KIND [PATH]     the next POST meets this fault; with a path, every POST to what begins so
//	stripe heal                  no faults any more
//	stripe posts COUNT           so many POST requests have come in so far
//	stripe requests COUNT        so many requests of any kind have come in so far
//	stripe items AMOUNT...       these, and no other, invoice items exist, in order
//	stripe lines TEXT...         these are the items' descriptions, in order, with their tax behavior and code
//	stripe mail CUS ADDRESS      makes the customer, to whom invoices can be mailed
//	stripe paid AMOUNT...        the invoices that are paid come to these amounts, in order
//	stripe void                  makes the open invoices void, as a person does in the dashboard
//	stripe invoices STATUS...    invoices of these statuses, and no other, exist, in order
func scriptStripe(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: stripe start|clock|subscribe|anchor|mail|pay|fault|heal|posts|requests|items|lines|paid|" +
			"invoices|void [ARG...]")
	}
	if args[0] == "start" {
		startStripe(ts, args[1], len(args) > 2)
		return
	}
	fake, ok := ts.Value(fakeKey{}).(**stripefake.Server)
	if !ok || *fake == nil {
		ts.Fatalf("stripe %s: not started", args[0])
	}
	actions := map[string]func(*testscript.TestScript, *stripefake.Server, []string){
		"subscribe": subscribeStripe, "pay": payStripe, "fault": faultStripe, "heal": healStripe, "posts": countPosts,
		"clock": moveClock, "anchor": resetAnchor, "requests": countRequests, "items": compareItems, "mail": mailStripe,
		"invoices": compareInvoices, "lines": compareLines, "paid": comparePaid, "void": voidInvoices,
	}
	action, ok := actions[args[0]]
	if !ok {
		ts.Fatalf("stripe %s: unknown", args[0])
	}
	action(ts, *fake, args[1:])
}

func startStripe(ts *testscript.TestScript, clock string, stands bool) {
	from, err := time.Parse(time.RFC3339, clock)
	ts.Check(err)
	began := time.Now()
	fake, err := stripefake.New(stripefake.Config{Now: func() time.Time {
		if stands {
			return from
		}
		return from.Add(time.Since(began))
	}})
	ts.Check(err)
	listener := httptest.NewServer(fake)
	ts.Defer(listener.Close)
	fake.SetPublic(listener.URL)
	fake.AddPrice("price_pro", "usd", 10000)
	*ts.Value(fakeKey{}).(**stripefake.Server) = fake
	ts.Setenv("CREDITMILL_STRIPE_KEY", "sk_test_script")
	file, err := os.OpenFile(ts.MkAbs("creditmill.yaml"), os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = fmt.Fprintf(file, "\nstripe:\n  base_url: %s\n", listener.URL)
	ts.Check(err)
	ts.Check(file.Close())
}

func moveClock(ts *testscript.TestScript, fake *stripefake.Server, args []string) {
	to, err := time.Parse(time.RFC3339, args[0])
	ts.Check(err)
	fake.Advance(to.Sub(fake.Now()))
}

func subscribeStripe(ts *testscript.TestScript, fake *stripefake.Server, args []string) {
	fake.AddCustomer(args[0])
	ts.Setenv("SUBSCRIPTION", fake.AddSubscription(args[0], args[1], fake.Now()))
}

func resetAnchor(ts *testscript.TestScript, fake *stripefake.Server, _ []string) {
	fake.ResetAnchor(ts.Getenv("SUBSCRIPTION"))
}

func payStripe(ts *testscript.TestScript, fake *stripefake.Server, _ []string) {
	out := strings.TrimSpace(ts.ReadFile("stdout"))
	_, session, found := strings.Cut(out, "/fake/checkout/")
	if !found {
		ts.Fatalf("no link of the stand-in in %s", out)
	}
	session, _, _ = strings.Cut(session, `"`)
	paid, err := fake.Complete(strings.TrimSpace(session))
	ts.Check(err)
	ts.Setenv("CUSTOMER", *paid.Customer)
	ts.Setenv("SUBSCRIPTION", *paid.Subscription)
}

func faultStripe(_ *testscript.TestScript, fake *stripefake.Server, args []string) {
	fault := stripefake.Fault{Kind: args[0], Method: "POST", Times: 1}
	if len(args) > 1 {
		fault.PathPrefix, fault.Times = args[1], -1
	}
	fake.Inject(fault)
}

func healStripe(_ *testscript.TestScript, fake *stripefake.Server, _ []string) { fake.ClearFaults() }

func countPosts(ts *testscript.TestScript, fake *stripefake.Server, args []string) {
	posts := 0
	for _, request := range fake.Requests() {
		if request.Method == "POST" {
			posts++
		}
	}
	if strconv.Itoa(posts) != args[0] {
		ts.Fatalf("%d POST requests, want %s", posts, args[0])
	}
}

func countRequests(ts *testscript.TestScript, fake *stripefake.Server, args []string) {
	if requests := len(fake.Requests()); strconv.Itoa(requests) != args[0] {
		ts.Fatalf("%d requests, want %s", requests, args[0])
	}
}

func compareItems(ts *testscript.TestScript, fake *stripefake.Server, args []string) {
	var amounts bytes.Buffer
	for _, item := range fake.Items() {
		fmt.Fprintf(&amounts, "%d ", item.Amount)
	}
	if got := strings.TrimSpace(amounts.String()); got != strings.Join(args, " ") {
		ts.Fatalf("Stripe holds items of %q, want %q", got, strings.Join(args, " "))
	}
}

func compareLines(ts *testscript.TestScript, fake *stripefake.Server, args []string) {
	var lines []string
	for _, item := range fake.Items() {
		lines = append(lines, strings.TrimSpace(*item.Description+" "+item.TaxBehavior+" "+item.TaxCode))
	}
	if got, want := strings.Join(lines, "\n"), strings.Join(args, "\n"); got != want {
		ts.Fatalf("Stripe holds items that read\n%s\nwant\n%s", got, want)
	}
}

func mailStripe(_ *testscript.TestScript, fake *stripefake.Server, args []string) {
	fake.AddCustomer(args[0])
	fake.SetEmail(args[0], args[1])
}

// voidInvoices makes all invoices void that are open.
func voidInvoices(_ *testscript.TestScript, fake *stripefake.Server, _ []string) {
	for _, bill := range fake.Invoices() {
		if bill.Status == "open" {
			fake.Void(bill.ID)
		}
	}
}

func compareInvoices(ts *testscript.TestScript, fake *stripefake.Server, args []string) {
	var statuses []string
	for _, bill := range fake.Invoices() {
		statuses = append(statuses, bill.Status)
	}
	if got := strings.Join(statuses, " "); got != strings.Join(args, " ") {
		ts.Fatalf("Stripe holds invoices that are %q, want %q", got, strings.Join(args, " "))
	}
}

func comparePaid(ts *testscript.TestScript, fake *stripefake.Server, args []string) {
	var amounts []string
	for _, bill := range fake.Invoices() {
		if bill.Paid {
			amounts = append(amounts, strconv.FormatInt(bill.AmountPaid, 10))
		}
	}
	if got := strings.Join(amounts, " "); got != strings.Join(args, " ") {
		ts.Fatalf("Stripe was paid %q, want %q", got, strings.Join(args, " "))
	}
}
