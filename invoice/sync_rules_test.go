package invoice

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/sync"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

const rulesCatalog = `
currency: usd
timezone: UTC
features: [{id: medium, models: [m]}]
credit_systems: [{id: ai, costs: [{effective: 2000-01-01, per_token: {medium: 1}}]}]
products:
  - {id: free, default: true, credits: {system: ai, included: 50, every: month}}
  - id: basic
    price: {amount: "20.00", every: month, stripe_price: price_basic}
    credits: {system: ai, included: 20, every: month, overage: {per_credit: "0.02"}}
  - id: pro
    price: {amount: "100.00", every: month, stripe_price: price_pro}
    credits: {system: ai, included: 100, every: month, overage: {per_credit: "0.01", limit: 40}}
  - id: team
    price: {amount: "300.00", every: month, stripe_price: price_team}
    credits: {system: ai, included: 500, every: month, overage: {per_credit: "0.01"}}
`

// newRules is an office whose clock shows a time, with usage of acme: model m, tokens by time.
func newRules(t *testing.T, at, catalog string, usage map[string]uint64) *office {
	t.Helper()
	o := newOffice(t)
	dsn := warehousetest.NewDSN()
	o.w = &shop{t: t, w: warehousetest.Open(t, dsn), dsn: dsn}
	parsed, problems := schemas.ParseCatalog("catalog.yaml", []byte(catalog))
	if parsed == nil || problems.Err() != nil {
		t.Fatal(problems)
	}
	o.catalog = parsed
	o.Fake.AddPrice("price_basic", "usd", 2000)
	o.Request("POST", "/v1/subscriptions/"+o.Sub, "items[0][price]=price_other") // the bench's own is none of ours
	o.at(at)
	for _, when := range slices.Sorted(maps.Keys(usage)) {
		o.w.load(when, "m", usage[when])
	}
	return o
}

// at sets the clock.
func (o *office) at(at string) { o.Clock.Advance(utc(at).Sub(o.Clock.Now())) }

// figures are the customer's periods as of a time: product start end granted used billable capped.
func (o *office) figures(asOf string) string {
	o.T.Helper()
	balances, err := aggregate.New(aggregate.Config{Warehouse: o.w.w, Now: o.Clock.Now}).Replay(context.Background(),
		aggregate.Query{AsOf: utc(asOf), Catalog: o.catalog, Customers: []string{"acme"}})
	o.w.must(err)
	var lines []string
	for _, b := range balances {
		lines = append(lines, fmt.Sprintf("%s %s %s granted %s used %s billable %s capped %s", b.Product,
			b.Period.Start.Format("01-02"), b.Period.End.Format("01-02"), b.Granted, b.Used, b.Billable, b.Capped))
	}
	return strings.Join(lines, "\n")
}

func (o *office) wantFigures(asOf, want string) {
	o.T.Helper()
	if got := o.figures(asOf); got != want {
		o.T.Fatalf("as of %s\n%s\nwant\n%s", asOf, got, want)
	}
}

// wantSync syncs and compares changes and problems.
func (o *office) wantSync(changes, problem string) sync.Plan {
	o.T.Helper()
	plan := o.sync()
	o.assert(plan, changes)
	if got := strings.Join(plan.Problems, "\n"); (problem == "") != (got == "") || !strings.Contains(got, problem) {
		o.T.Fatalf("problems: %q, want %q", got, problem)
	}
	return plan
}

func (o *office) attach(product, at string) {
	o.T.Helper()
	_, err := subscription.Attach(context.Background(), o.w.w, subscription.Change{
		CustomerID: "acme", Product: product, At: utc(at), Catalog: o.catalog,
	}, o.Clock.Now())
	o.w.must(err)
}

