package invoice

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/stripetest"
	"github.com/creditmill/creditmill/invoice/sync"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

const syncCatalog = `
currency: usd
timezone: UTC
features: [{id: f, models: [m]}]
credit_systems: [{id: c, name: C, costs: [{effective: 2026-01-01, per_token: {f: 1}}]}]
products:
  - {id: free, name: Free, default: true, credits: {system: c, included: 500, every: month}}
  - id: pro
    name: Pro
    price: {amount: "100.00", every: month, stripe_price: price_pro}
    credits: {system: c, included: 10000, every: month}
  - id: team
    name: Team
    price: {amount: "300.00", every: month, stripe_price: price_team}
    credits: {system: c, included: 50000, every: month}
`

// office is a Stripe and a warehouse between which subscriptions are synced.
type office struct {
	*stripetest.Bench
	w       *shop
	catalog *schemas.Catalog
}

func newOffice(t *testing.T) *office {
	t.Helper()
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(syncCatalog))
	if catalog == nil || problems.Err() != nil {
		t.Fatal(problems)
	}
	o := &office{Bench: stripetest.New(t), w: &shop{t: t}, catalog: catalog}
	o.Fake.AddPrice("price_team", "usd", 30000)
	o.Fake.AddPrice("price_other", "usd", 500)
	return o
}

// stocked is an office with a warehouse.
func stocked(t *testing.T) *office {
	t.Helper()
	o := newOffice(t)
	o.w.w = warehousetest.New(t)
	return o
}

// subscribe makes a customer of that id with a subscription; its metadata names the customer here.
func (o *office) subscribe(customer, price string) string {
	o.Fake.AddCustomer("cus_" + customer)
	o.Request("POST", "/v1/subscriptions", "customer=cus_"+customer+"&items[0][price]="+price+
		"&metadata[creditmill_customer]="+customer)
	all := o.Fake.Subscriptions()
	return all[len(all)-1].ID
}

func (o *office) plan() sync.Plan {
	o.T.Helper()
	ctx := context.Background()
	stored, err := subscription.All(ctx, o.w.w)
	o.w.must(err)
	customers, err := subscription.StripeCustomers(ctx, o.w.w)
	o.w.must(err)
	return o.compare(stored, customers)
}

// compare plans with what is said to be stored.
func (o *office) compare(stored []subscription.Subscription, customers map[string]string) sync.Plan {
	o.T.Helper()
	state, err := sync.ReadState(context.Background(), o.Client(stripetest.InProcess(o.Fake)), sync.Prices(o.catalog))
	if err != nil {
		o.T.Fatal(err)
	}
	return sync.Compare(sync.Inputs{
		Stripe: state, Catalog: o.catalog, Stored: stored, StripeCustomers: customers, Now: o.Clock.Now(),
	})
}

// sync stores what differs and asserts that nothing does afterwards.
func (o *office) sync() sync.Plan {
	o.T.Helper()
	plan := o.plan()
	o.w.must(subscription.StoreSync(context.Background(), o.w.w, plan.Sync(), o.Clock.Now()))
	if again := o.plan(); len(again.Changes) > 0 || len(again.Problems) != len(plan.Problems) {
		o.T.Fatalf("after storing there is still %+v", again)
	}
	return plan
}

// told writes the changes of subscriptions as lines: action customer product start end.
func told(plan sync.Plan) string {
	var lines []string
	for _, change := range plan.Changes {
		if change.Action != "customer" {
			lines = append(lines, fmt.Sprintf("%s %s %s %s %s", change.Action, change.CustomerID, change.Product,
				shown(change.StartsAt), shown(change.EndsAt)))
		}
	}
	return strings.Join(lines, "\n")
}

func shown(at *time.Time) string {
	if at == nil {
		return "never"
	}
	return at.UTC().Format(time.RFC3339)
}

func (o *office) assert(plan sync.Plan, want string) {
	o.T.Helper()
	if got := told(plan); got != want {
		o.T.Fatalf("changes are\n%s\nwant\n%s\nproblems: %q", got, want, plan.Problems)
	}
}

// TestSyncLife follows subscriptions from their start through a change of product to their end.
func TestSyncLife(t *testing.T) {
	o := stocked(t)
	moved, ended := o.subscribe("acme", "price_pro"), o.subscribe("beta", "price_team")
	o.subscribe("other", "price_other")
	o.assert(o.sync(), "add acme pro 2026-11-02T03:00:00Z never\nadd beta team 2026-11-02T03:00:00Z never")

	o.Clock.Advance(24 * time.Hour)
	o.Request("POST", "/v1/subscriptions/"+moved, "items[0][price]=price_team&billing_cycle_anchor=now")
	o.Request("POST", "/v1/subscriptions/"+ended, "cancel_at_period_end=true")
	o.Clock.Advance(time.Hour)
	o.assert(o.sync(), "change acme pro 2026-11-02T03:00:00Z 2026-11-03T03:00:00Z\n"+
		"add acme team 2026-11-03T03:00:00Z never\nchange beta team 2026-11-02T03:00:00Z 2026-12-02T03:00:00Z")

	// Back to Pro within the cycle: Stripe's list does not tell when, so it counts from now.
	o.Request("POST", "/v1/subscriptions/"+moved, "items[0][price]=price_pro&pause_collection[behavior]=void")
	o.Request("POST", "/v1/subscriptions/"+ended, "cancel_at_period_end=false")
	o.assert(o.sync(), "change acme team 2026-11-03T03:00:00Z 2026-11-03T04:00:00Z\n"+
		"add acme pro 2026-11-03T04:00:00Z never\nchange beta team 2026-11-02T03:00:00Z never")

	// Canceled at once, with what follows it: a new subscription of the same customer.
	o.Request("DELETE", "/v1/subscriptions/"+ended, "")
	o.Clock.Advance(time.Hour)
	o.subscribe("beta", "price_pro")
	o.assert(o.sync(), "change beta team 2026-11-02T03:00:00Z 2026-11-03T04:00:00Z\n"+
		"add beta pro 2026-11-03T05:00:00Z never")
}

