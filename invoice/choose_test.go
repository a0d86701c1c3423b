package invoice

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

const hourlyCatalog = `
currency: usd
timezone: UTC
features: [{id: medium, models: [m]}]
credit_systems: [{id: ai, costs: [{effective: 2000-01-01, per_token: {medium: 1}}]}]
products:
  - {id: free, default: true, credits: {system: ai, included: 50, every: month}}
  - id: pro
    price: {amount: "100.00", every: month, stripe_price: price_pro}
    credits: {system: ai, included: 10, every: hour, overage: {per_credit: "0.01"}}
`

const yearlyCatalog = `
currency: usd
timezone: UTC
features: [{id: medium, models: [m]}]
credit_systems: [{id: ai, costs: [{effective: 2000-01-01, per_token: {medium: 1}}]}]
products:
  - {id: free, default: true, credits: {system: ai, included: 50, every: month}}
  - id: pro
    price: {amount: "1000.00", every: year, stripe_price: price_yearly}
    credits: {system: ai, included: 100, every: month, overage: {per_credit: "0.01"}}
`

// posting is a runner on the office's clock, with a policy.
func (o *office) posting(runID, asOf string, policy post.Policy) *Runner {
	o.T.Helper()
	config := o.runnerConfig(runID, asOf)
	config.Policy = policy
	return NewRunner(config)
}

func (o *office) runnerConfig(runID, asOf string) Config {
	return Config{
		Warehouse: o.w.w, Aggregator: aggregate.New(aggregate.Config{Warehouse: o.w.w, Now: o.Clock.Now}),
		Catalog: o.catalog, AsOf: utc(asOf), Stripe: o.Client(stripetest.InProcess(o.Fake)), StripeAccount: "acct_fake",
		RunID: runID, Now: o.Clock.Now, Sleep: o.Clock.Sleep,
	}
}

// post plans and posts as of a time, and returns how many reports have which status.
func (o *office) postAsOf(runID, asOf string, policy post.Policy) map[string]int {
	o.T.Helper()
	runner := o.posting(runID, asOf, policy)
	plan, err := runner.Plan(context.Background())
	o.w.must(err)
	reports, err := runner.Post(context.Background(), plan)
	o.w.must(err)
	got := map[string]int{}
	for _, report := range reports {
		got[report.Status]++
	}
	return got
}

// overage is what Stripe has collected of items, what is pending, and the most items that one invoice holds.
func (o *office) overage() (paid, pending int64, most int) {
	paidBy := map[string]bool{}
	for _, bill := range o.Fake.Invoices() {
		paidBy[bill.ID] = bill.Status == "paid"
	}
	on := map[string]int{}
	for _, item := range o.Fake.Items() {
		switch {
		case item.Invoice == nil:
			pending += item.Amount
		case paidBy[*item.Invoice]:
			paid += item.Amount
			fallthrough
		default:
			on[*item.Invoice]++
			most = max(most, on[*item.Invoice])
		}
	}
	return paid, pending, most
}

func (o *office) wantOverage(paid, pending int64) {
	o.T.Helper()
	gotPaid, gotPending, most := o.overage()
	if gotPaid != paid || gotPending != pending || most > 250 {
		o.T.Fatalf("paid %d, pending %d, at most %d items on an invoice; want %d and %d", gotPaid, gotPending, most, paid,
			pending)
	}
}

// hours is usage of 110 tokens in each of as many hours: each is $1.00 over the allowance of an hour.
func hours(from string, count int) map[string]uint64 {
	usage := map[string]uint64{}
	for i := range count {
		usage[utc(from).Add(time.Duration(i)*time.Hour).Format(time.RFC3339)] = 110
	}
	return usage
}

// TestHourlyOverage: an hour's allowance makes more charges than an invoice has room for. All of them are collected
// by the next renewal, none slides to the one after it, whatever persons added.
func TestHourlyOverage(t *testing.T) {
	for _, test := range []struct {
		name          string
		policy        post.Policy
		hours, byHand int
		paid, pending int64
	}{
		{"more than an invoice takes", post.Policy{}, 260, 0, 20000, 6000},
		{"beside a person's items", post.Policy{}, 60, 190, 190 + 1000, 5000},
		{"at once", post.Policy{BillNow: true}, 24, 0, 2400, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newRules(t, "2026-11-20T00:00:00Z", hourlyCatalog, hours("2026-10-26T00:10:00Z", test.hours))
			o.at("2026-10-25T00:00:00Z")
			sub := o.subscribe("acme", "price_pro")
			o.sync()
			o.at("2026-11-20T00:00:00Z")
			for range test.byHand {
				o.Request("POST", "/v1/invoiceitems", "customer=cus_acme&subscription="+sub+"&currency=usd&amount=1")
			}
			if got := o.postAsOf("run", "2026-11-20T00:00:00Z", test.policy); got[plan.StatusPosted] != test.hours {
				t.Fatalf("%v", got)
			}
			o.wantOverage(test.paid, test.pending)
			o.at("2026-11-25T00:10:00Z") // the renewal makes its invoice, and an hour later it is final
			o.Fake.Advance(0)
			o.at("2026-11-26T00:00:00Z")
			o.Fake.Advance(0)
			o.wantOverage(int64(100*test.hours+test.byHand), 0)
			again := o.postAsOf("run_again", "2026-11-20T00:00:00Z", test.policy)
			if again[plan.StatusAlreadyPosted] != test.hours {
				t.Fatalf("%v", again)
			}
		})
	}
}

// TestYearlyPrice: overage of monthly credits does not wait for the invoice of a price that is paid yearly.
func TestYearlyPrice(t *testing.T) {
	o := newRules(t, "2026-11-26T00:00:00Z", yearlyCatalog, map[string]uint64{"2026-11-01T00:00:00Z": 150})
	o.Fake.AddYearlyPrice("price_yearly", "usd", 100000)
	o.at("2026-10-25T00:00:00Z")
	o.subscribe("acme", "price_yearly")
	o.sync()
	o.at("2026-11-26T00:00:00Z")
	if got := o.postAsOf("run", "2026-11-26T00:00:00Z", post.Policy{}); got[plan.StatusPosted] != 1 {
		t.Fatalf("%v", got)
	}
	o.wantOverage(50, 0)
	bills := o.Fake.Invoices()
	if last := bills[len(bills)-1]; last.BillingReason != "manual" || last.Total != 50 || last.Status != "paid" {
		t.Fatalf("it was collected by %+v, not by an invoice of the subscription made at once", last)
	}
	plan, err := o.posting("look", "2026-11-26T00:00:00Z", post.Policy{}).Plan(context.Background())
	o.w.must(err)
	if notes := plan.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "pro is paid every year") {
		t.Fatalf("%q", notes)
	}
}