// TestSyncTrials: Stripe's trial is the trial, whatever the product has: usage beyond the allowance in it is not
// billed. After an early end the paid period begins there, an extension lasts.
func TestSyncTrials(t *testing.T) {
	own := strings.Replace(rulesCatalog, "  - id: pro\n", "  - id: pro\n    trial: {days: 14}\n", 1)
	usage := map[string]uint64{
		"2026-10-21T00:00:00Z": 150, "2026-10-30T00:00:00Z": 121, "2026-11-10T00:00:00Z": 1,
	}
	for name, catalog := range map[string]string{"trial of the product": own, "only at Stripe": rulesCatalog} {
		t.Run(name, func(t *testing.T) {
			o := newRules(t, "2026-10-20T00:00:00Z", catalog, usage)
			o.Request("POST", "/v1/customers", "id=cus_acme&metadata[creditmill_customer]=acme")
			o.Request("POST", "/v1/subscriptions", fmt.Sprintf("customer=cus_acme&items[0][price]=price_pro&trial_end=%d",
				utc("2026-11-03T00:00:00Z").Unix()))
			id := o.Fake.Subscriptions()[1].ID
			o.wantSync("add acme pro 2026-10-20T00:00:00Z never", "")
			o.wantFigures("2026-11-27T00:00:00Z", "pro 10-20 11-03 granted 100 used 271 billable 0 capped 171\n"+
				"pro 11-03 12-03 granted 100 used 1 billable 0 capped 0")

			o.Request("POST", "/v1/subscriptions/"+id, fmt.Sprintf("trial_end=%d", utc("2026-11-12T00:00:00Z").Unix()))
			plan := o.wantSync("change acme pro 2026-10-20T00:00:00Z never", "")
			if why := plan.Changes[0].Why; !strings.Contains(why, "its trial ends 2026-11-12T00:00:00Z") {
				t.Fatalf("why: %s", why)
			}
			o.wantFigures("2026-11-27T00:00:00Z", "pro 10-20 11-12 granted 100 used 272 billable 0 capped 172\n"+
				"pro 11-12 12-12 granted 100 used 0 billable 0 capped 0")

			o.at("2026-10-24T00:00:00Z")
			o.Request("POST", "/v1/subscriptions/"+id, "trial_end=now")
			o.at("2026-11-28T00:00:00Z")
			o.wantSync("change acme pro 2026-10-20T00:00:00Z never", "")
			o.wantFigures("2026-11-27T00:00:00Z", "pro 10-20 10-24 granted 100 used 150 billable 0 capped 50\n"+
				"pro 10-24 11-24 granted 100 used 122 billable 22 capped 0\n"+
				"pro 11-24 12-24 granted 100 used 0 billable 0 capped 0")

			// A second trial in the middle: what is before it stays paid.
			o.at("2026-11-24T12:00:00Z")
			o.Request("POST", "/v1/subscriptions/"+id, "items[0][price]=price_team&trial_end="+
				fmt.Sprint(utc("2026-12-01T00:00:00Z").Unix()))
			o.wantSync("change acme pro 2026-10-20T00:00:00Z 2026-11-24T12:00:00Z\n"+
				"add acme team 2026-11-24T12:00:00Z never", "")
		})
	}
}

// TestSyncTrialInTheMiddle: a trial that a running subscription is given does not reach back.
func TestSyncTrialInTheMiddle(t *testing.T) {
	o := newRules(t, "2026-10-01T00:00:00Z", rulesCatalog, map[string]uint64{
		"2026-10-02T00:00:00Z": 110, "2026-10-12T00:00:00Z": 120, "2026-10-21T00:00:00Z": 130,
	})
	id := o.subscribe("acme", "price_pro")
	o.wantSync("add acme pro 2026-10-01T00:00:00Z never", "")
	o.at("2026-10-10T00:00:00Z")
	o.Request("POST", "/v1/subscriptions/"+id, fmt.Sprintf("trial_end=%d", utc("2026-10-20T00:00:00Z").Unix()))
	o.wantSync("change acme pro 2026-10-01T00:00:00Z never", "")
	o.wantFigures("2026-10-22T00:00:00Z", "pro 10-01 10-10 granted 100 used 110 billable 10 capped 0\n"+
		"pro 10-10 10-20 granted 100 used 120 billable 0 capped 20\n"+
		"pro 10-20 11-20 granted 100 used 130 billable 30 capped 0")
}

