package invoice

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
)

// terms are what the oracle knows of a catalog: credits per token by model, and what its products sell.
type terms struct {
	catalog *schemas.Catalog
	prices  map[string]string
	sold    map[string]sold
}

// sold is what a product includes, how often, how much of it is carried over for two periods, and what a credit beyond
// costs; empty where none is sold.
type sold struct {
	included, rollover int64
	every              schemas.Interval
	overCost           string
}

// edits are catalogs that differ in a price, an allowance, a price of overage, what is carried over, when credits
// renew, when billing or a day begins, or the feature of a model.
func edits(t *testing.T) []terms {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "catalogs", "seed.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	base := strings.NewReplacer("included: 10000", "included: 100", "included: 500", "included: 40",
		"rollover: {max: 0, periods: 0}", "rollover: {max: 30, periods: 2}").Replace(string(text)) + `
  - id: max
    name: Max
    price: {amount: "200.00", every: month, stripe_price: price_max}
    credits: {system: ai-credits, included: 300, every: month, overage: {per_credit: "0.007"}}
`
	of := func(change func(is *terms)) terms {
		is := terms{
			prices: map[string]string{"medium-model": "1", "small-model": "0.1"},
			sold: map[string]sold{
				"free": {40, 0, schemas.IntervalMonth, ""}, "pro": {100, 30, schemas.IntervalMonth, "0.01"},
				"max": {300, 0, schemas.IntervalMonth, "0.007"},
			},
		}
		change(&is)
		return is
	}
	pro := func(pro sold) func(*terms) { return func(is *terms) { is.sold["pro"] = pro } }
	var all []terms
	for _, edit := range []struct {
		old, with string
		is        terms
	}{
		{"", "", of(func(*terms) {})},
		{
			"medium-model-tokens: 1", "medium-model-tokens: 1.5",
			of(func(is *terms) { is.prices["medium-model"] = "1.5" }),
		},
		{"included: 100\n", "included: 60\n", of(pro(sold{60, 30, schemas.IntervalMonth, "0.01"}))},
		{`per_credit: "0.01"`, `per_credit: "0.023"`, of(pro(sold{100, 30, schemas.IntervalMonth, "0.023"}))},
		{`per_credit: "0.01"`, `per_credit: "0.01", charge_every: "0.30"`, of(func(*terms) {})},
		{"max: 30", "max: 70", of(pro(sold{100, 70, schemas.IntervalMonth, "0.01"}))},
		{
			"included: 100\n      every: month", "included: 100\n      every: week",
			of(pro(sold{100, 30, schemas.IntervalWeek, "0.01"})),
		},
		{"timezone: UTC", "timezone: America/New_York", of(func(*terms) {})},
		{"billing_from: 2026-10-01", "billing_from: 2026-11-15", of(func(*terms) {})},
		{"models: [small-model]", "models: [tiny-model]", of(func(is *terms) { delete(is.prices, "small-model") })},
		{
			"models: [small-model]}\n  - {id: medium-model-tokens, models: [medium-model]}",
			"models: [medium-model]}\n  - {id: medium-model-tokens, models: [small-model]}",
			of(func(is *terms) { is.prices = map[string]string{"medium-model": "0.1", "small-model": "1"} }),
		},
	} {
		if !strings.Contains(base, edit.old) {
			t.Fatalf("the catalog has no %q", edit.old)
		}
		catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(strings.Replace(base, edit.old, edit.with, 1)))
		if catalog == nil {
			t.Fatal(problems)
		}
		edit.is.catalog = catalog
		all = append(all, edit.is)
	}
	return all
}

// pastPeriod is a period of the oracle: what it is billed by, and the grants that were known when it was closed; nil
// while it is open.
type pastPeriod struct {
	schemas.Period
	product string
	anchor  *time.Time
	by      terms
	granted map[string]bool
}

// pot is what the oracle takes credits from, rollover in so many periods more.
type pot struct {
	grant, rollover bool
	priority        uint32
	since, until    time.Time
	periods         int
	left            decimal.Decimal
}

