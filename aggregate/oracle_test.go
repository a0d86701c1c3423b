package aggregate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/aggregate/usagetest"
	"github.com/creditmill/creditmill/schemas"
)

// world is a warehouse's content as the oracle knows it.
type world struct {
	catalog       *schemas.Catalog
	rolledBy      *schemas.Catalog    // the catalog of an earlier rollup
	loads         [][]usagetest.Event // load number - 1
	withdrawn     map[uint64]bool
	subscriptions []subscription.Subscription
	grants        []subscription.Grant
}

// counts tells by the plain rule whether an event of a load counts.
func (w world) counts(load uint64, e usagetest.Event, asOf time.Time) bool {
	committed := func(seq uint64) bool { return !w.withdrawn[seq] }
	return committed(load) && !slices.ContainsFunc(slices.Concat(e.SupersededBy, e.ReplacedBy), committed) &&
		e.At.Before(asOf)
}

// periodOf finds an event's product and period by looking at its own time alone.
func (w world) periodOf(e usagetest.Event) (schemas.Product, schemas.Period) {
	gap := schemas.Period{}
	for _, s := range w.subscriptions {
		if s.CustomerID != e.Customer {
			continue
		}
		switch {
		case s.Holds(e.At):
			product, _ := w.catalog.Product(s.Product)
			period := product.Versions[0].Credits.Every.PeriodAt(e.At, &s.Anchor, w.catalog.Timezone)
			return product, clip(period, schemas.Period{Start: s.StartsAt, End: s.EndsAt})
		case s.StartsAt.After(e.At):
			if gap.End.IsZero() || s.StartsAt.Before(gap.End) {
				gap.End = s.StartsAt
			}
		case s.EndsAt.After(gap.Start):
			gap.Start = s.EndsAt
		}
	}
	product := w.catalog.DefaultProduct()
	return product, clip(product.Versions[0].Credits.Every.PeriodAt(e.At, nil, w.catalog.Timezone), gap)
}

func clip(period, within schemas.Period) schemas.Period {
	if period.Start.Before(within.Start) {
		period.Start = within.Start
	}
	if !within.End.IsZero() && within.End.Before(period.End) {
		period.End = within.End
	}
	return period
}

// overrides are a customer's at one instant.
func (w world) overrides(customer string, at time.Time) []schemas.Override {
	return slices.DeleteFunc(slices.Clone(w.catalog.Overrides), func(o schemas.Override) bool {
		return o.CustomerID != customer || at.Before(o.Effective) || !o.Until.IsZero() && !at.Before(o.Until)
	})
}

// terms are a product's, with the two things changed that the overrides of oracleCatalog change.
func (w world) terms(customer string, product schemas.Product, at time.Time) schemas.ProductVersion {
	terms := product.At(at)
	for _, o := range w.overrides(customer, at) {
		if o.Product == product.ID {
			credits, overage := *terms.Credits, *terms.Credits.Overage
			credits.Included, overage.Limit = o.Included.Decimal, o.Limit.Decimal
			credits.Overage, terms.Credits = &overage, &credits
		}
	}
	return terms
}

// price is what an event costs at its own time, unit by unit.
func (w world) price(e usagetest.Event) (credits decimal.Decimal, unrated bool) {
	feature, ok := w.catalog.Feature(e.Feature)
	if e.Feature == "" {
		feature, ok = w.catalog.FeatureOf(e.Model)
	}
	if !ok {
		return decimal.Zero, true
	}
	version, ok := w.catalog.CreditSystems[0].CostsAt(e.At)
	costs, priced := version.ByFeature[feature.ID]
	if !ok || !priced {
		return decimal.Zero, true
	}
	own, entries := maps.Clone(costs.ByUnit), costs.When
	for _, o := range w.overrides(e.Customer, e.At) {
		maps.Copy(own, o.ByFeature[feature.ID].ByUnit)
		entries = slices.Concat(o.ByFeature[feature.ID].When, entries)
	}
	credits, _ = costOf(e, "requests", own, entries)
	for _, amount := range e.Amounts() {
		cost, priced := costOf(e, amount.Unit, own, entries)
		if parent := map[string]string{"cache_write_1h": "cache_write", "input_audio": "input"}[amount.Unit]; !priced {
			cost, priced = costOf(e, parent, own, entries)
		}
		unrated = unrated || !priced
		credits = credits.Add(cost.Mul(amount.Quantity))
	}
	return credits, unrated
}

