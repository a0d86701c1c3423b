package aggregate

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/aggregate/usagetest"
	"github.com/creditmill/creditmill/schemas"
)

// liveRun is a Live beside the store that holds the same events.
type liveRun struct {
	*store
	live  *Live
	w     world
	now   time.Time
	taken []string
	// answered counts answers from memory, asked all questions.
	answered, asked int
}

// take has an event come: it is in memory at once, and in a load of its own.
func (r *liveRun) take(e usagetest.Event) {
	r.T.Helper()
	r.live.Use(schemas.Event{
		EventID: e.Customer + e.At.String(), OccurredAt: e.At, CustomerID: e.Customer, Model: e.Model, Feature: e.Feature,
		Units: e.Amounts(), Dimensions: e.Dimensions,
	}, int64(r.Loads+1), r.now)
	r.load(e)
	r.taken = append(r.taken, fmt.Sprintf("at %s %+v", r.now.Format(time.RFC3339Nano), e))
}

// compute computes the balances of customers; between happens while it does.
func (r *liveRun) compute(customers []string, between func()) {
	r.T.Helper()
	computation, upTo := r.live.Begin(), int64(r.Loads)
	found, err := r.aggregator().LiveBalances(context.Background(), Query{
		AsOf: r.now, Catalog: r.w.catalog, Customers: customers,
	})
	r.must(err)
	between()
	computation.Set(found, upTo, r.now)
}

// compare holds the answer from memory, if there is one, against the one from the store.
func (r *liveRun) compare(t *rapid.T, query EntitledQuery) {
	r.asked++
	query.AsOf, query.Catalog = r.now, r.w.catalog
	got, ok, err := r.live.Entitled(query)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return
	}
	r.answered++
	want, err := r.aggregator().Entitled(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := entitlementText(got), entitlementText(want); got != want {
		t.Fatalf("%+v at %s\nin memory %s\nwant      %s\n%s", query, r.now.Format(time.RFC3339Nano), got, want,
			strings.Join(r.taken, "\n"))
	}
}

// entitlementText is all that is answered, with decimals as people write them.
func entitlementText(e Entitlement) string {
	text := ""
	if b := e.Balance; b != nil {
		text = fmt.Sprint(b.CreditSystem, b.Period, b.Unlimited, " granted ", b.Granted, " used ", b.Used, " balance ",
			b.Balance, " remaining ", b.Remaining, " overage ", b.Overage, b.Billable, b.Capped)
	}
	required := e.Required.String()
	e.Balance, e.Required = nil, decimal.Zero
	value := reflect.ValueOf(e)
	for i := range value.NumField() {
		text += fmt.Sprint(" ", value.Type().Field(i).Name, "=", value.Field(i).Interface())
	}
	return text + " required " + required
}

