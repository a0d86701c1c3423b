package aggregate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// DaySpend is what a customer used on one accounting day, of one credit system.
type DaySpend struct {
	// Day is midnight UTC of the date.
	Day     time.Time
	Credits decimal.Decimal
}

// manyCustomers is the number above which it is cheaper to read everyone's usage than to name the customers.
const manyCustomers = 1000

// Daily calls each for one period after the other with its spend by day, days without usage left out. The periods are
// those of a replay of the same query, sorted by customer; each gets their numbers, in order, while usage is being
// read: nothing is kept of the periods before. The days of a period add up to its Used; where they do not, because
// something was loaded or withdrawn in between, or where the periods are not sorted, the error wraps ErrInvariant.
func (a *Aggregator) Daily(
	ctx context.Context, query Query, periods []*PeriodBalance, each func(period int, days []DaySpend) error,
) error {
	query.AsOf = query.AsOf.UTC()
	query.Customers = nil
	for i, period := range periods {
		if i > 0 && period.CustomerID < periods[i-1].CustomerID {
			return fmt.Errorf("spend by day: %w: customer %s comes after %s", ErrInvariant, period.CustomerID,
				periods[i-1].CustomerID)
		}
		if i == 0 || period.CustomerID != periods[i-1].CustomerID {
			query.Customers = append(query.Customers, period.CustomerID)
		}
	}
	if len(query.Customers) > manyCustomers {
		query.Customers = nil
	}
	r, layout, err := a.prepare(ctx, query, nil)
	if err != nil {
		return err
	}
	r.byDay = true
	r.keepSlices(layout, periods)
	if err := a.survey(ctx, &r); err != nil {
		return err
	}
	next := 0
	// upTo hands on the periods of the customers before one, who used nothing, and then those of that customer.
	upTo := func(customer string, rows []sliceSpend) error {
		for ; next < len(periods) && periods[next].CustomerID <= customer; next++ {
			var entries []DaySpend
			if period := periods[next]; period.CustomerID == customer {
				entries = r.daysOf(period, layout.of(customer), rows)
			}
			if err := handDays(periods[next], next, entries, each); err != nil {
				return err
			}
		}
		return nil
	}
	if err := a.rate(ctx, r, upTo); err != nil {
		return err
	}
	for ; next < len(periods); next++ {
		if err := handDays(periods[next], next, nil, each); err != nil {
			return err
		}
	}
	return nil
}

// daysOf picks a period's rows out of its customer's.
func (r *rating) daysOf(period *PeriodBalance, spans []subscription.Span, rows []sliceSpend) []DaySpend {
	entries := []DaySpend{}
	for _, row := range rows {
		if row.System == period.CreditSystem && spans[r.slices[row.Slice].span].Start.Equal(period.Period.Start) {
			entries = append(entries, DaySpend{Day: row.Day.UTC(), Credits: row.Credits})
		}
	}
	return entries
}

func handDays(
	period *PeriodBalance, number int, entries []DaySpend, each func(period int, days []DaySpend) error,
) error {
	days, err := addDays(entries, period.Used)
	if err != nil {
		return fmt.Errorf("spend by day of customer %s from %s: %w",
			period.CustomerID, period.Period.Start.Format(time.RFC3339), err)
	}
	return each(number, days)
}

// keepSlices drops the slices of all other periods; the numbers of spans stay.
func (r *rating) keepSlices(layout timelines, periods []*PeriodBalance) {
	type timelineSpan struct {
		timeline string
		start    time.Time
	}
	kept := map[timelineSpan]bool{}
	for _, period := range periods {
		timeline := ""
		if _, own := layout.own[period.CustomerID]; own {
			timeline = period.CustomerID
		}
		kept[timelineSpan{timeline, period.Period.Start.UTC()}] = true
	}
	r.slices = slices.DeleteFunc(r.slices, func(s slice) bool {
		spans := layout.shared
		if s.timeline != "" {
			spans = layout.own[s.timeline]
		}
		return !kept[timelineSpan{s.timeline, spans[s.span].Start.UTC()}]
	})
}

// addDays adds up the entries of each day, in order of days, and holds the sum against the period's.
func addDays(entries []DaySpend, used decimal.Decimal) ([]DaySpend, error) {
	slices.SortStableFunc(entries, func(x, y DaySpend) int { return x.Day.Compare(y.Day) })
	days := []DaySpend{}
	sum := decimal.Zero
	for _, entry := range entries {
		sum = sum.Add(entry.Credits)
		if last := len(days) - 1; last >= 0 && days[last].Day.Equal(entry.Day) {
			days[last].Credits = days[last].Credits.Add(entry.Credits)
			continue
		}
		days = append(days, entry)
	}
	if !sum.Equal(used) {
		return nil, fmt.Errorf("%w: the days add up to %s, used is %s", ErrInvariant, sum, used)
	}
	return days, nil
}
