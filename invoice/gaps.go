package invoice

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/costs"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/warehouse"
)

// gaps finds what is missing in the time of the periods. With AcceptGaps there is nothing.
func gaps(ctx context.Context, c Config, periods []aggregate.PeriodBalance) ([]plan.Gap, error) {
	if c.AcceptGaps {
		return nil, nil
	}
	var from, until time.Time
	for _, balance := range periods {
		if balance.Closed != nil && !balance.Closed.Again() {
			continue
		}
		if balance.Period.End.IsZero() || balance.Period.End.After(c.AsOf) {
			continue // nothing is due of it that would be too little
		}
		if from.IsZero() || balance.Period.Start.Before(from) {
			from = balance.Period.Start
		}
		if balance.Period.End.After(until) {
			until = balance.Period.End
		}
	}
	gaps, err := c.ledger().IncompleteLoads(ctx)
	gaps = append(gaps, c.Left...)
	if err != nil || from.IsZero() {
		return gaps, err
	}
	for _, look := range []func(context.Context, Config, time.Time, time.Time) ([]plan.Gap, error){silence, unlogged} {
		found, err := look(ctx, c, from, until)
		if err != nil {
			return nil, err
		}
		gaps = append(gaps, found...)
	}
	return gaps, nil
}

// unlogged finds days on which a provider counted more tokens of a model than the logs have, beyond the tolerance.
func unlogged(ctx context.Context, c Config, from, until time.Time) ([]plan.Gap, error) {
	if !c.UsageTolerance.Valid {
		return nil, nil
	}
	differences, err := costs.CompareAll(ctx, c.Warehouse, from, until)
	if err != nil {
		return nil, err
	}
	var gaps []plan.Gap
	for _, each := range differences {
		if !each.Lacks(c.UsageTolerance.Decimal) {
			continue
		}
		gaps = append(gaps, plan.Gap{From: each.Day, Until: each.Day.AddDate(0, 0, 1), Reason: fmt.Sprintf(
			"%s counted %s input and %s output tokens of %s on %s, the logs have %s and %s, beyond invoice.usage_tolerance "+
				"%s%%: load what is missing", each.Provider, each.BilledInput, each.BilledOutput, each.Model,
			each.Day.Format(time.DateOnly), each.LoggedInput, each.LoggedOutput, c.UsageTolerance.Decimal)})
	}
	return gaps, nil
}

// silence finds hours and days without usage of sources that are expected to have some, from the first time that they
// had any.
func silence(ctx context.Context, c Config, from, until time.Time) ([]plan.Gap, error) {
	if len(c.Expected) == 0 {
		return nil, nil
	}
	var sources []string
	for _, expectation := range c.Expected {
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
	firsts, err := warehouse.Select[firstRow](ctx, c.Warehouse, "invoice/first_events.sql",
		warehouse.Params{"sources": sources})
	if err != nil {
		return nil, fmt.Errorf("read first events of sources: %w", err)
	}
	// Days may begin in the middle of an hour of UTC, so whole days around the periods are looked at.
	hours, err := warehouse.Select[hourRow](ctx, c.Warehouse, "invoice/covered_hours.sql", warehouse.Params{
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
	for _, expectation := range c.Expected {
		since, heard := first[expectation.Source]
		if !heard || since.Before(from) {
			since = from
		}
		gaps = append(gaps, expectation.Missing(since, until, covered[expectation.Source], c.Catalog.Timezone)...)
	}
	return gaps, nil
}