// TestSyncFindsCustomers: by metadata of the subscription, by the stored Stripe id, by metadata of the Stripe customer.
func TestSyncFindsCustomers(t *testing.T) {
	o := stocked(t)
	start := o.Clock.Now()
	o.w.must(subscription.StoreSync(context.Background(), o.w.w, subscription.Sync{
		StripeCustomers: map[string]string{"stored": "cus_1"},
	}, start))
	o.Request("POST", "/v1/customers", "id=cus_named&metadata[creditmill_customer]=named")
	o.Fake.AddSubscription("cus_named", "price_pro", start)
	o.Fake.AddCustomer("cus_nobody")
	o.Fake.AddSubscription("cus_nobody", "price_pro", start)
	o.Request("POST", "/v1/customers", "id=cus_free&metadata[creditmill_customer]=free")
	plan := o.sync()
	o.assert(plan, "add named pro 2026-11-02T03:00:00Z never\nadd stored pro 2026-11-01T03:00:00Z never")
	if len(plan.Problems) != 1 || !strings.Contains(plan.Problems[0], "cus_nobody: whose is it?") {
		t.Fatalf("problems: %q", plan.Problems)
	}
	customers, err := subscription.StripeCustomers(context.Background(), o.w.w)
	o.w.must(err)
	if len(customers) != 3 || customers["free"] != "cus_free" {
		t.Fatalf("customers: %v", customers)
	}
}

// TestSyncProblems: what needs a person is left as it is.
func TestSyncProblems(t *testing.T) {
	tests := []struct {
		name, problem string
		prepare       func(o *office)
		stored        []subscription.Subscription
	}{
		{"several products in one", "prices of several products (pro, team)", func(o *office) {
			o.Request("POST", "/v1/subscriptions",
				"customer=cus_1&items[0][price]=price_pro&items[1][price]=price_team&metadata[creditmill_customer]=acme")
		}, nil},
		{"two at once", "at once; end one of them", func(o *office) {
			o.subscribe("acme", "price_pro")
			o.Clock.Advance(time.Hour)
			o.subscribe("acme", "price_team")
		}, nil},
		{"two Stripe customers", "is both", func(o *office) {
			o.subscribe("acme", "price_pro")
			o.Request("POST", "/v1/customers", "id=cus_second&metadata[creditmill_customer]=acme")
		}, nil},
		{"unknown at Stripe", "Stripe has no subscription sub_gone", func(*office) {}, []subscription.Subscription{{
			CustomerID: "acme", Product: "pro", StripeSubscription: "sub_gone", Origin: subscription.OriginImport,
		}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := newOffice(t)
			test.prepare(o)
			plan := o.compare(test.stored, nil)
			if !strings.Contains(strings.Join(plan.Problems, "\n"), test.problem) || told(plan) != "" &&
				test.name == "two at once" {
				t.Fatalf("problems: %q\nchanges: %s", plan.Problems, told(plan))
			}
		})
	}
}

// TestSyncLinks: what was imported by hand keeps its start, and gets Stripe's id and end.
func TestSyncLinks(t *testing.T) {
	o := stocked(t)
	by := utc("2026-10-15T00:00:00Z")
	o.w.must(subscription.StoreSync(context.Background(), o.w.w, subscription.Sync{
		Subscriptions: []subscription.Subscription{{
			CustomerID: "acme", Product: "pro", StartsAt: by, Anchor: by, Origin: subscription.OriginAttach,
		}},
	}, by))
	id := o.subscribe("acme", "price_pro")
	o.assert(o.sync(), "change acme pro 2026-10-15T00:00:00Z never")
	stored, err := subscription.All(context.Background(), o.w.w)
	o.w.must(err)
	if stored[0].StripeSubscription != id || stored[0].Origin != subscription.OriginAttach {
		t.Fatalf("%+v", stored)
	}
	o.Clock.Advance(time.Hour)
	o.Request("DELETE", "/v1/subscriptions/"+id, "")
	o.assert(o.sync(), "change acme pro 2026-10-15T00:00:00Z 2026-11-02T04:00:00Z")
}

// TestSyncManyItems: a subscription shows its first ten items; the product's price is found beyond them.
func TestSyncManyItems(t *testing.T) {
	o := newOffice(t)
	o.Fake.AddCustomer("cus_many")
	form := "customer=cus_many&metadata[creditmill_customer]=many&items[11][price]=price_team"
	for n := range 11 {
		form += fmt.Sprintf("&items[%d][price]=price_other", n)
	}
	o.Request("POST", "/v1/subscriptions", form)
	o.assert(o.compare(nil, map[string]string{"first": "cus_1"}), "add first pro 2026-11-01T03:00:00Z never\n"+
		"add many team 2026-11-02T03:00:00Z never")
}

// TestSyncPages reads more subscriptions than a page holds.
func TestSyncPages(t *testing.T) {
	o := newOffice(t)
	for n := range 230 {
		o.Fake.AddCustomer(fmt.Sprint("cus_many_", n))
		o.Request("POST", "/v1/subscriptions", fmt.Sprintf(
			"customer=cus_many_%d&items[0][price]=price_pro&metadata[creditmill_customer]=many_%d", n, n))
	}
	if plan := o.compare(nil, nil); plan.Subscriptions != 231 || len(plan.Changes) != 460 {
		t.Fatalf("%d subscriptions, %d changes", plan.Subscriptions, len(plan.Changes))
	}
}