// TestSyncTwoAtOnce: two of Stripe's that go on at once need a person; once one is over, or is going to end, the later
// one holds from its start.
func TestSyncTwoAtOnce(t *testing.T) {
	usage := map[string]uint64{"2026-10-30T00:00:00Z": 150}
	began := func(t *testing.T) (o *office, first string) {
		o = newRules(t, "2026-10-20T00:00:00Z", rulesCatalog, usage)
		first = o.subscribe("acme", "price_basic")
		o.at("2026-10-25T00:00:00Z")
		o.Request("POST", "/v1/subscriptions", "customer=cus_acme&items[0][price]=price_pro"+
			"&metadata[creditmill_customer]=acme")
		o.at("2026-10-26T00:00:00Z")
		o.wantSync("", "basic from 2026-10-20T00:00:00Z ("+first+") and pro from 2026-10-25T00:00:00Z")
		return o, first
	}
	const apart = "add acme basic 2026-10-20T00:00:00Z 2026-10-25T00:00:00Z\nadd acme pro 2026-10-25T00:00:00Z never"
	t.Run("the abandoned one ended", func(t *testing.T) {
		o, first := began(t)
		o.at("2026-11-03T00:00:00Z")
		o.Request("DELETE", "/v1/subscriptions/"+first, "")
		o.wantSync(apart, "")
		o.wantFigures("2026-11-26T00:00:00Z", "pro 10-25 11-25 granted 100 used 150 billable 40 capped 10\n"+
			"pro 11-25 12-25 granted 100 used 0 billable 0 capped 0")
	})
	t.Run("it is going to end", func(t *testing.T) {
		o, first := began(t)
		o.Request("POST", "/v1/subscriptions/"+first, "cancel_at_period_end=true")
		o.wantSync(apart, "")
	})
	t.Run("settled by an import", func(t *testing.T) {
		o, first := began(t)
		second := o.Fake.Subscriptions()[2].ID
		_, err := subscription.ImportCustomers(context.Background(), o.w.w, subscription.Import{
			File: "c.csv", Catalog: o.catalog, Body: strings.NewReader(
				"customer_id,product,starts_at,ends_at,stripe_customer,stripe_subscription\n" +
					"acme,basic,2026-10-20,2026-10-25,cus_acme," + first + "\nacme,pro,2026-10-25,,cus_acme," + second + "\n"),
		}, o.Clock.Now())
		o.w.must(err)
		o.wantSync("", "basic from 2026-10-20T00:00:00Z")
		o.at("2026-11-03T00:00:00Z")
		o.Request("DELETE", "/v1/subscriptions/"+first, "")
		o.wantSync("", "")
	})
	t.Run("the later one ended", func(t *testing.T) {
		o, first := began(t)
		o.Request("DELETE", "/v1/subscriptions/"+o.Fake.Subscriptions()[2].ID, "")
		o.at("2026-10-27T00:00:00Z")
		plan := o.wantSync("add acme basic 2026-10-20T00:00:00Z never", "")
		if len(plan.Notes) != 1 || !strings.Contains(plan.Notes[0], first) {
			t.Fatalf("notes: %q", plan.Notes)
		}
	})
}

