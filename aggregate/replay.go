package aggregate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// Replay computes balances as of query.AsOf from zero. The result is sorted by customer, credit system and start of
// the period; it holds the periods with usage and the one that goes on at AsOf, of every customer that has usage before
// AsOf or was imported or attached, and of those that query.Customers names.
//
// Replay only reads: loads that are not rolled up are read from their raw events.
func (a *Aggregator) Replay(ctx context.Context, query Query) ([]PeriodBalance, error) {
	result, err := a.replay(ctx, query)
	if err != nil {
		return nil, err
	}
	return result.balances, nil
}

// replayed is all that a replay finds out.
type replayed struct {
	balances  []PeriodBalance
	unrated   []unratedSpend
	loads     int
	customers int
	models    []modelUse
}

// unratedSpend is usage of a customer in a period that no credit system prices.
type unratedSpend struct {
	customer    string
	periodStart time.Time
	spend       sliceSpend
}

func (r replayed) unratedEvents() uint64 {
	var events uint64
	for _, unrated := range r.unrated {
		events += unrated.spend.Unrated
	}
	return events
}

// timelines holds the periods of every customer: those with subscriptions or overrides have their own, the others share
// one.
type timelines struct {
	shared     []span
	own        map[string][]span
	subscribed []string // customers with subscriptions
}

func (t timelines) of(customer string) []span {
	if own, ok := t.own[customer]; ok {
		return own
	}
	return t.shared
}

func (a *Aggregator) replay(ctx context.Context, query Query) (replayed, error) {
	query.AsOf = query.AsOf.UTC()
	loads, err := a.loadsOf(ctx, query)
	if err != nil {
		return replayed{}, err
	}
	subscriptions, _, err := readSubscriptions(ctx, a.warehouse, query.Customers)
	if err != nil {
		return replayed{}, err
	}
	stored, err := readCustomers(ctx, a.warehouse, query.Customers)
	if err != nil {
		return replayed{}, err
	}
	first := query.AsOf
	for _, load := range loads {
		if load.Events > 0 {
			first = earlier(first, load.OccurredFrom)
		}
	}
	layout, err := layOut(byCustomer(subscriptions), query, first.UTC())
	if err != nil {
		return replayed{}, err
	}
	r := rating{query: query, loads: loads, book: newPriceBook(query.Catalog)}
	r.cutSlices(layout)
	spend, models, err := a.rate(ctx, r)
	if err != nil {
		return replayed{}, err
	}
	customers := map[string]bool{}
	for customer := range spend {
		customers[customer] = true
	}
	for _, customer := range stored {
		customers[customer.CustomerID] = true
	}
	for _, customer := range slices.Concat(layout.subscribed, query.Customers) {
		customers[customer] = true
	}
	result := replayed{loads: len(loads), customers: len(customers), models: models}
	for _, customer := range slices.Sorted(maps.Keys(customers)) {
		if err := result.add(customer, layout.of(customer), r, spend[customer]); err != nil {
			return replayed{}, err
		}
	}
	slices.SortStableFunc(result.balances, func(x, y PeriodBalance) int {
		return cmp.Or(cmp.Compare(x.CustomerID, y.CustomerID), cmp.Compare(x.CreditSystem, y.CreditSystem),
			x.Period.Start.Compare(y.Period.Start))
	})
	return result, nil
}

// loadsOf are the loads to compute with: those that count now, where the query does not name others.
func (a *Aggregator) loadsOf(ctx context.Context, query Query) ([]loadState, error) {
	if query.loads != nil {
		return query.loads, nil
	}
	return a.countedLoads(ctx, query.Catalog.Timezone)
}

// layOut lays out the periods from first on of the customers that the query asks for.
func layOut(held map[string][]Subscription, query Query, first time.Time) (timelines, error) {
	layout := timelines{own: make(map[string][]span, len(held))}
	loc := query.Catalog.Timezone
	standard, err := segments(nil, query.Catalog)
	if err != nil {
		return timelines{}, err
	}
	layout.shared = spans(standard, first, query.AsOf, loc)
	for customer, own := range held {
		laidOut, err := segments(own, query.Catalog)
		if err != nil {
			return timelines{}, err
		}
		layout.subscribed = append(layout.subscribed, customer)
		layout.own[customer] = spans(laidOut, first, query.AsOf, loc)
	}
	for _, customer := range query.Catalog.OverriddenCustomers() {
		_, done := layout.own[customer]
		if done || query.Customers != nil && !slices.Contains(query.Customers, customer) {
			continue
		}
		own := slices.Clone(standard)
		for i := range own {
			own[i].customer = customer
		}
		layout.own[customer] = spans(own, first, query.AsOf, loc)
	}
	return layout, nil
}

// cutSlices divides the spans of all timelines at price changes and ends them at as of.
func (r *rating) cutSlices(layout timelines) {
	known := newCuts(r.query.Catalog.Timezone)
	end := known.at(r.query.AsOf)
	if !r.cutsLoads(r.query.AsOf) {
		end.End = dayOf(r.query.AsOf, r.query.Catalog.Timezone) + 1 // nothing is at or after it: no day is split by it
		end.First = end.End
	}
	r.sliceTimeline("", layout.shared, known, end)
	for _, customer := range slices.Sorted(maps.Keys(layout.own)) {
		r.sliceTimeline(customer, layout.own[customer], known, end)
	}
}

func (r *rating) sliceTimeline(timeline string, spans []span, known *cuts, end cut) {
	for number, s := range spans {
		for at := s.Start; at.Before(end.At) && (s.End.IsZero() || at.Before(s.End)); {
			epoch := r.book.epochAt(timeline, at)
			next := end.At
			if !s.End.IsZero() {
				next = earlier(next, s.End)
			}
			if change, ok := r.book.nextChange(epoch); ok {
				next = earlier(next, change)
			}
			to := end
			if next.Before(end.At) {
				to = known.at(next)
			}
			r.slices = append(r.slices, slice{
				timeline: timeline, span: number, from: known.at(at), to: to, epoch: epoch, system: s.creditSystem(),
			})
			at = next
		}
	}
}

// add settles a customer's periods in order of time.
func (r *replayed) add(customer string, spans []span, from rating, spend []sliceSpend) error {
	used := make(map[int][]sliceSpend, len(spans))
	for _, row := range spend {
		number := from.slices[row.Slice].span
		used[number] = append(used[number], row)
		if row.Unrated > 0 {
			r.unrated = append(r.unrated, unratedSpend{
				customer: customer, periodStart: spans[number].Start, spend: row,
			})
		}
	}
	for number, s := range spans {
		if !from.query.wants(s.Period, len(used[number]) > 0) {
			continue
		}
		balances, err := burnDown(customer, s, used[number])
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		r.balances = append(r.balances, balances...)
	}
	return nil
}

// wants tells whether a period belongs to the answer.
func (q Query) wants(period schemas.Period, used bool) bool {
	ended := !period.End.IsZero() && !period.End.After(q.AsOf)
	switch {
	case ended && !used, !ended && q.EndedOnly:
		return false
	case ended && !q.From.IsZero() && !period.End.After(q.From):
		return false
	}
	return true
}
