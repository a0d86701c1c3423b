package aggregate

import (
	"cmp"
	"slices"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// replayed is all that a replay finds out.
type replayed struct {
	balances  []PeriodBalance
	unrated   []unratedSpend
	loads     int
	customers int
	uses      []usedList
	problems  []Problem
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

// add settles a customer's periods in order of time, from the one numbered begin up to the first whose figures cannot
// be computed.
func (r *replayed) add(own *account, spans []subscription.Span, begin int, from rating, spend []sliceSpend) {
	for i, row := range spend {
		slice := from.slices[row.Slice]
		spend[i].from, spend[i].span = slice.from.At, slice.span
		if row.Unrated > 0 {
			r.unrated = append(r.unrated, unratedSpend{
				customer: own.customer, periodStart: spans[slice.span].Start, spend: row,
			})
		}
	}
	carries, first := own.carries(spans[begin:]), len(r.balances)
	for number := begin; number < len(spans); number++ {
		s := spans[number]
		count := 0 // rows are in order of their slices, and so of the spans
		for count < len(spend) && spend[count].span == number {
			count++
		}
		used := spend[:count]
		spend = spend[count:]
		wanted := from.query.wants(s, len(used) > 0)
		if !wanted && !carries {
			continue
		}
		balances, err := own.settle(s, used)
		if err != nil {
			r.problems = append(r.problems, Problem{CustomerID: own.customer, Period: s.Period, Reason: err.Error()})
			break
		}
		if wanted {
			from.query.lighten(balances)
			r.balances = append(r.balances, balances...)
		}
	}
	slices.SortStableFunc(r.balances[first:], func(x, y PeriodBalance) int {
		return cmp.Or(cmp.Compare(x.CreditSystem, y.CreditSystem), x.Period.Start.Compare(y.Period.Start))
	})
}

// wants tells whether a period belongs to the answer. Closed ones do, wherever billing begins today.
func (q Query) wants(period subscription.Span, used bool) bool {
	ended := !period.End.IsZero() && !period.End.After(q.AsOf)
	switch {
	case ended && !used, !ended && q.EndedOnly:
		return false
	case ended && period.Closed == nil && !q.From.IsZero() && !period.End.After(q.From):
		return false
	}
	return true
}

// lighten leaves out what is not needed of balances.
func (q Query) lighten(balances []PeriodBalance) {
	for i := range balances {
		if q.Settled != nil && q.Settled(&balances[i]) {
			balances[i].Features = nil
		}
	}
}