// TestSyncAttached: what is attached by hand and what is changed at Stripe are joined, and the newer of the two holds.
func TestSyncAttached(t *testing.T) {
	usage := map[string]uint64{"2026-11-01T00:00:00Z": 150, "2026-11-26T00:00:00Z": 30}
	began := func(t *testing.T) (*office, string) {
		o := newRules(t, "2026-10-25T00:00:00Z", rulesCatalog, usage)
		id := o.subscribe("acme", "price_pro")
		o.at("2026-11-20T00:00:00Z")
		o.wantSync("add acme pro 2026-10-25T00:00:00Z never", "")
		return o, id
	}
	downgraded := func(t *testing.T) (*office, string) {
		o, id := began(t)
		o.attach("basic", "2026-11-10T00:00:00Z")
		plan := o.wantSync("", "")
		if len(plan.Notes) != 1 || !strings.Contains(plan.Notes[0], "attached to basic from 2026-11-25T00:00:00Z") {
			t.Fatalf("notes: %q", plan.Notes)
		}
		return o, id
	}
	t.Run("the same at Stripe", func(t *testing.T) {
		o, id := downgraded(t)
		o.at("2026-11-26T00:00:00Z")
		o.Request("POST", "/v1/subscriptions/"+id, "items[0][price]=price_basic")
		o.wantSync("change acme basic 2026-11-25T00:00:00Z never", "")
		o.wantFigures("2026-12-26T00:00:00Z", "pro 10-25 11-25 granted 100 used 150 billable 40 capped 10\n"+
			"basic 11-25 12-25 granted 20 used 30 billable 10 capped 0\n"+
			"basic 12-25 01-25 granted 20 used 0 billable 0 capped 0")
	})
	t.Run("earlier at Stripe", func(t *testing.T) {
		o, id := downgraded(t)
		o.Request("POST", "/v1/subscriptions/"+id, "items[0][price]=price_basic")
		o.wantSync("change acme pro 2026-10-25T00:00:00Z 2026-11-20T00:00:00Z\n"+
			"add acme basic 2026-11-20T00:00:00Z never\nremove acme basic 2026-11-25T00:00:00Z never", "")
	})
	t.Run("another one at Stripe", func(t *testing.T) {
		o, id := downgraded(t)
		o.at("2026-11-26T00:00:00Z")
		o.Request("POST", "/v1/subscriptions/"+id, "items[0][price]=price_team")
		o.wantSync("change acme basic 2026-11-25T00:00:00Z 2026-11-26T00:00:00Z\n"+
			"add acme team 2026-11-26T00:00:00Z never", "")
	})
	t.Run("not at Stripe", func(t *testing.T) {
		o, _ := downgraded(t)
		o.at("2026-12-01T00:00:00Z")
		o.wantSync("", "")
	})
	t.Run("ended at Stripe", func(t *testing.T) {
		o, id := downgraded(t)
		o.Request("DELETE", "/v1/subscriptions/"+id, "")
		o.wantSync("change acme pro 2026-10-25T00:00:00Z 2026-11-20T00:00:00Z", "")
	})
	t.Run("upgraded", func(t *testing.T) {
		o, id := began(t)
		o.attach("team", "2026-11-19T00:00:00Z")
		o.wantSync("", "")
		o.at("2026-11-21T00:00:00Z")
		o.Request("POST", "/v1/subscriptions/"+id, "items[0][price]=price_team&billing_cycle_anchor=now")
		o.wantSync("change acme team 2026-11-19T00:00:00Z never", "")
	})
	t.Run("a new subscription at Stripe", func(t *testing.T) {
		o := newRules(t, "2026-10-20T00:00:00Z", rulesCatalog, usage)
		o.attach("basic", "2026-10-20T00:00:00Z")
		o.at("2026-10-25T00:00:00Z")
		o.subscribe("acme", "price_pro")
		o.at("2026-10-26T00:00:00Z")
		o.wantSync("change acme basic 2026-10-20T00:00:00Z 2026-10-25T00:00:00Z\n"+
			"add acme pro 2026-10-25T00:00:00Z never", "")
	})
	t.Run("attached within one that Stripe had", func(t *testing.T) {
		o := newRules(t, "2026-10-20T00:00:00Z", rulesCatalog, usage)
		o.subscribe("acme", "price_pro")
		o.attach("basic", "2026-10-25T00:00:00Z")
		o.at("2026-10-26T00:00:00Z")
		o.wantSync("add acme pro 2026-10-20T00:00:00Z 2026-10-25T00:00:00Z\n"+
			"change acme basic 2026-10-25T00:00:00Z 2026-10-26T00:00:00Z\nadd acme pro 2026-10-26T00:00:00Z never", "")
	})
	t.Run("moved and ended between syncs", func(t *testing.T) {
		o, id := began(t)
		o.Request("POST", "/v1/subscriptions/"+id, "items[0][price]=price_basic")
		o.Request("DELETE", "/v1/subscriptions/"+id, "")
		o.at("2026-11-26T00:00:00Z")
		o.wantSync("change acme pro 2026-10-25T00:00:00Z 2026-11-20T00:00:00Z", "")
	})
}

