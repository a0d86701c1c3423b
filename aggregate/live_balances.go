package aggregate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// liveLasts is for how long balances hold at most: so far ahead what begins and ends is laid out.
const liveLasts = 24 * time.Hour

// LiveBalances are what a Live answers from, as of query.AsOf: those of query.Customers, or for nil of everybody who is
// known.
func (a *Aggregator) LiveBalances(ctx context.Context, query Query) (map[string]LiveCustomer, error) {
	query.AsOf = query.AsOf.UTC()
	query.Settled = func(*PeriodBalance) bool { return true }
	known, err := a.known(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("compute live balances: %w", err)
	}
	query.Known = &known
	current, err := a.BalancesAt(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("compute live balances: %w", err)
	}
	ahead, err := a.eventsAhead(ctx, query)
	if err != nil {
		return nil, err
	}
	all := liveCustomers{query: query, all: map[string]LiveCustomer{}}
	for _, customer := range query.Customers {
		all.change(customer, func(*LiveCustomer) {})
	}
	for _, balance := range current.Balances {
		all.change(balance.CustomerID, func(c *LiveCustomer) {
			c.Balances, c.Product = append(c.Balances, balance), balance.Product
			c.From = schemas.Later(c.From, balance.Period.Start)
		})
		all.end(balance.CustomerID, balance.Period.End)
	}
	all.know(known)
	for customer, at := range ahead {
		all.end(customer, at)
	}
	for _, problem := range current.Problems {
		all.change(problem.CustomerID, func(c *LiveCustomer) {
			c.Problem = errors.Join(c.Problem, problemsOf([]Problem{problem}))
		})
	}
	if query.Customers == nil { // of whom a replay finds nothing when it is not asked for them, nothing is known
		maps.DeleteFunc(all.all, func(_ string, c LiveCustomer) bool { return len(c.Balances) == 0 && c.Problem == nil })
	}
	return all.all, nil
}

// eventsAhead are customers with events at or after the query's instant, and when their first one is.
func (a *Aggregator) eventsAhead(ctx context.Context, query Query) (map[string]time.Time, error) {
	type row struct {
		CustomerID string    `ch:"customer_id"`
		FirstAt    time.Time `ch:"first_at"`
	}
	params := subscription.Only(query.Customers)
	params["as_of"] = query.AsOf
	rows, err := warehouse.Select[row](ctx, a.warehouse, "aggregate/events_ahead.sql", params)
	if err != nil {
		return nil, fmt.Errorf("look for events ahead of the clock: %w", err)
	}
	ahead := make(map[string]time.Time, len(rows))
	for _, r := range rows {
		ahead[r.CustomerID] = r.FirstAt.UTC()
	}
	return ahead, nil
}

// liveCustomers are being put together.
type liveCustomers struct {
	query Query
	all   map[string]LiveCustomer
}

// change changes a customer, who is there then.
func (l liveCustomers) change(customer string, do func(*LiveCustomer)) {
	c, ok := l.all[customer]
	if !ok {
		c = LiveCustomer{
			Product: l.query.Catalog.DefaultProduct().ID, AsOf: l.query.AsOf, To: l.query.AsOf.Add(liveLasts),
		}
	}
	do(&c)
	l.all[customer] = c
}

// instant notes that credits come or go at an instant: usage on both sides of it does not just add up.
func (l liveCustomers) instant(customer string, at time.Time) {
	if at.IsZero() {
		return
	}
	if at.After(l.query.AsOf) {
		l.end(customer, at)
		return
	}
	l.change(customer, func(c *LiveCustomer) { c.From = schemas.Later(c.From, at) })
}

// end notes that balances hold until an instant; zero: forever.
func (l liveCustomers) end(customer string, at time.Time) {
	if !at.IsZero() {
		l.change(customer, func(c *LiveCustomer) { c.To = schemas.Earlier(c.To, at) })
	}
}

// know notes what subscriptions, grants and closed time change, and when.
func (l liveCustomers) know(known Known) {
	products, addOns := subscription.Apart(known.Subscriptions, l.query.Catalog)
	for _, s := range products {
		for _, at := range []time.Time{s.StartsAt, s.EndsAt, s.TrialFrom, s.TrialTo} {
			l.instant(s.CustomerID, at)
		}
		if s.Holds(l.query.AsOf) {
			l.change(s.CustomerID, func(c *LiveCustomer) {
				c.PastDue = s.PastDue
				if len(c.Balances) == 0 {
					c.Product = s.Product
				}
			})
		}
	}
	for _, closed := range known.Closed {
		l.instant(closed.CustomerID, closed.End)
	}
	given := subscription.Given(known.Grants, addOns, l.query.Catalog, l.query.AsOf.Add(liveLasts))
	for _, grant := range given {
		for _, at := range []time.Time{grant.StartsAt, grant.ExpiresAt, grant.RevokedAt} {
			l.instant(grant.CustomerID, at)
		}
	}
}
