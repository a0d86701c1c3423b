package aggregate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// DaySpend is what a customer used on one accounting day, of one credit system.
type DaySpend struct {
	// Day is midnight UTC of the date.
	Day     time.Time
	Credits decimal.Decimal
}

// manyCustomers is the number above which it is cheaper to read everyone's usage than to name the customers.
const manyCustomers = 1000

// Daily returns the spend of each of the periods by day, days without usage left out. The periods are those of a replay
// of the same query. The days of a period add up to its Used; where they do not, because something was loaded or
// withdrawn in between, the error wraps ErrInvariant.
func (a *Aggregator) Daily(ctx context.Context, query Query, periods []PeriodBalance) ([][]DaySpend, error) {
	query.AsOf = query.AsOf.UTC()
	wanted := map[spanKey]int{}
	customers := []string{}
	for i, period := range periods {
		wanted[spanKey{period.CustomerID, period.CreditSystem, period.Period.Start.UTC()}] = i
		customers = append(customers, period.CustomerID)
	}
	slices.Sort(customers)
	if query.Customers = slices.Compact(customers); len(query.Customers) > manyCustomers {
		query.Customers = nil
	}
	r, layout, err := a.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	r.byDay = true
	r.keepSlices(layout, periods)
	days := make([][]DaySpend, len(periods))
	if err := a.survey(ctx, &r); err != nil {
		return nil, err
	}
	err = a.rate(ctx, r, func(customer string, rows []sliceSpend) error {
		spans := layout.of(customer)
		for _, row := range rows {
			start := spans[r.slices[row.Slice].span].Start.UTC()
			if i, ok := wanted[spanKey{customer, row.System, start}]; ok {
				days[i] = append(days[i], DaySpend{Day: row.Day.UTC(), Credits: row.Credits})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, period := range periods {
		if days[i], err = addDays(days[i], period.Used); err != nil {
			return nil, fmt.Errorf("spend by day of customer %s from %s: %w",
				period.CustomerID, period.Period.Start.Format(time.RFC3339), err)
		}
	}
	return days, nil
}

// spanKey names a customer's period in one credit system.
type spanKey struct {
	customer, system string
	start            time.Time
}

// keepSlices drops the slices of all other periods; the numbers of spans stay.
func (r *rating) keepSlices(layout timelines, periods []PeriodBalance) {
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