// TestLiveAgainstEntitled: whatever events come, early and late, while balances are computed or not, an answer from
// memory is the one that the warehouse gives.
func TestLiveAgainstEntitled(t *testing.T) {
	fewChecks(t)
	s := newStore(t)
	var catalogs []*schemas.Catalog
	for _, every := range []string{"hour", "month"} {
		catalogs = append(catalogs, mustCatalog(t, fmt.Sprintf(oracleCatalog, "Europe/Berlin", every)))
	}
	asked, answered := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt, rapid.SampledFrom(catalogs).Draw(rt, "catalog"))
		loads := w.loads
		w.loads, w.withdrawn = nil, nil
		s.fill(w, 0)
		r := &liveRun{store: s, live: NewLive(w.catalog), w: w, now: drawInstant(rt)}
		customers := []string{"a", "b", "c", "it's \\ odd"}
		for _, events := range loads {
			for i, e := range events {
				e.SupersededBy, e.ReplacedBy = nil, nil
				if rapid.Bool().Draw(rt, "now") {
					e.At = r.now.Add(-time.Duration(rapid.Int64Range(0, 2e9).Draw(rt, "ago")))
				}
				e.At = e.At.Add(time.Duration(i+1) * time.Microsecond) // no two of them are the same event
				switch rapid.SampledFrom([]string{"", "", "one", "all", "beside"}).Draw(rt, "compute") {
				case "one":
					r.compute([]string{e.Customer}, func() {})
				case "all":
					r.compute(nil, func() {})
				case "beside":
					r.compute(customers, func() { r.take(e) })
					e.At = e.At.Add(time.Nanosecond)
				}
				r.take(e)
				if rapid.Bool().Draw(rt, "loaded") {
					r.live.Loaded(int64(r.Loads))
				}
				if rapid.IntRange(0, 2).Draw(rt, "wait") == 0 {
					r.now = r.now.Add(time.Duration(rapid.Int64Range(0, 30*3600).Draw(rt, "seconds")) * time.Second)
				} else {
					r.now = r.now.Add(time.Second)
				}
				query := EntitledQuery{
					CustomerID: rapid.SampledFrom([]string{e.Customer, "a", "b"}).Draw(rt, "asked"),
					Feature:    rapid.SampledFrom([]string{"plain", "images", "tiered", "unknown"}).Draw(rt, "of"),
					Required:   decimal.NewFromInt(rapid.Int64Range(0, 5000).Draw(rt, "required")),
				}
				r.compare(rt, query)
			}
		}
		asked, answered = asked+r.asked, answered+r.answered
	})
	t.Logf("%d of %d answers came from memory", answered, asked)
	if answered == 0 {
		t.Error("no answer came from memory")
	}
}

// TestLiveChangesWhileComputing: what changes while balances are computed is not in them, also where they are the
// first; and a computation that began before another one does not take that one's place.
func TestLiveChangesWhileComputing(t *testing.T) {
	catalog := mustCatalog(t, fmt.Sprintf(oracleCatalog, "Europe/Berlin", "month"))
	now := instant("2026-10-05T12:00:00Z")
	figures := func(product string) map[string]LiveCustomer {
		return map[string]LiveCustomer{"a": {Product: product, AsOf: now, To: now.Add(time.Hour)}}
	}
	wants := func(l *Live, product string, ok bool) {
		t.Helper()
		got, known, err := l.Entitled(EntitledQuery{CustomerID: "a", Feature: "plain", AsOf: now})
		if err != nil || known != ok || got.Product != product {
			t.Errorf("%v %q, %v, want %v %q", known, got.Product, err, ok, product)
		}
	}
	for name, customers := range map[string][]string{"all": nil, "this one": {"a"}} {
		t.Run(name, func(t *testing.T) {
			l := NewLive(catalog)
			first := l.Begin()
			l.Doubt(customers)
			first.Set(figures("old"), 0, now)
			wants(l, "", false)

			slow := l.Begin()
			l.Doubt(customers)
			fast := l.Begin()
			fast.Set(figures("new"), 0, now)
			wants(l, "new", true)
			slow.Set(figures("old"), 0, now)
			wants(l, "new", true)

			behind, ahead := l.Begin(), l.Begin() // the second one holds more parts
			ahead.Set(figures("newer"), 2, now)
			behind.Set(figures("old"), 1, now)
			wants(l, "newer", true)
		})
	}
}

// TestLiveForgets: however many ids are asked for, no more are kept than there is room for.
func TestLiveForgets(t *testing.T) {
	catalog := mustCatalog(t, seed)
	now := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
	live := NewLive(catalog)
	live.most = 100
	begin := live.Begin()
	for i := range 1000 {
		live.Begin().Set(map[string]LiveCustomer{fmt.Sprint("c", i): {Product: "free"}}, 0, now)
	}
	if kept := len(live.customers); kept != 1000 {
		t.Fatalf("%d customers are kept while others are computed, want all", kept)
	}
	begin.Abandon()
	live.Begin().Set(map[string]LiveCustomer{"last": {Product: "free"}}, 0, now)
	if kept := len(live.customers); kept > live.most || kept < live.most/2 {
		t.Fatalf("%d customers are kept, want about %d", kept, live.most)
	}
}
