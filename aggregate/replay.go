package aggregate

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// Replay computes balances as of query.AsOf from zero. The result is sorted by customer, credit system and start of
// the period; it holds the periods with usage and the one that goes on at AsOf, of every customer that has usage before
// AsOf, was imported or attached or has grants, and of those that query.Customers names.
//
// Replay only reads: loads that are not rolled up are read from their raw events.
// Where figures of any of the customers cannot be computed, the error wraps ErrNoFigures; see ReplayEach.
func (a *Aggregator) Replay(ctx context.Context, query Query) ([]PeriodBalance, error) {
	result, err := a.replayAll(ctx, query)
	if err == nil {
		err = problemsOf(result.problems)
	}
	if err != nil {
		return nil, err
	}
	return result.balances, nil
}

// ReplayEach is Replay for all customers whose figures can be computed, with the problems of the others.
func (a *Aggregator) ReplayEach(ctx context.Context, query Query) ([]PeriodBalance, []Problem, error) {
	result, err := a.replayAll(ctx, query)
	return result.balances, result.problems, err
}

// replayAll is a replay whose whole result is held in memory.
func (a *Aggregator) replayAll(ctx context.Context, query Query) (replayed, error) {
	var all replayed
	var parts [][]PeriodBalance // joined at the end: there may be very many
	result, err := a.replay(ctx, query, func(part replayed) error {
		parts = append(parts, part.balances)
		all.unrated = append(all.unrated, part.unrated...)
		all.problems = append(all.problems, part.problems...)
		return nil
	})
	all.balances = slices.Concat(parts...)
	all.loads, all.customers, all.uses = result.loads, result.customers, result.uses
	return all, err
}

// replay hands the customers' figures to take in small parts, in order of the customers; what it returns has none of
// them. They are settled side by side while usage is still being read. Whether all usage was rated is known only when
// it has returned.
func (a *Aggregator) replay(ctx context.Context, query Query, take func(part replayed) error) (replayed, error) {
	begun, err := a.begin(ctx, query, nil, func(pricebook.Books) {})
	if err != nil {
		return replayed{}, err
	}
	return a.goOn(ctx, begun, take)
}

// replaying is a replay whose usage is still to be rated and settled.
type replaying struct {
	rating
	layout timelines
	idle   []string // customers that may be without usage, in order
}

// begin does what a replay needs before usage is rated; see prepare. know is told the books as soon as they are known.
func (a *Aggregator) begin(
	ctx context.Context, query Query, loads []loadState, know func(pricebook.Books),
) (begun replaying, err error) {
	query.AsOf = query.AsOf.UTC()
	var stored []string
	both, reading := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		if begun.rating, begun.layout, err = a.prepare(reading, query, loads); err != nil {
			return err
		}
		know(begun.books)
		return a.survey(reading, &begun.rating)
	})
	both.Go(func() (err error) {
		stored, err = subscription.Known(reading, a.warehouse, query.Customers)
		return err
	})
	if err := both.Wait(); err != nil {
		return replaying{}, err
	}
	begun.idle = maybeIdle(query, begun.layout, stored)
	return begun, nil
}

// goOn ends a replay that has begun; see replay.
func (a *Aggregator) goOn(ctx context.Context, begun replaying, take func(part replayed) error) (replayed, error) {
	result := replayed{loads: len(begun.loads), uses: begun.uses}
	group, ctx := errgroup.WithContext(ctx)
	inOrder := make(chan *settlement, 2*runtime.GOMAXPROCS(0))
	group.Go(func() error {
		defer close(inOrder)
		s := settler{from: begun.rating, layout: begun.layout, idle: begun.idle, inOrder: inOrder}
		err := a.rate(ctx, begun.rating, func(customer string, spend []sliceSpend) error {
			return s.add(ctx, customer, spend)
		})
		if err != nil {
			return err
		}
		return s.finish(ctx)
	})
	group.Go(func() error {
		for s := range inOrder {
			<-s.done
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
func maybeIdle(query Query, layout timelines, stored []string) []string {
	known := slices.Concat(slices.Collect(maps.Keys(layout.since)), query.Customers, stored)
	slices.Sort(known)
	return slices.Compact(known)
}

// prepare lays the customers' time out in slices, and finds out which loads count unless they are given.
func (a *Aggregator) prepare(ctx context.Context, query Query, loads []loadState) (rating, timelines, error) {
	var known Known
	var starts starts
	both, reading := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		if loads == nil {
			if loads, err = a.loadsOf(reading, query); err != nil {
				return err
			}
		}
		starts, err = a.starts(reading, query, loads, false)
		return err
	})
	both.Go(func() (err error) {
		known, err = a.known(reading, query)
		return err
	})
	if err := both.Wait(); err != nil {
		return rating{}, timelines{}, err
	}
	layout, err := layOut(query, known, starts)
	if err != nil {
		return rating{}, timelines{}, err
	}
	r := rating{query: query, loads: loads, books: layout.books(query.Catalog)}
	r.cutSlices(layout)
	return r, layout, nil
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

func (r *rating) sliceTimeline(timeline string, spans []subscription.Span, grants []time.Time, known *cuts, end cut) {
	for number, s := range spans {
		book := r.books.Of(s.Closed.BilledBy())
		for at := s.Start; at.Before(end.At) && (s.End.IsZero() || at.Before(s.End)); {
			epoch := book.EpochAt(timeline, at)
			next := end.At
			if !s.End.IsZero() {
				next = schemas.Earlier(next, s.End)
			}
			if change, ok := book.NextChange(epoch); ok {
				next = schemas.Earlier(next, change)
			}
			for len(grants) > 0 && !grants[0].After(at) {
				grants = grants[1:]
			}
			if len(grants) > 0 {
				next = schemas.Earlier(next, grants[0])
			}
			to := end
			if next.Before(end.At) {
				to = known.at(next)
			}
			r.slices = append(r.slices, slice{
				timeline: timeline, span: number, from: known.at(at), to: to, epoch: epoch,
				system: s.CreditSystem(),
			})
			at = next
		}
	}
}
