package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/reconcile"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// owed is what a customer of a shop owes for October 2026, and how it is to reach him.
type owed struct {
	customer, mode string
	amountMinor    int64
}

// shop is a warehouse whose customers owe something, the program, and a Stripe stand-in over TCP.
type shop struct {
	*program
	t       *testing.T
	w       *warehouse.Warehouse
	catalog *schemas.Catalog
	fake    *stripefake.Server
	gate    *gate
	url     string
	owed    []owed
}

// newShop makes one without customers.
func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t}
	s.program, s.w = newProgram(t)
	t.Setenv("CREDITMILL_STRIPE_KEY", "sk_test_shop")
	text, err := os.ReadFile(filepath.Join("templates", "catalog.yaml"))
	s.must(err)
	s.write("catalog.yaml", string(text))
	s.catalog, _ = schemas.ParseCatalog("catalog.yaml", text)
	s.fake, err = stripefake.New(stripefake.Config{Now: func() time.Time {
		return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	}})
	s.must(err)
	s.fake.AddPrice("price_pro", "usd", 10000)
	s.gate = &gate{Handler: s.fake}
	server := httptest.NewServer(s.gate)
	t.Cleanup(server.Close)
	s.url = server.URL
	s.configure(plan.ModeSubscription)
	return s
}

// use commits the usage of the nth customer as a load of its own, once the customer has the product: before, October
// would close as one of the default product.
func (s *shop) use(n int) {
	s.t.Helper()
	at := time.Date(2026, 10, 6, 10, 0, 0, 0, time.UTC)
	events, err := s.w.Conn().PrepareBatch(s.t.Context(), "INSERT INTO usage_events (load_seq, row_number, source, "+
		"event_id, occurred_at, customer_id, model, units, quantities)")
	s.must(err)
	defer events.Close()
	s.must(events.Append(uint64(n+1), uint64(1), "test", strconv.Itoa(n), at, customerID(n), "medium-model",
		"input", []uint64{uint64(10_000 + amountOf(n))}))
	s.must(events.Send())
	loads, err := s.w.Conn().PrepareBatch(s.t.Context(), "INSERT INTO loads (load_seq, revision, status, rows_read, "+
		"rows_loaded, quantities, event_id_min, event_id_max, occurred_from, occurred_to)")
	s.must(err)
	defer loads.Close()
	s.must(loads.Append(uint64(n+1), uint32(1), "committed", uint64(1), uint64(1),
		map[string]decimal.Decimal{"input": decimal.NewFromInt(10_000 + amountOf(n))},
		strconv.Itoa(n), strconv.Itoa(n), at, at))
	s.must(loads.Send())
}

func customerID(n int) string { return fmt.Sprintf("customer_%03d", n) }

// amountOf is what the nth customer owes: a cent a token above what is included.
func amountOf(n int) int64 { return int64(101 + n) }

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) write(name, text string) {
	s.t.Helper()
	s.must(os.WriteFile(filepath.Join(filepath.Dir(s.directory), name), []byte(text), 0o600))
}

// configure has charges that are frozen from now on reach their customers in a mode.
func (s *shop) configure(mode string) {
	s.t.Helper()
	setting := map[string]string{plan.ModeBillNow: "timing: bill_now", plan.ModeDraft: "finalize: false"}[mode]
	s.write("creditmill.yaml",
		fmt.Sprintf("catalog: catalog.yaml\nstripe: {base_url: %q}\ninvoice: {%s}\n", s.url, setting))
}

// owe makes the next customer known, here and at Stripe.
func (s *shop) owe(mode string) owed {
	s.t.Helper()
	n := len(s.owed)
	customer, ofStripe := fmt.Sprintf("cus_%03d", n), ""
	s.fake.AddCustomer(customer)
	switch mode {
	case plan.ModeSubscription, plan.ModeBillNow:
		ofStripe = s.fake.AddSubscription(customer, "price_pro", s.fake.Now())
	case plan.ModeRenewal: // is renewed now
		ofStripe = s.fake.AddSubscription(customer, "price_pro", s.fake.Now().AddDate(0, -1, 0))
		s.fake.Advance(0)
	default:
		s.fake.SetEmail(customer, "billing@example.com")
	}
	s.configure(mode)
	_, err := subscription.ImportCustomers(s.t.Context(), s.w, subscription.Import{
		File: "customers.csv", Catalog: s.catalog, Body: strings.NewReader(
			"customer_id,product,starts_at,stripe_customer,stripe_subscription\n" +
				customerID(n) + ",pro,2026-10-01T00:00:00Z," + customer + "," + ofStripe + "\n"),
	}, time.Now())
	s.must(err)
	s.use(n)
	s.owed = append(s.owed, owed{customer: customerID(n), mode: mode, amountMinor: amountOf(n)})
	return s.owed[n]
}

