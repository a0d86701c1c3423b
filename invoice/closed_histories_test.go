package invoice

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
	"github.com/creditmill/creditmill/invoice/sync"
	"github.com/creditmill/creditmill/schemas"
)

// tokensAt is usage of a model, and the load it came with.
type tokensAt struct {
	at     time.Time
	model  string
	tokens uint64
	load   uint64
}

// ages is a history of a customer whose months are closed while everything around them is changed.
type ages struct {
	*shop
	random *rand.Rand
	clock  *stripetest.Clock
	all    []terms
	synced string // the subscription at Stripe; empty: products change here alone
	used   []tokensAt
	grants []subscription.Grant
	walk   []string
	// were are the periods as they were when they were seen closed for the first time, in order; totals what they came to
	// in the end.
	were   []pastPeriod
	totals map[schemas.Period]int64
	closed int // periods that were looked at
	kinds  map[string]int
}

// newAges opens a shop whose Stripe has the clock of the history.
func newAges(t *testing.T, all []terms, seed uint64) *ages {
	t.Helper()
	a := &ages{
		shop: newShopOf(t, false, all[0].catalog, "2026-10-01T00:00:00Z"), all: all, clock: stripetest.NewClock(),
		random: rand.New(rand.NewPCG(seed, 3)), kinds: map[string]int{},
	}
	fake, err := stripefake.New(stripefake.Config{Now: a.clock.Now, Date: a.clock.Now})
	a.must(err)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	a.fake, a.url = fake, server.URL
	fake.AddPrice("price_pro", "usd", 10000)
	fake.AddPrice("price_max", "usd", 20000)
	fake.AddCustomer("cus_1")
	fake.SetEmail("cus_1", "billing@example.com")
	if seed%2 == 1 {
		a.synced = fake.AddSubscription("cus_1", "price_pro", utc("2026-10-01T00:00:00Z"))
		a.customers("pro,2026-10-01T00:00:00Z,,,cus_1," + a.synced)
	}
	return a
}

func (a *ages) customers(row string) {
	a.note("import "+row, func(ctx context.Context) error {
		_, err := subscription.ImportCustomers(ctx, a.w, subscription.Import{
			File: "customers.csv", Catalog: a.catalog, Body: strings.NewReader(
				"customer_id,product,starts_at,ends_at,anchor,stripe_customer,stripe_subscription\nacme," + row + "\n"),
		}, a.clock.Now())
		return err
	})
}

// note lets something happen that may be refused.
func (a *ages) note(what string, act func(ctx context.Context) error) {
	a.t.Helper()
	err := act(context.Background())
	a.walk = append(a.walk, fmt.Sprintf("%s: %s: %v", a.clock.Now().Format(time.RFC3339), what, err))
	if err == nil {
		a.kinds[strings.Fields(what)[0]]++
	}
}

func (a *ages) at() *Runner {
	a.t.Helper()
	client, err := stripe.New(stripe.Config{
		Key: "sk_test_1", BaseURL: a.url, Now: a.clock.Now, Sleep: a.clock.Sleep, NoRetries: true,
	})
	a.must(err)
	return NewRunner(Config{
		Warehouse: a.w, Aggregator: aggregate.New(aggregate.Config{Warehouse: a.w, Now: a.clock.Now}), Catalog: a.catalog,
		AsOf: a.clock.Now(), Stripe: client, StripeAccount: "acct_fake", RunID: fmt.Sprint("run_", len(a.walk)),
		Now: a.clock.Now, Sleep: a.clock.Sleep,
	})
}

func (a *ages) closedTime() []subscription.Closed {
	a.t.Helper()
	closed, err := ledger.ClosedTime(context.Background(), a.w, a.at().config.account(), []string{"acme"})
	a.must(err)
	return closed
}

// past is an instant between the customer's first day and now.
func (a *ages) past() time.Time {
	first := utc("2026-10-01T00:00:00Z")
	return first.Add(time.Duration(a.random.Int64N(int64(a.clock.Now().Sub(first))))).Truncate(time.Second)
}

// act lets one thing happen, and tells whether it is about usage: nothing else changes closed periods.
func (a *ages) act() (usage bool) {
	switch x := a.random.IntN(20); {
	case x < 5:
		used := tokensAt{a.past(), []string{"medium-model", "small-model"}[a.random.IntN(2)], 1 + a.random.Uint64N(200), 0}
		a.load(used.at.Format(time.RFC3339), used.model, used.tokens)
		used.load = a.loads
		a.used = append(a.used, used)
		a.note(fmt.Sprintf("load %d %s at %s", used.tokens, used.model, used.at), func(context.Context) error { return nil })
		return true
	case x < 6:
		a.withdraw()
		return true
	case x < 9:
		a.catalog = a.all[a.random.IntN(len(a.all))].catalog
		a.note("catalog "+a.catalog.SHA256[:6], func(context.Context) error { return nil })
	case x < 11:
		a.attach()
	case x < 12:
		a.customers("pro,2026-10-01T00:00:00Z,," + a.past().Format(time.RFC3339) + ",,")
	case x < 14:
		a.grant()
	case x < 16:
		a.sync()
	default:
		a.clock.Advance(time.Duration(a.random.IntN(30*24)) * time.Hour)
		a.note("post", func(ctx context.Context) error {
			runner := a.at()
			planned, err := runner.Plan(ctx)
			a.must(err)
			_, err = runner.Post(ctx, planned)
			a.must(err)
			return nil
		})
	}
	return false
}