// dues are what each of the periods, which follow each other, comes to: every event takes its price from the pot that
// burns first.
func dues(periods []pastPeriod, used []tokensAt, grants []subscription.Grant) []int64 {
	var comes []int64
	var pots []*pot
	coming := effective(periods, grants)
	used = slices.Clone(used)
	slices.SortStableFunc(used, func(a, b tokensAt) int { return a.at.Compare(b.at) })
	for i, period := range periods {
		if i > 0 {
			pots = carried(pots, periods[i-1], period)
		}
		pots = append(pots, &pot{
			priority: 50, since: period.Start, until: period.End,
			left: decimal.NewFromInt(period.by.sold[period.product].included),
		})
		debt := decimal.Zero
		for len(used) > 0 && used[0].at.Before(period.End) || len(coming) > 0 && coming[0].since.Before(period.End) {
			if len(coming) > 0 && (len(used) == 0 || !coming[0].since.After(used[0].at)) {
				pots = append(pots, coming[0])
				debt = take(pots, coming[0].since, debt)
				coming = coming[1:]
				continue
			}
			if price := period.by.prices[used[0].model]; price != "" {
				cost := decimal.RequireFromString(price).Mul(decimal.NewFromUint64(used[0].tokens))
				debt = take(pots, used[0].at, debt.Add(cost))
			}
			used = used[1:]
		}
		comes = append(comes, period.due(debt))
	}
	return comes
}

// due is what so many credits beyond come to: whole ones are billed, and half a cent is rounded up.
func (p pastPeriod) due(over decimal.Decimal) int64 {
	cost := p.by.sold[p.product].overCost
	if cost == "" || p.Start.Before(*p.by.catalog.BillingFrom) {
		return 0
	}
	return over.Ceil().Mul(decimal.RequireFromString(cost)).Shift(2).Round(0).IntPart()
}

// effective are the grants by the time from which they count: a closed period does not have those that were not known
// when it was closed.
func effective(periods []pastPeriod, grants []subscription.Grant) []*pot {
	var pots []*pot
	for _, grant := range grants {
		since := grant.StartsAt
		for _, period := range periods {
			if period.granted != nil && !period.granted[grant.ID] && since.Before(period.End) {
				since = period.End
			}
		}
		if grant.ExpiresAt.IsZero() || since.Before(grant.ExpiresAt) {
			pots = append(pots, &pot{
				grant: true, priority: grant.Priority, since: since, until: grant.ExpiresAt, left: grant.Credits,
			})
		}
	}
	slices.SortStableFunc(pots, func(a, b *pot) int { return a.since.Compare(b.since) })
	return pots
}

// carried is what is left for the next period.
func carried(pots []*pot, last, next pastPeriod) []*pot {
	var kept []*pot
	rollover := last.by.sold[last.product].rollover
	for _, p := range pots {
		switch {
		case p.grant:
			kept = append(kept, p)
		case last.product != next.product:
		case p.rollover && p.periods > 1:
			p.periods--
			kept = append(kept, p)
		case !p.rollover && rollover > 0:
			p.rollover, p.priority, p.periods, p.until = true, 10, 2, next.Start
			for range p.periods {
				p.until = next.by.sold[next.product].every.PeriodAt(p.until, next.anchor, next.by.catalog.Timezone).End
			}
			kept = append(kept, p)
		}
	}
	if rollover > 0 {
		most := decimal.NewFromInt(rollover)
		slices.SortStableFunc(kept, func(a, b *pot) int { return b.since.Compare(a.since) })
		for _, p := range kept { // what is too much is taken from the oldest
			if p.rollover {
				p.left = decimal.Min(p.left, most)
				most = most.Sub(p.left)
			}
		}
	}
	return kept
}

// take pays a debt from the pots that can be used at an instant, and returns what is left of it.
func take(pots []*pot, at time.Time, debt decimal.Decimal) decimal.Decimal {
	never := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	usable := slices.DeleteFunc(slices.Clone(pots), func(p *pot) bool {
		return p.grant && !p.until.IsZero() && !at.Before(p.until)
	})
	until := func(p *pot) time.Time {
		if p.until.IsZero() {
			return never
		}
		return p.until
	}
	slices.SortStableFunc(usable, func(a, b *pot) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), until(a).Compare(until(b)), a.since.Compare(b.since))
	})
	for _, p := range usable {
		paid := decimal.Min(p.left, debt)
		p.left, debt = p.left.Sub(paid), debt.Sub(paid)
	}
	return debt
}

func countKind(charges []plan.FrozenCharge, kind string) (count int) {
	for _, charge := range charges {
		if charge.Kind == kind {
			count++
		}
	}
	return count
}
