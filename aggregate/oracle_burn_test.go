package aggregate

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/aggregate/usagetest"
	"github.com/creditmill/creditmill/schemas"
)

// pot is what the oracle takes credits from. It can be used in [since, until), rollover in so many periods more.
type pot struct {
	kind         origin
	priority     uint32
	since, until time.Time
	revoked      time.Time // a grant's end that nobody knew of before
	periods      int
	left         decimal.Decimal
}

// walk is one customer followed event by event.
type walk struct {
	world    world
	customer string
	pots     []*pot
	row      PeriodBalance
	debt     decimal.Decimal // used in the period and not covered
	taken    decimal.Decimal
}

// balances adds up every single event at its own price, and takes it from the pot that burns first.
func (w world) balances(asOf time.Time) []PeriodBalance {
	happened := map[string][]usagetest.Event{}
	since := map[string]time.Time{}
	exists := func(customer string, at time.Time) {
		if known, ok := since[customer]; !ok || at.Before(known) {
			since[customer] = at
		}
	}
	for i, load := range w.loads {
		for _, e := range load {
			if w.counts(uint64(i+1), e, asOf) {
				happened[e.Customer] = append(happened[e.Customer], e)
				exists(e.Customer, e.At)
			}
		}
	}
	for _, s := range w.subscriptions {
		exists(s.CustomerID, s.StartsAt)
	}
	for _, g := range w.grants {
		if g.RevokedAt.IsZero() || g.StartsAt.Before(g.RevokedAt) {
			exists(g.CustomerID, g.StartsAt)
		}
	}
	var list []PeriodBalance
	for customer, at := range since {
		events := happened[customer]
		slices.SortStableFunc(events, func(a, b usagetest.Event) int { return a.At.Compare(b.At) })
		if at.After(asOf) {
			at = asOf // it is shown with its allowance all the same
		}
		list = append(list, w.walk(customer, at, asOf, events)...)
	}
	slices.SortFunc(list, func(a, b PeriodBalance) int {
		return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), a.Period.Start.Compare(b.Period.Start))
	})
	return list
}

func (w world) walk(customer string, at, asOf time.Time, events []usagetest.Event) []PeriodBalance {
	c := walk{world: w, customer: customer}
	var rows []PeriodBalance
	var grants []subscription.Grant
	for _, g := range w.grants {
		if g.CustomerID == customer {
			grants = append(grants, w.given(g, asOf)...)
		}
	}
	slices.SortStableFunc(grants, func(a, b subscription.Grant) int { return a.StartsAt.Compare(b.StartsAt) })
	for {
		c.open(at)
		end := c.row.Period.End
		until := func(t time.Time) bool { return t.Before(end) && !t.After(asOf) }
		for len(events) > 0 && until(events[0].At) || len(grants) > 0 && until(grants[0].StartsAt) {
			if len(grants) > 0 && (len(events) == 0 || !grants[0].StartsAt.After(events[0].At)) {
				g := grants[0]
				c.pots = append(c.pots, &pot{ofGrant, g.Priority, g.StartsAt, g.ExpiresAt, g.RevokedAt, 0, g.Credits})
				c.take(g.StartsAt, decimal.Zero)
				grants = grants[1:]
				continue
			}
			credits, unrated := w.price(events[0])
			c.row.Used = c.row.Used.Add(credits)
			if unrated {
				c.row.UnratedEvents++
			}
			c.take(events[0].At, credits)
			events = events[1:]
		}
		open := c.row.Period.Contains(asOf)
		last := end.Add(-1)
		if open {
			last = asOf
		}
		if row := c.close(last); open || !row.Used.IsZero() || row.UnratedEvents > 0 {
			rows = append(rows, row)
		}
		if open {
			return rows
		}
		at = end
	}
}

// given walks from one time that a grant is given at to the next, each reckoned from the first by the calendar.
func (w world) given(g subscription.Grant, asOf time.Time) (all []subscription.Grant) {
	loc := w.catalog.Timezone
	for n := 0; ; n++ {
		one, anchor := g, g.StartsAt
		if g.Every != "" {
			one.StartsAt = g.Every.Start(&anchor, loc, n)
			if !g.Keeps {
				one.ExpiresAt = g.Every.Start(&anchor, loc, n+1)
			}
		}
		if n > 0 && (g.Every == "" || one.StartsAt.After(asOf) || !g.Until.IsZero() && !one.StartsAt.Before(g.Until)) {
			return all
		}
		if g.RevokedAt.IsZero() || one.StartsAt.Before(g.RevokedAt) {
			all = append(all, one)
		}
	}
}

