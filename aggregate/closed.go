package aggregate

import (
	"context"
	"maps"
	"slices"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// closedByCustomer groups the stretches that are known, in order of time.
func closedByCustomer(known []subscription.Closed) map[string][]*subscription.Closed {
	grouped := map[string][]*subscription.Closed{}
	for i := range known {
		grouped[known[i].CustomerID] = append(grouped[known[i].CustomerID], &known[i])
	}
	for _, own := range grouped {
		slices.SortFunc(own, func(a, b *subscription.Closed) int { return a.Start.Compare(b.Start) })
	}
	return grouped
}

// afterClosed lets grants that were not known when time was billed begin where that ends: a closed period does not
// change by them. One that has expired by then is of no use.
func afterClosed(grants []subscription.Grant, closed map[string][]*subscription.Closed) []subscription.Grant {
	if len(closed) == 0 {
		return grants
	}
	result := make([]subscription.Grant, 0, len(grants))
	for _, grant := range grants {
		for _, c := range closed[grant.CustomerID] {
			if !c.Again() && grant.StartsAt.Before(c.End) && !slices.Contains(c.Grants, grant.ID) {
				grant.StartsAt = c.End
			}
		}
		if grant.ExpiresAt.IsZero() || grant.StartsAt.Before(grant.ExpiresAt) {
			result = append(result, grant)
		}
	}
	slices.SortStableFunc(result, func(a, b subscription.Grant) int { return a.StartsAt.Compare(b.StartsAt) })
	return result
}

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
