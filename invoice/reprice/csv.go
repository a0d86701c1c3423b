package reprice

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/creditmill/creditmill/invoice/plan"
)

// header names the columns of WriteRepricing. Amounts are decimals in the currency.
var header = []string{
	"customer_id", "credit_system", "span", "currency", "periods_before", "periods_after", "used_before", "used_after",
	"overage_before", "overage_after", "billable_before", "billable_after", "amount_exact_before", "amount_exact_after",
	"amount_before", "amount_after", "change", "crosses", "unrated_events_before", "unrated_events_after",
}

// WriteCSV writes the rows of a repricing as CSV.
func WriteCSV(w io.Writer, repricing Repricing) error {
	out := csv.NewWriter(w)
	if err := out.Write(header); err != nil {
		return fmt.Errorf("write repricing: %w", err)
	}
	amount := func(minor int64) string {
		return repricing.Currency.FromMinor(minor).StringFixed(repricing.Currency.Exponent)
	}
	for _, row := range repricing.Rows {
		before, after := row.Before, row.After
		err := out.Write([]string{
			plan.Cell(row.CustomerID), plan.Cell(row.CreditSystem), row.Span, repricing.Currency.Code,
			strconv.Itoa(before.Periods), strconv.Itoa(after.Periods), before.Used.String(), after.Used.String(),
			before.Overage.String(), after.Overage.String(), before.Billable.String(), after.Billable.String(),
			before.AmountExact.String(), after.AmountExact.String(),
			amount(before.AmountMinor), amount(after.AmountMinor), amount(row.ChangeMinor), row.Crosses,
			strconv.FormatUint(before.UnratedEvents, 10), strconv.FormatUint(after.UnratedEvents, 10),
		})
		if err != nil {
			return fmt.Errorf("write repricing: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write repricing: %w", err)
	}
	return nil
}