// open begins the period that holds an instant.
func (c *walk) open(at time.Time) {
	product, period := c.world.periodOf(usagetest.Event{Customer: c.customer, At: at})
	terms := c.world.terms(c.customer, product, period.Start)
	before := c.row
	c.row = PeriodBalance{
		CustomerID: c.customer, Product: product.ID, Period: period, CreditSystem: "credits", Terms: terms,
	}
	c.debt, c.taken = decimal.Zero, decimal.Zero
	var kept []*pot
	for _, p := range c.pots {
		switch {
		case p.kind == ofGrant:
			kept = append(kept, p)
		case before.Product != product.ID:
		case p.kind == ofRollover && p.periods > 1:
			p.periods--
			kept = append(kept, p)
		case p.kind == ofAllowance && before.Terms.Credits.Rollover.Periods > 0:
			p.kind, p.priority, p.periods = ofRollover, 10, before.Terms.Credits.Rollover.Periods
			p.until = c.nominalEnd(period.Start, terms, p.periods)
			kept = append(kept, p)
		}
	}
	c.pots = append(kept, &pot{ofAllowance, 50, period.Start, period.End, time.Time{}, 0, terms.Credits.Included})
	c.trim(before.Terms)
}

// trim leaves no more rollover than the terms allow: what is too much is taken from the oldest.
func (c *walk) trim(terms schemas.ProductVersion) {
	if terms.Credits == nil || terms.Credits.Rollover.Periods == 0 {
		return
	}
	sum := decimal.Zero
	for _, p := range slices.Backward(c.pots) {
		if p.kind == ofRollover {
			p.left = decimal.Min(p.left, terms.Credits.Rollover.Max.Sub(sum))
			sum = sum.Add(p.left)
		}
	}
}

// nominalEnd is the end of the nth period from at on, by the anchor of the subscription in force.
func (c *walk) nominalEnd(at time.Time, terms schemas.ProductVersion, n int) time.Time {
	var anchor *time.Time
	for _, s := range c.world.subscriptions {
		if s.CustomerID == c.customer && s.Holds(at) {
			anchor = &s.Anchor
		}
	}
	for range n {
		at = terms.Credits.Every.PeriodAt(at, anchor, c.world.catalog.Timezone).End
	}
	return at
}

// take pays the debt and so many credits more from the pots that can be used at an instant.
func (c *walk) take(at time.Time, credits decimal.Decimal) {
	c.debt = c.debt.Add(credits)
	for c.debt.IsPositive() {
		var first *pot
		for _, p := range c.pots {
			if p.usable(at) && p.left.IsPositive() && (first == nil || p.before(first)) {
				first = p
			}
		}
		if first == nil {
			return
		}
		paid := decimal.Min(first.left, c.debt)
		first.left, c.debt, c.taken = first.left.Sub(paid), c.debt.Sub(paid), c.taken.Add(paid)
	}
}

func (p *pot) usable(at time.Time) bool {
	return p.kind != ofGrant || !at.Before(p.since) && (p.until.IsZero() || at.Before(p.until)) &&
		(p.revoked.IsZero() || at.Before(p.revoked))
}

func (p *pot) before(other *pot) bool {
	switch {
	case p.priority != other.priority:
		return p.priority < other.priority
	case p.until.Equal(other.until):
		return p.since.Before(other.since)
	default:
		return other.until.IsZero() || !p.until.IsZero() && p.until.Before(other.until)
	}
}

// close reads the period's figures at its last instant.
func (c *walk) close(last time.Time) PeriodBalance {
	row := c.row
	row.Granted = c.taken
	for _, p := range c.pots {
		if p.usable(last) {
			row.Granted = row.Granted.Add(p.left)
		}
	}
	row.Balance = row.Granted.Sub(row.Used)
	if overage := row.Terms.Credits.Overage; overage != nil {
		row.Billable = c.debt
		if overage.Limit.IsPositive() {
			row.Billable = decimal.Min(c.debt, overage.Limit)
		}
	}
	row.Capped = c.debt.Sub(row.Billable)
	return row
}