// withdraw takes a load back.
func (a *ages) withdraw() {
	if len(a.used) == 0 {
		return
	}
	i := a.random.IntN(len(a.used))
	a.exec(fmt.Sprintf("INSERT INTO loads SELECT * REPLACE (2 AS revision, 'withdrawn' AS status) FROM loads "+
		"WHERE load_seq = %d", a.used[i].load))
	a.note(fmt.Sprintf("withdraw %s", a.used[i].at), func(context.Context) error { return nil })
	a.used = slices.Delete(a.used, i, i+1)
}

// attach changes the product, also of long ago, or cancels it.
func (a *ages) attach() {
	change := subscription.Change{
		CustomerID: "acme", Product: []string{"pro", "max", "free"}[a.random.IntN(3)], At: a.past(),
		Now: a.random.IntN(2) == 0, Catalog: a.catalog, Closed: a.closedTime(),
	}
	a.note(fmt.Sprintf("attach %s from %s, now %t", change.Product, change.At, change.Now),
		func(ctx context.Context) error {
			_, err := subscription.Attach(ctx, a.w, change, a.clock.Now())
			return err
		})
}

// grant gives credits, also of long ago.
func (a *ages) grant() {
	grant := subscription.Grant{
		ID: fmt.Sprint("gr_", len(a.walk)), CustomerID: "acme", CreditSystem: "ai-credits", Priority: 100,
		StartsAt: a.past(), Credits: decimal.NewFromInt(1 + a.random.Int64N(80)),
	}
	if a.random.IntN(2) == 0 {
		grant.ExpiresAt = grant.StartsAt.Add(time.Duration(1+a.random.IntN(60)) * 24 * time.Hour)
	}
	if a.random.IntN(4) == 0 {
		grant.Priority = 20
	}
	a.note(fmt.Sprintf("grant %s from %s to %s, priority %d", grant.Credits, grant.StartsAt, grant.ExpiresAt,
		grant.Priority), func(ctx context.Context) error {
		_, _, err := subscription.AddGrant(ctx, a.w, a.catalog, grant, a.clock.Now())
		if err == nil {
			a.grants = append(a.grants, grant)
		}
		return err
	})
}

// sync changes the subscription at Stripe, and takes over what Stripe says.
func (a *ages) sync() {
	if a.synced == "" {
		return
	}
	a.clock.Advance(time.Duration(a.random.IntN(72)) * time.Hour)
	price := []string{"price_pro", "price_max"}[a.random.IntN(2)]
	method, path, form := "POST", "/v1/subscriptions/"+a.synced, "items[0][price]="+price
	switch a.random.IntN(6) {
	case 0:
		form = "billing_cycle_anchor=now"
	case 1:
		form += "&billing_cycle_anchor=now"
	case 2:
		form = "cancel_at_period_end=true"
	case 3:
		method, form = "DELETE", ""
	case 4:
		path, form = "/v1/subscriptions", "customer=cus_1&"+form
	}
	a.note("Stripe "+method+" "+form, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, method, a.url+path, strings.NewReader(form))
		a.must(err)
		request.Header.Set("Authorization", "Bearer sk_test_1")
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := http.DefaultClient.Do(request)
		a.must(err)
		defer response.Body.Close() //nolint:errcheck // read only
		_, err = io.Copy(io.Discard, response.Body)
		a.must(err)
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("Stripe answers %d", response.StatusCode)
		}
		all := a.fake.Subscriptions()
		a.synced = all[len(all)-1].ID
		return nil
	})
	a.note("sync", func(ctx context.Context) error {
		runner := a.at()
		state, err := sync.ReadState(ctx, runner.config.Stripe, sync.Prices(a.catalog))
		a.must(err)
		in := sync.Inputs{Stripe: state, Catalog: a.catalog, Now: a.clock.Now(), Cutoff: a.random.IntN(2) == 0}
		in.Stored, err = subscription.All(ctx, a.w)
		a.must(err)
		in.StripeCustomers, err = subscription.StripeCustomers(ctx, a.w)
		a.must(err)
		in.States, err = subscription.StripeStates(ctx, a.w)
		a.must(err)
		compared := sync.Compare(in)
		a.must(subscription.StoreSync(ctx, a.w, compared.Sync(), a.clock.Now()))
		if len(compared.Problems) > 0 {
			return fmt.Errorf("%s, %q", told(compared), compared.Problems)
		}
		return nil
	})
}