// TestSyncSharedStripeCustomer: whose a subscription is, is never a guess.
func TestSyncSharedStripeCustomer(t *testing.T) {
	shared := map[string]string{"acme": "cus_1", "beta": "cus_1"}
	for range 20 {
		o := newOffice(t)
		plan := o.compare(nil, shared)
		if len(plan.Changes) != 0 || len(plan.Problems) != 1 ||
			!strings.Contains(plan.Problems[0], "customers acme and beta have that Stripe customer") {
			t.Fatalf("%+v", plan)
		}
		o.Request("POST", "/v1/subscriptions/"+o.Sub, "metadata[creditmill_customer]=beta")
		if plan = o.compare(nil, shared); told(plan) != "add beta pro 2026-11-01T03:00:00Z never" || len(plan.Problems) > 0 {
			t.Fatalf("%s, %q", told(plan), plan.Problems)
		}
		o.Request("POST", "/v1/subscriptions/"+o.Sub, "metadata[creditmill_customer]=gamma")
		if plan = o.compare(nil, shared); len(plan.Problems) != 1 ||
			plan.Problems[0] != "cus_1 is customer acme and beta here and gamma at Stripe" {
			t.Fatalf("%q", plan.Problems)
		}
	}
}

// TestSyncSeats: the quantity multiplies allowance and limit. A seat that is added counts in the period that goes on,
// one that is given back until the period ends, and neither reaches back.
func TestSyncSeats(t *testing.T) {
	usage := map[string]uint64{
		"2026-10-21T00:00:00Z": 450, "2026-11-21T00:00:00Z": 700, "2026-12-21T00:00:00Z": 50, "2027-01-21T00:00:00Z": 60,
	}
	seated := func(t *testing.T, catalog string) (*office, string) {
		o := newRules(t, "2026-10-20T00:00:00Z", catalog, usage)
		o.Request("POST", "/v1/customers", "id=cus_acme&metadata[creditmill_customer]=acme")
		o.Request("POST", "/v1/subscriptions", "customer=cus_acme&items[0][price]=price_pro&items[0][quantity]=2"+
			"&items[1][price]=price_other&items[1][quantity]=7&items[2][price]=price_pro&items[2][quantity]=1")
		o.wantSync("add acme pro 2026-10-20T00:00:00Z never", "")
		return o, o.Fake.Subscriptions()[1].ID
	}
	o, id := seated(t, rulesCatalog)
	o.at("2026-11-25T00:00:00Z")
	o.Request("POST", "/v1/subscriptions/"+id, "items[0][price]=price_pro&items[0][quantity]=5")
	plan := o.wantSync("change acme pro 2026-10-20T00:00:00Z never", "")
	if why := plan.Changes[0].Why; why != "seats are 5 instead of 3" {
		t.Fatalf("why: %s", why)
	}
	o.Request("POST", "/v1/subscriptions/"+id, "items[0][price]=price_pro&items[0][quantity]=0")
	o.at("2026-12-26T00:00:00Z")
	o.wantSync("change acme pro 2026-10-20T00:00:00Z never", "")
	const before = "pro 10-20 11-20 granted 300 used 450 billable 120 capped 30\n" +
		"pro 11-20 12-20 granted 500 used 700 billable 200 capped 0\n"
	o.wantFigures("2027-02-01T00:00:00Z", before+"pro 12-20 01-20 granted 500 used 50 billable 0 capped 0\n"+
		"pro 01-20 02-20 granted 0 used 60 billable 0 capped 60")

	o, _ = seated(t, strings.Replace(rulesCatalog, "  - id: pro\n", "  - id: pro\n    per_seat: false\n", 1))
	o.wantFigures("2026-11-20T00:00:00Z", "pro 10-20 11-20 granted 100 used 450 billable 40 capped 310\n"+
		"pro 11-20 12-20 granted 100 used 0 billable 0 capped 0")
}