var postArguments = []string{"invoice", "post", "--as-of", "2026-11-01", "--yes", "--json"}

// killed posts and has the process kill itself at the point.
func (s *shop) killed(point string) {
	s.t.Helper()
	command := s.command(s.t, s.dsn, postArguments...)
	command.Env = append(os.Environ(), crashVariable+"="+point)
	if err := command.Run(); err == nil || command.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		s.t.Fatalf("the process was not killed at %s: %v\n%s", point, err, command.Stderr)
	}
}

// post posts whatever is ready and returns the reports by customer; every one must be posted with its amount.
func (s *shop) post() map[string]post.Report {
	s.t.Helper()
	stdout, stderr, code := s.run(s.t, s.dsn, postArguments...)
	if code != exitOK {
		s.t.Fatalf("post: exit code %d\n%s%s", code, stdout, stderr)
	}
	var reports []post.Report
	s.must(json.Unmarshal([]byte(stdout), &reports))
	byCustomer := map[string]post.Report{}
	for _, report := range reports {
		byCustomer[report.CustomerID] = report
	}
	for _, charge := range s.owed {
		if got := byCustomer[charge.customer]; got.AmountMinor != charge.amountMinor {
			s.t.Fatalf("%+v is reported as %+v", charge, got)
		}
	}
	if len(reports) != len(s.owed) {
		s.t.Fatalf("%d reports of %d charges", len(reports), len(s.owed))
	}
	return byCustomer
}

// posts counts the requests that write.
func (s *shop) posts() int {
	count := 0
	for _, request := range s.fake.Requests() {
		if request.Method == "POST" {
			count++
		}
	}
	return count
}

// wantAtStripe: each charge is one item of its amount, those with an invoice are alone on one, and the books balance.
func (s *shop) wantAtStripe() {
	s.t.Helper()
	items := map[string][]int64{}
	for _, item := range s.fake.Items() {
		items[item.Customer] = append(items[item.Customer], item.Amount)
	}
	bills := map[string][]string{}
	for _, bill := range s.fake.Invoices() {
		if bill.Metadata["bill_id"] != "" {
			bills[bill.Customer] = append(bills[bill.Customer], fmt.Sprint(bill.Status, " ", bill.Total))
		}
	}
	planned := int64(0)
	for n, charge := range s.owed {
		customer := fmt.Sprintf("cus_%03d", n)
		if fmt.Sprint(items[customer]) != fmt.Sprint([]int64{charge.amountMinor}) {
			s.t.Fatalf("Stripe holds items of %v, want %+v", items[customer], charge)
		}
		status := map[string]string{plan.ModeInvoice: "open", plan.ModeBillNow: "paid", plan.ModeDraft: "draft"}
		want := []string{fmt.Sprint(status[charge.mode], " ", charge.amountMinor)}
		if charge.mode == plan.ModeSubscription || charge.mode == plan.ModeRenewal {
			want = nil
		}
		if fmt.Sprint(bills[customer]) != fmt.Sprint(want) {
			s.t.Fatalf("Stripe holds invoices %v, want %v for %+v", bills[customer], want, charge)
		}
		planned += charge.amountMinor
	}
	if len(s.fake.Items()) != len(s.owed) {
		s.t.Fatalf("Stripe holds %d items for %d charges", len(s.fake.Items()), len(s.owed))
	}
	s.wantBalanced(planned)
}

