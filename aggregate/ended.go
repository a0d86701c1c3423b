package aggregate

import (
	"context"
	"maps"
	"slices"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// Ended lays out the periods that have ended at query.AsOf and are not closed, each as it closes when it is billed, of
// the customers with subscriptions, grants, prices of their own or closed time, and of those named; sorted by customer.
// A customer's time begins with its first usage, subscription or grant.
func (a *Aggregator) Ended(ctx context.Context, query Query, named []string) ([]subscription.Closed, error) {
	query.AsOf = query.AsOf.UTC()
	known, err := a.known(ctx, query)
	if err != nil {
		return nil, err
	}
	loads, err := a.loadsOf(ctx, query)
	if err != nil {
		return nil, err
	}
	starts, err := a.starts(ctx, query, loads, true)
	if err != nil {
		return nil, err
	}
	for _, s := range known.Subscriptions {
		starts.exists(s.CustomerID, s.StartsAt)
	}
	for _, grant := range known.Grants {
		starts.exists(grant.CustomerID, grant.StartsAt)
	}
	for _, c := range known.Closed {
		starts.exists(c.CustomerID, c.Start)
	}
	layout, err := layOut(query, known, starts)
	if err != nil {
		return nil, err
	}
	customers := slices.Concat(slices.Collect(maps.Keys(layout.own)), named)
	slices.Sort(customers)
	var ended []subscription.Closed
	for _, customer := range slices.Compact(customers) {
		if layout.broken[customer] != "" {
			continue
		}
		since := starts.of(customer)
		for _, s := range layout.of(customer) {
			over := !s.End.IsZero() && !s.End.After(query.AsOf) && s.End.After(since)
			if over && (s.Closed == nil || s.Closed.Again()) {
				ended = append(ended, s.Close(customer, query.Catalog, layout.grants[customer]))
			}
		}
	}
	return ended, nil
}
