package costs

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/warehouse"
)

// Difference is what a provider counted of a model on a day, and what the logs have of it. Tokens are whole numbers.
type Difference struct {
	Provider     string
	Day          time.Time       `ch:"day"`
	Model        string          `ch:"model"`
	BilledInput  decimal.Decimal `ch:"billed_input"`
	BilledOutput decimal.Decimal `ch:"billed_output"`
	LoggedInput  decimal.Decimal `ch:"logged_input"`
	LoggedOutput decimal.Decimal `ch:"logged_output"`
}

// MissingInput are tokens that the logs lack; below zero where they have more.
func (d Difference) MissingInput() decimal.Decimal { return d.BilledInput.Sub(d.LoggedInput) }

// MissingOutput are tokens that the logs lack; below zero where they have more.
func (d Difference) MissingOutput() decimal.Decimal { return d.BilledOutput.Sub(d.LoggedOutput) }

// Within tells whether both lie within the tolerance, in percent of what was billed, in either direction.
func (d Difference) Within(percent decimal.Decimal) bool {
	within := func(missing, billed decimal.Decimal) bool {
		return missing.Abs().Shift(2).LessThanOrEqual(billed.Mul(percent))
	}
	return within(d.MissingInput(), d.BilledInput) && within(d.MissingOutput(), d.BilledOutput)
}

// Lacks tells whether the logs have less of one of both than was billed, beyond the tolerance in percent of that.
func (d Difference) Lacks(percent decimal.Decimal) bool {
	return d.MissingInput().Shift(2).GreaterThan(d.BilledInput.Mul(percent)) ||
		d.MissingOutput().Shift(2).GreaterThan(d.BilledOutput.Mul(percent))
}

// CompareAll is Compare for the days in UTC that [from, until) touches, of every provider with usage reports of them.
func CompareAll(ctx context.Context, w *warehouse.Warehouse, from, until time.Time) ([]Difference, error) {
	first, behind := from.UTC().Truncate(24*time.Hour), until.UTC().Add(24*time.Hour-1).Truncate(24*time.Hour)
	type provider struct {
		Name string `ch:"provider"`
	}
	providers, err := warehouse.Select[provider](ctx, w, "costs/usage_providers.sql", warehouse.Params{
		"from": warehouse.Date(first), "to": warehouse.Date(behind),
	})
	if err != nil {
		return nil, fmt.Errorf("read providers with usage reports: %w", err)
	}
	var all []Difference
	for _, each := range providers {
		differences, err := Compare(ctx, w, each.Name, first, behind)
		if err != nil {
			return nil, err
		}
		all = append(all, differences...)
	}
	return all, nil
}

// Compare returns, by day and model, what a provider counted on days of [from, to) in UTC, and what the logs have of
// it. It looks only at days and models that its usage reports hold.
func Compare(
	ctx context.Context, w *warehouse.Warehouse, provider string, from, to time.Time,
) ([]Difference, error) {
	differences, err := warehouse.Select[Difference](ctx, w, "costs/compare_usage.sql", warehouse.Params{
		"provider": provider, "from": warehouse.Date(from), "to": warehouse.Date(to),
	})
	if err != nil {
		return nil, fmt.Errorf("compare usage of %s: %w", provider, err)
	}
	for i := range differences {
		differences[i].Provider = provider
	}
	return differences, nil
}
