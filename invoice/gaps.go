package invoice

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/warehouse"
)

// gaps finds what is missing in the time of the periods. With AcceptGaps there is nothing.
func (r *Runner) gaps(ctx context.Context, periods []aggregate.PeriodBalance) ([]plan.Gap, error) {
	var from, until time.Time
	for _, balance := range periods {
		if balance.Closed != nil && !balance.Closed.Again() {
			continue
		}
		if from.IsZero() || balance.Period.Start.Before(from) {
			from = balance.Period.Start
		}
		if balance.Period.End.After(until) {
			until = balance.Period.End
		}
	}
	if r.config.AcceptGaps {
		return nil, nil
	}
	gaps, err := r.ledger.IncompleteLoads(ctx)
	if err != nil || len(r.config.Expected) == 0 || from.IsZero() {
		return gaps, err
	}
	silent, err := r.silence(ctx, from, until)
	return append(gaps, silent...), err
}

// silence finds hours and days without usage of sources that are expected to have some, from the first time that they
// had any.
func (r *Runner) silence(ctx context.Context, from, until time.Time) ([]plan.Gap, error) {
	var sources []string
	for _, expectation := range r.config.Expected {
		sources = append(sources, expectation.Source)
	}
	type hourRow struct {
		Source string    `ch:"source"`
		Hour   time.Time `ch:"hour"`
	}
	type firstRow struct {
		Source string    `ch:"source"`
		First  time.Time `ch:"first"`
	}
	firsts, err := warehouse.Select[firstRow](ctx, r.config.Warehouse, "invoice/first_events.sql",
		warehouse.Params{"sources": sources})
	if err != nil {
		return nil, fmt.Errorf("read first events of sources: %w", err)
	}
	// Days may begin in the middle of an hour of UTC, so whole days around the periods are looked at.
	hours, err := warehouse.Select[hourRow](ctx, r.config.Warehouse, "invoice/covered_hours.sql", warehouse.Params{
		"sources": sources, "from": from.Add(-24 * time.Hour), "until": until.Add(24 * time.Hour),
	})
	if err != nil {
		return nil, fmt.Errorf("read hours with usage: %w", err)
	}
	covered := map[string][]time.Time{}
	for _, row := range hours {
		covered[row.Source] = append(covered[row.Source], row.Hour.UTC())
	}
	first := map[string]time.Time{}
	for _, row := range firsts {
		first[row.Source] = row.First.UTC()
	}
	var gaps []plan.Gap
	for _, expectation := range r.config.Expected {
		since, heard := first[expectation.Source]
		if !heard || since.Before(from) {
			since = from
		}
		gaps = append(gaps, expectation.Missing(since, until, covered[expectation.Source], r.config.Catalog.Timezone)...)
	}
	return gaps, nil
}