// look says what is wrong: each closed period stays as it was closed and comes to what its own terms make of its usage,
// only usage changes that, and time is divided.
func (a *ages) look(usage bool) string {
	ctx := context.Background()
	runner := a.at()
	planned, err := runner.Plan(ctx)
	a.must(err)
	if wrong := a.noteClosed(); wrong != "" {
		return wrong
	}
	a.kinds["charge_within"] = countKind(planned.Inputs.Frozen, plan.KindThreshold)
	query := runner.config.query(planned.Loads)
	query.Known = &planned.Known
	open, err := aggregate.New(aggregate.Config{Warehouse: a.w, Now: time.Now}).Ended(ctx, query, []string{"acme"})
	a.must(err)
	periods := slices.Clone(a.were)
	for _, stretch := range open {
		periods = append(periods, a.periodOf(stretch, stretch.Period))
	}
	slices.SortFunc(periods, func(a, b pastPeriod) int { return a.Start.Compare(b.Start) })
	for i := 1; i < len(periods); i++ {
		if !periods[i].Start.Equal(periods[i-1].End) {
			return fmt.Sprintf("a period ends at %s, and the next begins at %s", periods[i-1].End, periods[i].Start)
		}
	}
	for _, charge := range planned.Charges {
		// What was charged within a period stays of the period that it was then.
		if charge.Kind != plan.KindThreshold && !slices.ContainsFunc(periods, func(p pastPeriod) bool {
			return p.Start.Equal(charge.PeriodStart) && p.End.Equal(charge.PeriodEnd)
		}) {
			return fmt.Sprintf("charge %s is of %s to %s, which is no period", charge.ID, charge.PeriodStart, charge.PeriodEnd)
		}
	}
	totals := map[schemas.Period]int64{}
	for i, want := range dues(periods, a.used, a.grants) {
		if periods[i].granted == nil {
			continue
		}
		a.closed++
		total := totalOf(planned, periods[i].Period)
		if total != want {
			return fmt.Sprintf("%s to %s comes to %d, want %d", periods[i].Start, periods[i].End, total, want)
		}
		if before, found := a.totals[periods[i].Period]; found && before != total && !usage {
			return fmt.Sprintf("%s to %s came to %d, and comes to %d without any usage", periods[i].Start, periods[i].End,
				before, total)
		}
		totals[periods[i].Period] = total
	}
	a.totals = totals
	return ""
}

func (a *ages) periodOf(stretch subscription.Closed, period schemas.Period) pastPeriod {
	by := slices.IndexFunc(a.all, func(t terms) bool { return t.catalog == a.catalog })
	return pastPeriod{Period: period, product: stretch.Product, anchor: stretch.Anchor, by: a.all[by]}
}

// noteClosed keeps what was closed now, and says whether what was closed before is otherwise now.
func (a *ages) noteClosed() string {
	var all []pastPeriod
	for _, stretch := range a.closedTime() {
		own, err := stretch.Periods()
		a.must(err)
		for _, period := range own {
			is := a.periodOf(stretch, period)
			is.granted = map[string]bool{}
			for _, grant := range a.grants {
				is.granted[grant.ID] = true
			}
			if i := slices.IndexFunc(a.were, func(p pastPeriod) bool { return p.Period == period }); i >= 0 {
				is.by, is.granted = a.were[i].by, a.were[i].granted
				if a.were[i].product != is.product {
					return fmt.Sprintf("the product of %s is %s now", period.Start, is.product)
				}
			}
			all = append(all, is)
		}
	}
	for _, was := range a.were {
		if !slices.ContainsFunc(all, func(p pastPeriod) bool { return p.Period == was.Period }) {
			return fmt.Sprintf("%s to %s is no closed period any more", was.Start, was.End)
		}
	}
	a.were = all
	return ""
}

// totalOf is what is or would be charged for a period.
func totalOf(p plan.Plan, period schemas.Period) (sum int64) {
	of := func(charge plan.Charge) bool {
		if charge.Kind == plan.KindThreshold {
			return period.Contains(charge.PeriodStart)
		}
		return charge.PeriodStart.Equal(period.Start) && charge.PeriodEnd.Equal(period.End)
	}
	for _, charge := range p.Charges {
		if of(charge) {
			sum += charge.AmountMinor
		}
	}
	for _, charge := range p.Inputs.Frozen {
		if _, listed := p.Frozen[charge.ID]; !listed && of(charge.Charge) {
			sum += charge.AmountMinor
		}
	}
	return sum
}

// TestClosedHistories: whatever becomes of catalogs, products, anchors, grants and Stripe's subscriptions, a closed
// period comes to what the terms it was closed by make of its usage, in charges and adjustments together, and each
// instant is in one period. CREDITMILL_HISTORIES runs that many.
func TestClosedHistories(t *testing.T) {
	all := edits(t)
	looked, happened := 0, map[string]int{}
	for seed := range histories(t, 4) {
		a := newAges(t, all, seed)
		for range 20 {
			if wrong := a.look(a.act()); wrong != "" {
				t.Errorf("seed %d: %s, after\n%s", seed, wrong, strings.Join(a.walk, "\n"))
				break
			}
		}
		looked += a.closed
		for kind, count := range a.kinds {
			happened[kind] += count
		}
	}
	if looked == 0 {
		t.Error("no period was closed")
	}
	t.Logf("%d closed periods were looked at, %v", looked, happened)
}
