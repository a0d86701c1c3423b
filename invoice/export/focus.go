// Package export writes what was charged in the forms of others: rows of FOCUS, the FinOps Open Cost and Usage
// Specification, version 1.2, which tools for cloud costs read.
//
// It reads posted charges and computes nothing itself: the billed costs add up to what Stripe holds.
package export

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/warehouse"
)

// Query says which charges are exported.
type Query struct {
	Livemode bool
	// From and To bound the ends of their periods: [From, To).
	From, To time.Time
	// Provider is who provides the service and sends its invoices.
	Provider string
}

// charge is a row of export_charges.sql.
type charge struct {
	ID             string          `ch:"charge_id"`
	Customer       string          `ch:"customer_id"`
	StripeCustomer string          `ch:"stripe_customer"`
	Product        string          `ch:"product"`
	System         string          `ch:"credit_system"`
	Kind           string          `ch:"kind"`
	Start          time.Time       `ch:"period_start"`
	End            time.Time       `ch:"period_end"`
	Currency       string          `ch:"currency"`
	BilledCredits  decimal.Decimal `ch:"billed_credits"`
	AmountMinor    int64           `ch:"amount_minor"`
	PostedMinor    int64           `ch:"posted_minor"`
	Lines          string          `ch:"lines"`
	Invoice        string          `ch:"invoice_id"`
	FrozenAt       time.Time       `ch:"frozen_at"`
}

// usage is what one row says: a line of a charge, or the difference between a charge and what Stripe holds.
type usage struct {
	charge
	provider   string
	feature    string
	tokens     decimal.Decimal
	quantity   decimal.Decimal // credits of the line that are billed
	unitPrice  decimal.Decimal // of a credit, in the currency
	amount     decimal.Decimal // in the currency
	correction bool
}

// Digits of unit prices, and at least those of quantities: a cost is their product to the last digit.
const focusDigits = 9

// Focus writes the charges of the query as rows of FOCUS 1.2, and returns how many.
func Focus(ctx context.Context, w *warehouse.Warehouse, query Query, out Writer) (int, error) {
	livemode := 0
	if query.Livemode {
		livemode = 1
	}
	charges, err := warehouse.Select[charge](ctx, w, "invoice/export_charges.sql", warehouse.Params{
		"livemode": livemode, "from": query.From, "to": query.To,
	})
	if err != nil {
		return 0, err
	}
	rows := 0
	for _, each := range charges {
		lines, err := each.usages(query.Provider)
		if err != nil {
			return rows, fmt.Errorf("export charge %s: %w", each.ID, err)
		}
		for _, line := range lines {
			values := make([]any, len(focusColumns))
			for i, column := range focusColumns {
				values[i] = column.value(line)
			}
			if err := out.Row(values); err != nil {
				return rows, fmt.Errorf("write row: %w", err)
			}
			rows++
		}
	}
	return rows, nil
}

// usages are the rows of a charge. The credits of its lines share what is billed, in proportion: a line takes what lies
// between the rounded shares of the lines before it and of those up to it, so that none is negative and their sum is
// what was billed.
func (c charge) usages(provider string) ([]usage, error) {
	currency, err := money.LookupCurrency(c.Currency)
	if err != nil {
		return nil, err
	}
	var lines []plan.Line
	if err := json.Unmarshal([]byte(c.Lines), &lines); err != nil {
		return nil, fmt.Errorf("read lines: %w", err)
	}
	all := decimal.Zero
	for _, line := range lines {
		all = all.Add(line.Credits)
	}
	var rows []usage
	shared, sum := decimal.Zero, decimal.Zero
	digits := max(focusDigits, -c.BilledCredits.Exponent())
	for i, line := range lines {
		row := usage{
			charge: c, provider: provider, feature: line.FeatureID, tokens: decimal.NewFromBigInt(line.Tokens, 0),
			amount: currency.FromMinor(line.AmountMinor), correction: c.Kind != plan.KindOverage,
		}
		sum = sum.Add(line.Credits)
		upTo := c.BilledCredits
		if i < len(lines)-1 && !sum.Equal(all) {
			upTo = c.BilledCredits.Mul(sum).DivRound(all, digits)
		}
		row.quantity, shared = upTo.Sub(shared), upTo
		row.price()
		rows = append(rows, row)
	}
	if difference := c.PostedMinor - c.AmountMinor; difference != 0 {
		row := usage{charge: c, provider: provider, amount: currency.FromMinor(difference), correction: true}
		row.price()
		rows = append(rows, row)
	}
	return rows, nil
}

// price finds what a credit came to. A correction has none: it is a difference.
func (u *usage) price() {
	if !u.correction && !u.quantity.IsZero() {
		u.unitPrice = u.amount.DivRound(u.quantity, focusDigits)
	}
}

// listCost is the cost before rounding to the minor unit: the product of quantity and price.
func (u usage) listCost() decimal.Decimal {
	if u.correction {
		return u.amount
	}
	return u.quantity.Mul(u.unitPrice)
}
