package subscription

import (
	"maps"
	"slices"
	"strings"

	"github.com/creditmill/creditmill/schemas"
)

// Backdated are closed periods of a customer, in a row, in which subscriptions were changed. What was billed for them
// stays; the change counts from where they end.
type Backdated struct {
	CustomerID string
	Periods    []schemas.Period
	// Was and Is are the products that the customer had in them, and has now.
	Was, Is string
}

// Changed are the customers whose subscriptions differ, in order.
func Changed(before, after []Subscription) []string {
	was, is := ByCustomer(before), ByCustomer(after)
	customers := map[string]bool{}
	for _, one := range []map[string][]Subscription{was, is} {
		for customer := range one {
			if !slices.Equal(was[customer], is[customer]) {
				customers[customer] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(customers))
}

// InClosedTime finds the closed periods in which customers have another product than before, another trial or other
// seats. An anchor changes none of them: a closed period keeps its start and end. Periods that will be billed again
// take every change in.
func InClosedTime(
	before, after []Subscription, closed []Closed, catalog *schemas.Catalog,
) (found []Backdated, err error) {
	was, is := ByCustomer(before), ByCustomer(after)
	for i := range closed {
		c := &closed[i]
		if c.Again() || c.Unreadable != "" || slices.Equal(was[c.CustomerID], is[c.CustomerID]) {
			continue
		}
		periods, err := c.Periods()
		if err != nil {
			return nil, err
		}
		for _, period := range periods {
			then, now := held(was[c.CustomerID], period, catalog), held(is[c.CustomerID], period, catalog)
			if slices.Equal(then, now) {
				continue
			}
			next := Backdated{
				CustomerID: c.CustomerID, Periods: []schemas.Period{period}, Was: products(then), Is: products(now),
			}
			if last := len(found) - 1; last >= 0 && found[last].follows(next) {
				found[last].Periods = append(found[last].Periods, period)
				continue
			}
			found = append(found, next)
		}
	}
	return found, nil
}

func (b Backdated) follows(next Backdated) bool {
	return b.CustomerID == next.CustomerID && b.Was == next.Was && b.Is == next.Is &&
		b.Periods[len(b.Periods)-1].End.Equal(next.Periods[0].Start)
}

// holding is what a customer has for a part of a period.
type holding struct {
	product          string
	addOn            bool
	from, to         int64
	trial, trialEnds int64
	seats            uint64
}

// held is what a customer's subscriptions come to in a period.
func held(subscriptions []Subscription, period schemas.Period, catalog *schemas.Catalog) (all []holding) {
	for _, s := range subscriptions {
		whole := Subscription{StartsAt: period.Start, EndsAt: period.End}
		if !s.Overlaps(whole) {
			continue
		}
		from, to := schemas.Later(s.StartsAt, period.Start), s.EndsAt
		if to.IsZero() || to.After(period.End) {
			to = period.End
		}
		if !from.Before(to) {
			continue
		}
		one := holding{product: s.Product, from: from.UnixNano(), to: to.UnixNano(), seats: 1}
		if product, ok := catalog.Product(s.Product); ok {
			one.addOn = product.AddOn
			if product.PerSeat {
				one.seats = s.Seats.Most(from, to)
			}
		}
		if s.TrialFrom.Before(to) && s.TrialTo.After(from) {
			one.trial = schemas.Later(s.TrialFrom, from).UnixNano()
			one.trialEnds = schemas.Earlier(s.TrialTo, to).UnixNano()
		}
		all = append(all, one)
	}
	return all
}

// products names them in order of time, and the add-ons beside them; what a customer without one has goes without
// saying.
func products(all []holding) string {
	var names, addOns []string
	for _, one := range all {
		if one.addOn {
			addOns = append(addOns, " with "+one.product)
		} else {
			names = append(names, one.product)
		}
	}
	return strings.TrimSpace(strings.Join(slices.Compact(names), ", then ") + strings.Join(slices.Compact(addOns), ""))
}