// costOf reads a list of `when` as a person does: from the top, for one event and one unit.
func costOf(
	e usagetest.Event, unit string, base map[string]decimal.Decimal, entries []schemas.CostEntry,
) (cost decimal.Decimal, priced bool) {
	tokens := slices.Contains(schemas.TokenUnits, unit)
	cost, priced = base[unit]
	found, factor := false, decimal.NewFromInt(1)
	for _, entry := range entries {
		if entry.Tokens != tokens || !meets(e, entry) {
			continue
		}
		if own, ok := entry.ByUnit[unit]; ok && !found {
			cost, priced, found = own, true, true
		}
		factor = factor.Mul(entry.Times)
	}
	return cost.Mul(factor), priced
}

func meets(e usagetest.Event, entry schemas.CostEntry) bool {
	for name, values := range entry.Dimensions {
		if !slices.Contains(values, e.Dimensions[name]) {
			return false
		}
	}
	for _, test := range entry.Tests {
		if test.Hours == (schemas.Hours{}) {
			context := decimal.Zero
			for _, unit := range []string{"input", "cached_input", "cache_write", "cache_write_1h", "input_audio"} {
				context = context.Add(e.Amounts().Of(unit))
			}
			if !context.GreaterThan(test.ContextOver) {
				return false
			}
			continue
		}
		loc, err := time.LoadLocation(test.Hours.Zone)
		if err != nil {
			panic(err)
		}
		clock := e.At.In(loc).Format("15:04")
		from := fmt.Sprintf("%02d:%02d", test.Hours.From/60, test.Hours.From%60)
		to := fmt.Sprintf("%02d:%02d", test.Hours.To/60, test.Hours.To%60)
		if within := from <= clock && clock < to; from < to && !within || from > to && clock < from && clock >= to {
			return false
		}
	}
	return true
}

