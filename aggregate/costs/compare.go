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
	return differences, nil
}