// wantBalanced: reconcile finds every charge matched, and the sum of them here and at Stripe.
func (s *shop) wantBalanced(plannedMinor int64) {
	s.t.Helper()
	stdout, stderr, code := s.run(s.t, s.dsn, "invoice", "reconcile", "--as-of", "2026-11-01", "--json")
	if code != exitOK {
		s.t.Fatalf("reconcile: exit code %d\n%s%s", code, stdout, stderr)
	}
	var result reconcileResult
	s.must(json.Unmarshal([]byte(stdout), &result))
	want := reconcile.Balance{PlannedMinor: plannedMinor, AckedMinor: plannedMinor, PostedMinor: plannedMinor}
	if result.Matched != len(s.owed) || len(result.Findings) != 0 || result.Totals["usd"] != want {
		s.t.Fatalf("reconcile finds %s, want %d charges matched and %+v", stdout, len(s.owed), want)
	}
}

// killPoint is a step of the protocol, the nth time it is reached, and how many requests that write are made by then.
type killPoint struct {
	mode, step string
	nth, made  int
	// told says that the ledger knows the whole charge to be at Stripe.
	told bool
}

// killPoints are all steps for each request of a mode.
func killPoints(mode string, requests int) []killPoint {
	points := []killPoint{{mode, "S1", 1, 0, false}, {mode, "S2", 1, 0, false}}
	for nth := 1; nth <= requests; nth++ {
		for _, step := range []string{"S3", "S4", "S5", "S6", "S7", "S8"} {
			points = append(points, killPoint{mode, step, nth, nth - 1, false})
		}
		for _, step := range []string{"S9", "S10", "S11"} {
			points = append(points, killPoint{mode, step, nth, nth, step != "S9" && nth == requests})
		}
	}
	return append(points, killPoint{mode, "S12", 1, requests, true})
}

// TestPostKilled kills the program, on a real engine, at every step of each request of each mode. What had been sent by
// then is known, the next run sends what is missing and nothing else, and everything balances.
func TestPostKilled(t *testing.T) {
	requests := map[string]int{
		plan.ModeSubscription: 1, plan.ModeRenewal: 1, plan.ModeBillNow: 3, plan.ModeInvoice: 3, plan.ModeDraft: 2,
	}
	for mode, made := range requests {
		t.Run(mode, func(t *testing.T) {
			s := newShop(t)
			for _, point := range killPoints(mode, made) {
				t.Run(fmt.Sprintf("%s time %d", point.step, point.nth), func(t *testing.T) { s.killedOnce(t, point, made) })
				if t.Failed() {
					return // the points after it would find the same
				}
			}
			s.t = t
			before := s.posts()
			for customer, report := range s.post() {
				if report.Status != plan.StatusAlreadyPosted {
					t.Fatalf("%s: %+v", customer, report)
				}
			}
			if s.posts() != before {
				t.Fatalf("a run with nothing to do made %d requests", s.posts()-before)
			}
		})
	}
}

// killedOnce has one more customer owe, kills the run that posts the charge at the point, and runs again; requests are
// made in all.
func (s *shop) killedOnce(t *testing.T, point killPoint, requests int) {
	t.Helper()
	s.t = t
	charge, before := s.owe(point.mode), s.posts()
	s.killed(fmt.Sprintf("%s:%d", point.step, point.nth))
	if made := s.posts() - before; made != point.made {
		t.Fatalf("%d requests were made by then, want %d", made, point.made)
	}
	want := plan.StatusPosted
	if point.told {
		want = plan.StatusAlreadyPosted
	}
	if report := s.post()[charge.customer]; report.Status != want {
		t.Fatalf("%+v, want it %s", report, want)
	}
	if made := s.posts() - before; made != requests {
		t.Fatalf("%d requests were made in all, want %d", made, requests)
	}
	s.wantAtStripe()
}

// TestPostKilledAmongOthers kills one run after another while customers of two modes are worked on side by side.
func TestPostKilledAmongOthers(t *testing.T) {
	const customers = 16
	s := newShop(t)
	for n := range customers {
		s.owe([]string{plan.ModeSubscription, plan.ModeInvoice}[n%2])
	}
	for _, point := range []string{"S2:5", "S8:4", "S9:2", "S10:2", "S7:1"} {
		s.killed(point)
	}
	s.post()
	s.wantAtStripe()
	before := s.posts()
	s.post()
	if s.posts() != before {
		t.Fatalf("a run with nothing to do made %d requests", s.posts()-before)
	}
}
