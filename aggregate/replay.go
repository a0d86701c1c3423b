package aggregate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/schemas"
)

// Replay computes balances as of query.AsOf from zero. The result is sorted by customer, credit system and start of
// the period; it holds the periods with usage and the one that goes on at AsOf, of every customer that has usage before
// AsOf, was imported or attached or has grants, and of those that query.Customers names.
//
// Replay only reads: loads that are not rolled up are read from their raw events.
func (a *Aggregator) Replay(ctx context.Context, query Query) ([]PeriodBalance, error) {
	result, err := a.replayAll(ctx, query)
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

// timelines holds the periods of every customer: those with subscriptions, overrides or grants have their own, the
// others share one.
type timelines struct {
	shared []span
	own    map[string][]span
	since  map[string]time.Time // when customers with subscriptions or grants came to be
	grants map[string][]Grant   // in order of their start
}

func (t timelines) of(customer string) []span {
	if own, ok := t.own[customer]; ok {
		return own
	}
	return t.shared
}

// account opens a customer's account, as it is before the first period.
func (t timelines) account(customer string, asOf time.Time) *account {
	return newAccount(customer, t.since[customer], asOf, t.grants[customer])
}

// grantInstants are when a customer's grants start and expire, in order.
func (t timelines) grantInstants(customer string) []time.Time {
	var instants []time.Time
	for _, grant := range t.grants[customer] {
		instants = append(instants, grant.StartsAt)
		if !grant.ExpiresAt.IsZero() {
			instants = append(instants, grant.ExpiresAt)
		}
	}
	slices.SortFunc(instants, time.Time.Compare)
	return instants
}

// replayAll is a replay whose whole result is held in memory.
func (a *Aggregator) replayAll(ctx context.Context, query Query) (replayed, error) {
	var all replayed
	var parts [][]PeriodBalance // joined at the end: there may be very many
	result, err := a.replay(ctx, query, func(part replayed) error {
		parts = append(parts, part.balances)
		all.unrated = append(all.unrated, part.unrated...)
		return nil
	})
	all.balances = slices.Concat(parts...)
	all.loads, all.customers, all.models = result.loads, result.customers, result.models
	return all, err
}

// replay hands the customers' figures to take in small parts, in order of the customers; what it returns has none of
// them. They are settled side by side while usage is still being read. Whether all usage was rated is known only when
// it has returned.
func (a *Aggregator) replay(ctx context.Context, query Query, take func(part replayed) error) (replayed, error) {
	query.AsOf = query.AsOf.UTC()
	var r rating
	var layout timelines
	var stored []customerRow
	both, reading := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		r, layout, err = a.prepare(reading, query)
		return err
	})
	both.Go(func() (err error) {
		stored, err = readCustomers(reading, a.warehouse, query.Customers)
		return err
	})
	if err := both.Wait(); err != nil {
		return replayed{}, err
	}
	known := maybeIdle(query, layout, stored)
	result := replayed{loads: len(r.loads)}
	group, ctx := errgroup.WithContext(ctx)
	inOrder := make(chan *settlement, 2*runtime.GOMAXPROCS(0))
	group.Go(func() (err error) {
		defer close(inOrder)
		s := settler{from: r, layout: layout, idle: known, inOrder: inOrder}
		if result.models, err = a.rate(ctx, r, func(customer string, spend []sliceSpend) error {
			return s.add(ctx, customer, spend)
		}); err != nil {
			return err
		}
		return s.finish(ctx)
	})
	group.Go(func() error {
		for s := range inOrder {
			<-s.done
			if s.err != nil {
				return s.err
			}
			result.customers += s.result.customers
			if err := take(s.result); err != nil {
				return err
			}
		}
		return nil
	})
	err := group.Wait()
	return result, err
}

