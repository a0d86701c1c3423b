package export

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// used is what was used of a period of credits: a row of journal_periods.sql.
type used struct {
	Customer string           `ch:"customer_id"`
	System   string           `ch:"credit_system"`
	Product  string           `ch:"product"`
	Start    time.Time        `ch:"period_start"`
	Granted  *decimal.Decimal `ch:"granted"`
	Before   decimal.Decimal  `ch:"used_before"` // before the month
	To       decimal.Decimal  `ch:"used_to"`     // before its end
}

// usedKey is the period that usage is of.
type usedKey struct {
	customer, system string
	startNS          int64
}

// allowance is a period that a customer's subscription has, and what was used of its credits; granted is nil where the
// price is used by time.
type allowance struct {
	customer string
	subscription.Span
	granted    *decimal.Decimal
	usedBefore decimal.Decimal
	usedTo     decimal.Decimal
}

// allowancesOf are the periods of all subscriptions that lie in the month at least in part. Stored balances have those
// that were used; the others were paid for just the same.
func allowancesOf(
	ctx context.Context, w *warehouse.Warehouse, catalog *schemas.Catalog, month Month,
) (allowances []allowance, left []LeftOut, err error) {
	rows, err := warehouse.Select[used](ctx, w, "invoice/journal_periods.sql", warehouse.Params{
		"from": month.Start, "to": month.End, "timezone": catalog.Timezone.String(),
	})
	if err != nil {
		return nil, nil, err
	}
	byPeriod := make(map[usedKey]used, len(rows))
	for _, row := range rows {
		byPeriod[usedKey{row.Customer, row.System, row.Start.UnixNano()}] = row
	}
	all, err := subscription.All(ctx, w)
	if err != nil {
		return nil, nil, err
	}
	products, addOns := subscription.Apart(all, catalog)
	for _, addOn := range addOns {
		if addOn.Overlaps(subscription.Subscription{StartsAt: month.Start, EndsAt: month.End}) {
			left = append(left, LeftOut{Product: addOn.Product, Reason: "it is an add-on", Count: 1})
		}
	}
	for customer, held := range subscription.ByCustomer(products) {
		laidOut, err := subscription.LayOut(customer, held, nil, catalog)
		if err != nil {
			return nil, nil, fmt.Errorf("lay out customer %s: %w", customer, err)
		}
		for _, span := range laidOut.Spans(month.Start, month.End.Add(-time.Nanosecond), catalog.Timezone) {
			of := usedKey{customer, span.CreditSystem(), span.Start.UnixNano()}
			allowances = append(allowances, newAllowance(customer, span, byPeriod[of]))
			delete(byPeriod, of)
		}
	}
	for _, row := range byPeriod {
		product, found := catalog.Product(row.Product)
		if !found || product.At(row.Start).Price != nil && product.At(row.Start).Credits != nil &&
			product.At(row.Start).Credits.System == row.System {
			left = append(left, LeftOut{Product: row.Product, Reason: "its period is none of the subscriptions'", Count: 1})
		}
	}
	return allowances, left, nil
}

func newAllowance(customer string, span subscription.Span, of used) allowance {
	a := allowance{customer: customer, Span: span, granted: of.Granted, usedBefore: of.Before, usedTo: of.To}
	if credits := span.Terms.Credits; a.granted == nil && credits != nil && !credits.Unlimited {
		a.granted = &credits.Included
	}
	return a
}