// drawUsage makes the event count some units, of a model or of a feature.
func drawUsage(t *rapid.T, e *usagetest.Event) {
	for range 2 {
		e.Tokens[rapid.IntRange(0, 4).Draw(t, "pool")] = rapid.Uint64Range(0, 3000).Draw(t, "tokens")
	}
	e.Reversed = rapid.Bool().Draw(t, "reversed")
	e.Others = rapid.SampledFrom([]int{0, 0, 0, 1, 70}).Draw(t, "others")
	for _, name := range []string{"tier", "geo"} {
		value := rapid.SampledFrom([]string{"", "", "batch", "flex", "us", "eu", "a b?#&,=%"}).Draw(t, name)
		if value != "" {
			if e.Dimensions == nil {
				e.Dimensions = schemas.Dimensions{}
			}
			e.Dimensions[name] = value
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "more") > 0 {
		return
	}
	unit := rapid.SampledFrom([]string{"cache_write_1h", "input_audio", "searches", "pages"}).Draw(t, "unit")
	switch unit {
	case "searches", "pages":
		quantity := decimal.New(rapid.Int64Range(1, 1e12).Draw(t, "billionths"), -9)
		e.More.Add(unit, quantity)
	default:
		e.More.Add(unit, decimal.NewFromInt(rapid.Int64Range(1, 500).Draw(t, "more tokens")))
	}
	if feature := rapid.SampledFrom([]string{"", "images", "plain", "unknown"}).Draw(t, "feature"); feature != "" {
		e.Model, e.Feature = "", feature
		e.More.Add("quantity", decimal.New(rapid.Int64Range(1, 90).Draw(t, "quantity"), -1))
	}
}

var boundaries = []string{
	"2026-10-02T10:30:00Z", "2026-10-31T23:59:59.5Z", "2026-11-01T12:00:00Z", // prices
	"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", // the clock goes back in Europe
	"2026-11-01T04:00:00Z", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-02T05:00:00Z", // and in New York
	"2026-11-01T00:00:00Z", "2026-10-31T23:00:00Z", "2026-10-01T00:00:00Z", "2026-10-10T09:30:00Z",
}

func drawInstant(t *rapid.T) time.Time {
	at := instant(rapid.SampledFrom(boundaries).Draw(t, "boundary"))
	if rapid.Bool().Draw(t, "on it") {
		return at
	}
	if rapid.Bool().Draw(t, "close") {
		return at.Add(time.Duration(rapid.Int64Range(-2, 2).Draw(t, "ns")))
	}
	return at.Add(time.Duration(rapid.Int64Range(-5*86400, 5*86400).Draw(t, "seconds")) * time.Second)
}

func drawWorld(t *rapid.T, catalog *schemas.Catalog) world {
	w := world{catalog: catalog, rolledBy: catalog, withdrawn: map[uint64]bool{}}
	customers := []string{"a", "b", "c", "it's \\ odd"}
	loads := rapid.IntRange(1, 4).Draw(t, "loads")
	for seq := 1; seq <= loads; seq++ {
		var events []usagetest.Event
		for range rapid.IntRange(1, 12).Draw(t, "events") {
			e := usagetest.Event{
				At:       drawInstant(t),
				Customer: rapid.SampledFrom(customers).Draw(t, "customer"),
				Model: rapid.SampledFrom([]string{
					"plain", "plain-2", "pooled", "late", "mystery", "tiered", "tiered", "tiered",
				}).Draw(t, "model"),
			}
			drawUsage(t, &e)
			if rapid.IntRange(0, 4).Draw(t, "superseded") == 0 {
				e.SupersededBy = []uint64{rapid.Uint64Range(1, uint64(seq)).Draw(t, "by")}
			}
			for later := seq + 1; later <= loads; later++ {
				if rapid.IntRange(0, 3).Draw(t, "replaced") == 0 {
					e.ReplacedBy = append(e.ReplacedBy, uint64(later))
				}
			}
			events = append(events, e)
		}
		w.loads = append(w.loads, events)
		if rapid.IntRange(0, 3).Draw(t, "withdrawn") == 0 {
			w.withdrawn[uint64(seq)] = true
		}
	}
	for _, customer := range customers[:3] {
		from := drawInstant(t)
		for range rapid.IntRange(0, 2).Draw(t, "subscriptions") {
			s := subscription.Subscription{
				CustomerID: customer, Product: rapid.SampledFrom([]string{"pro", "capped"}).Draw(t, "product"),
				StartsAt: from, Anchor: from, Origin: subscription.OriginImport,
				EndsAt: from.Add(time.Duration(rapid.Int64Range(1, 40*86400).Draw(t, "long")) * time.Second),
			}
			if rapid.Bool().Draw(t, "anchored") {
				s.Anchor = instant("2026-01-31T17:45:00Z")
			}
			w.subscriptions = append(w.subscriptions, s)
			from = s.EndsAt.Add(time.Duration(rapid.Int64Range(0, 3*86400).Draw(t, "gap")) * time.Second)
		}
	}
	for range rapid.IntRange(0, 5).Draw(t, "grants") {
		w.grants = append(w.grants, drawGrant(t, rapid.SampledFrom(customers).Draw(t, "grantee"), len(w.grants)))
	}
	return w
}

func drawGrant(t *rapid.T, customer string, number int) subscription.Grant {
	grant := subscription.Grant{
		ID: fmt.Sprint("g", number), CustomerID: customer, CreditSystem: "credits", StartsAt: drawInstant(t),
		Credits:  decimal.New(rapid.Int64Range(1, 5_000_000).Draw(t, "millicredits"), -3),
		Priority: rapid.SampledFrom([]uint32{5, 10, 50, 100}).Draw(t, "priority"),
	}
	if rapid.Bool().Draw(t, "expires") {
		grant.ExpiresAt = drawInstant(t)
		if !grant.ExpiresAt.After(grant.StartsAt) {
			grant.ExpiresAt = grant.StartsAt.Add(time.Duration(rapid.Int64Range(1, 9*86400).Draw(t, "for")) * time.Second)
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "recurs") == 0 {
		grant.Every = rapid.SampledFrom([]schemas.Interval{"day", "week", "month"}).Draw(t, "every")
		grant.ExpiresAt, grant.Keeps = time.Time{}, rapid.Bool().Draw(t, "keeps")
		if rapid.Bool().Draw(t, "ends") {
			grant.Until = grant.StartsAt.AddDate(0, 0, rapid.IntRange(1, 60).Draw(t, "days"))
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "revoked") == 0 {
		grant.RevokedAt = drawInstant(t)
		grant.RevokeReason, grant.RevokedBy = "test", "anna"
	}
	return grant
}

// fill makes the store hold the world and nothing else. Loads up to rolled are rolled up.
func (s *store) fill(w world, rolled int) {
	s.T.Helper()
	ctx := context.Background()
	for _, table := range []string{
		"loads", "usage_events", "duplicate_events", "replaced_events", "usage_daily", "rollups", "usage_totals",
		"totals",
	} {
		s.must(s.Conn().Exec(ctx, "TRUNCATE TABLE "+table))
	}
	s.Loads = 0
	for i := range w.loads {
		s.loadNext(w)
		if i+1 == rolled {
			s.must(s.aggregator().RollUp(ctx, w.rolledBy))
		}
	}
	for seq := range w.withdrawn {
		s.Withdraw(seq)
	}
	s.knows(w)
}

// loadNext loads the world's next load, which takes the place of what it replaces in those before it.
func (s *store) loadNext(w world) {
	s.T.Helper()
	for earlier, events := range w.loads[:s.Loads] {
		s.Replaces(uint64(earlier+1), events...)
	}
	s.load(w.loads[s.Loads]...)
}

// TestAgainstOracle holds replays from raw events, from the rollup and from both mixed against adding up event by
// event.
func TestAgainstOracle(t *testing.T) {
	s := newStore(t)
	var catalogs []*schemas.Catalog
	older := map[*schemas.Catalog]*schemas.Catalog{} // with other tests
	for _, zone := range []string{"UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu"} {
		for _, every := range []string{"hour", "month"} {
			text := fmt.Sprintf(oracleCatalog, zone, every)
			catalogs = append(catalogs, mustCatalog(t, text))
			text = strings.ReplaceAll(text, "context_over: 1000", "context_over: 1001")
			text = strings.ReplaceAll(text, `"22:30"`, `"22:00"`)
			// and with tests of what has none any more
			text = strings.Replace(text, "late: 7\n", "late: {input: 7, output: 7, "+
				`when: [{context_over: 10, times: 2}, {between: ["10:00", "12:00"], input: 5}]}`+"\n", 1)
			text = strings.Replace(text, "{tier: flex, quantity: 30.5}",
				`{tier: flex, quantity: 30.5}, {between: ["03:00", "09:00"], times: 2}`, 1)
			older[catalogs[len(catalogs)-1]] = mustCatalog(t, text)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt, rapid.SampledFrom(catalogs).Draw(rt, "catalog"))
		asOf := drawInstant(rt)
		if rapid.Bool().Draw(rt, "rolled by an older catalog") {
			w.rolledBy = older[w.catalog]
		}
		s.fill(w, rapid.IntRange(0, len(w.loads)).Draw(rt, "rolled up"))
		want := figures(w.balances(asOf))
		query := Query{AsOf: asOf, Catalog: w.catalog}
		for _, path := range []string{"mixed", "rollup"} {
			balances, err := s.aggregator().Replay(context.Background(), query)
			if err != nil {
				rt.Fatal(err)
			}
			seen := slices.DeleteFunc(balances, func(b PeriodBalance) bool {
				return b.Used.IsZero() && b.UnratedEvents == 0 && !b.Period.Contains(asOf)
			})
			if got := figures(seen); got != want {
				rt.Fatalf("%s, as of %s:\n%s\nwant\n%s", path, asOf, got, want)
			}
			periods, told := []*PeriodBalance{}, 0
			for i := range seen {
				periods = append(periods, &seen[i])
			}
			err = s.aggregator().Daily(context.Background(), query, periods, func(period int, _ []DaySpend) error {
				if period != told {
					return fmt.Errorf("period %d comes after %d", period, told-1)
				}
				told++
				return nil
			})
			if err != nil || told != len(periods) {
				rt.Fatalf("%s, as of %s: %d of %d periods, %v", path, asOf, told, len(periods), err)
			}
			if err := s.aggregator().RollUp(context.Background(), w.catalog); err != nil {
				rt.Fatal(err)
			}
		}
	})
}
