package aggregate

import (
	"cmp"
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

// afterClosed lets what was not known when time was billed begin where that ends, a grant as well as its end where it
// was taken back: a closed period does not change by them. A grant that has ended by then is of no use.
func afterClosed(grants []subscription.Grant, closed map[string][]*subscription.Closed) []subscription.Grant {
	grants = keepAddOns(grants, closed)
	result := make([]subscription.Grant, 0, len(grants))
	for _, grant := range grants {
		for _, c := range closed[grant.CustomerID] {
			if !c.Again() && grant.StartsAt.Before(c.End) {
				grant = grant.AfterClosed(c)
			}
		}
		if grant.Useful() {
			result = append(result, grant)
		}
	}
	slices.SortStableFunc(result, func(a, b subscription.Grant) int {
		return cmp.Or(a.StartsAt.Compare(b.StartsAt), cmp.Compare(a.ID, b.ID))
	})
	return result
}

// keepAddOns lets what add-ons gave in closed stretches be as it was when they were billed.
func keepAddOns(grants []subscription.Grant, closed map[string][]*subscription.Closed) []subscription.Grant {
	if len(closed) == 0 {
		return grants
	}
	own := map[string][]subscription.Grant{}
	var others []subscription.Grant
	for _, grant := range grants {
		if len(closed[grant.CustomerID]) > 0 {
			own[grant.CustomerID] = append(own[grant.CustomerID], grant)
		} else {
			others = append(others, grant)
		}
	}
	for customer, stretches := range closed {
		others = append(others, subscription.KeepAddOns(customer, own[customer], stretches)...)
	}
	return others
}