// maybeIdle lists customers that may be without usage, in order.
func maybeIdle(query Query, layout timelines, stored []customerRow) []string {
	known := slices.Concat(slices.Collect(maps.Keys(layout.since)), query.Customers)
	for _, customer := range stored {
		known = append(known, customer.CustomerID)
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// prepare finds out which loads count and lays the customers' time out in slices.
func (a *Aggregator) prepare(ctx context.Context, query Query) (rating, timelines, error) {
	loads, err := a.loadsOf(ctx, query)
	if err != nil {
		return rating{}, timelines{}, err
	}
	first := query.AsOf
	for _, load := range loads {
		if load.Events > 0 {
			first = earlier(first, load.OccurredFrom)
		}
	}
	layout, err := a.layOut(ctx, query, first.UTC())
	if err != nil {
		return rating{}, timelines{}, err
	}
	r := rating{query: query, loads: loads, book: newPriceBook(query.Catalog), keepTotals: query.keepTotals}
	r.cutSlices(layout)
	return r, layout, nil
}

// loadsOf are the loads to compute with: those that count now, where the query does not name others.
func (a *Aggregator) loadsOf(ctx context.Context, query Query) ([]loadState, error) {
	if query.loads != nil {
		return query.loads, nil
	}
	if query.Raw {
		return a.rawLoads(ctx, query)
	}
	loads, err := a.countedLoads(ctx, query.Catalog.Timezone)
	if query.Loads == nil {
		return loads, err
	}
	named := make(map[uint64]bool, len(query.Loads))
	for _, seq := range query.Loads {
		named[seq] = true
	}
	return slices.DeleteFunc(loads, func(load loadState) bool { return !named[load.Seq] }), err
}

// layOut lays out the periods of the customers that the query asks for: from first on, and those before that unused
// credits may be carried over from.
func (a *Aggregator) layOut(ctx context.Context, query Query, first time.Time) (timelines, error) {
	known, err := a.known(ctx, query)
	if err != nil {
		return timelines{}, err
	}
	held := byCustomer(known.Subscriptions)
	layout := timelines{
		own: make(map[string][]span, len(held)), since: map[string]time.Time{}, grants: map[string][]Grant{},
	}
	for _, grant := range known.Grants {
		layout.grants[grant.CustomerID] = append(layout.grants[grant.CustomerID], grant)
		layout.exists(grant.CustomerID, grant.StartsAt)
	}
	loc := query.Catalog.Timezone
	standard, err := segments(nil, query.Catalog)
	if err != nil {
		return timelines{}, err
	}
	layout.shared = spans(standard, first, query.AsOf, loc)
	if err := layout.subscribe(held, query, first); err != nil {
		return timelines{}, err
	}
	granted := slices.Collect(maps.Keys(layout.grants))
	for _, customer := range slices.Concat(query.Catalog.OverriddenCustomers(), granted) {
		_, done := layout.own[customer]
		if done || query.Customers != nil && !slices.Contains(query.Customers, customer) {
			continue
		}
		own := slices.Clone(standard)
		for i := range own {
			own[i].customer = customer
		}
		layout.own[customer] = lookBack(own, spans(own, first, query.AsOf, loc), loc)
	}
	return layout, nil
}

// subscribe lays out the customers with subscriptions, side by side.
func (t timelines) subscribe(held map[string][]Subscription, query Query, first time.Time) error {
	type own struct {
		customer string
		spans    []span
	}
	all := make([]own, 0, len(held))
	for customer, subscriptions := range held {
		t.exists(customer, subscriptions[0].StartsAt)
		all = append(all, own{customer: customer})
	}
	var workers errgroup.Group
	for some := range slices.Chunk(all, len(all)/runtime.GOMAXPROCS(0)+1) {
		workers.Go(func() (err error) {
			alike := map[Subscription][]span{}
			for i := range some {
				if some[i].spans, err = spansOf(held[some[i].customer], query, first, alike); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	for _, one := range all {
		t.own[one.customer] = one.spans
	}
	return nil
}

// spansOf lays out a customer with subscriptions. Customers with one subscription and nothing of their own have the
// same spans as others with one like it, which alike holds.
func spansOf(
	held []Subscription, query Query, first time.Time, alike map[Subscription][]span,
) ([]span, error) {
	only := held[0]
	kind := Subscription{Product: only.Product, StartsAt: only.StartsAt, EndsAt: only.EndsAt, Anchor: only.Anchor}
	common := len(held) == 1 && len(query.Catalog.OverridesOf(only.CustomerID)) == 0
	if known, ok := alike[kind]; ok && common {
		return known, nil
	}
	laidOut, err := segments(held, query.Catalog)
	if err != nil {
		return nil, err
	}
	loc := query.Catalog.Timezone
	own := lookBack(laidOut, spans(laidOut, first, query.AsOf, loc), loc)
	if common {
		alike[kind] = own
	}
	return own, nil
}

// exists notes that a customer exists at t.
func (t timelines) exists(customer string, at time.Time) {
	if since, ok := t.since[customer]; ok {
		at = earlier(since, at)
	}
	t.since[customer] = at
}

// cutSlices divides the spans of all timelines at price changes and where grants start or expire, and ends them at
// as of.
func (r *rating) cutSlices(layout timelines) {
	known := newCuts(r.query.Catalog.Timezone)
	end := known.at(r.query.AsOf)
	if !r.cutsLoads(r.query.AsOf) {
		end.End = dayOf(r.query.AsOf, r.query.Catalog.Timezone) + 1 // nothing is at or after it: no day is split by it
		end.First = end.End
	}
	const slicesPerCustomer = 3
	r.slices = make([]slice, 0, len(layout.shared)+slicesPerCustomer*len(layout.own))
	r.sliceTimeline("", layout.shared, nil, known, end)
	for _, customer := range slices.Sorted(maps.Keys(layout.own)) {
		r.sliceTimeline(customer, layout.own[customer], layout.grantInstants(customer), known, end)
	}
}

func (r *rating) sliceTimeline(timeline string, spans []span, grants []time.Time, known *cuts, end cut) {
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
			for len(grants) > 0 && !grants[0].After(at) {
				grants = grants[1:]
			}
			if len(grants) > 0 {
				next = earlier(next, grants[0])
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
func (r *replayed) add(own *account, spans []span, from rating, spend []sliceSpend) error {
	for i, row := range spend {
		slice := from.slices[row.Slice]
		spend[i].from, spend[i].span = slice.from.At, slice.span
		if row.Unrated > 0 {
			r.unrated = append(r.unrated, unratedSpend{
				customer: own.customer, periodStart: spans[slice.span].Start, spend: row,
			})
		}
	}
	carries, first := own.carries(spans), len(r.balances)
	for number, s := range spans {
		count := 0 // rows are in order of their slices, and so of the spans
		for count < len(spend) && spend[count].span == number {
			count++
		}
		used := spend[:count]
		spend = spend[count:]
		wanted := from.query.wants(s.Period, len(used) > 0)
		if !wanted && !carries {
			continue
		}
		balances, err := own.settle(s, used)
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		if wanted {
			r.balances = append(r.balances, balances...)
		}
	}
	slices.SortStableFunc(r.balances[first:], func(x, y PeriodBalance) int {
		return cmp.Or(cmp.Compare(x.CreditSystem, y.CreditSystem), x.Period.Start.Compare(y.Period.Start))
	})
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
