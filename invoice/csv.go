package invoice

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// csvHeader names the columns of WriteCSV. Amounts are decimals in the currency.
var csvHeader = []string{
	"charge_id", "status", "hold_reason", "kind", "customer_id", "stripe_customer", "product", "period_start",
	"period_end", "currency", "billable_credits", "billed_credits", "amount_exact", "amount_minor", "residual",
	"feature_id", "feature_tokens", "feature_credits", "feature_amount_minor",
}

// WriteCSV writes a plan with one row for each line of a charge; a charge's own columns are repeated.
func WriteCSV(w io.Writer, plan Plan) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHeader); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	for _, charge := range plan.Charges {
		head := []string{
			charge.ID, charge.Status, charge.HoldReason, charge.Kind, cell(charge.CustomerID), cell(charge.StripeCustomer),
			cell(charge.Product), charge.PeriodStart.Format(time.RFC3339), charge.PeriodEnd.Format(time.RFC3339),
			charge.Currency, charge.BillableCredits.String(), charge.BilledCredits.String(), charge.AmountExact.String(),
			strconv.FormatInt(charge.AmountMinor, 10), charge.Residual.String(),
		}
		lines := [][]string{{"", "", "", ""}}
		if len(charge.Lines) > 0 {
			lines = nil
		}
		for _, line := range charge.Lines {
			lines = append(lines, []string{
				cell(line.FeatureID), line.Tokens.String(), line.Credits.String(), strconv.FormatInt(line.AmountMinor, 10),
			})
		}
		for _, line := range lines {
			if err := out.Write(append(head[:len(head):len(head)], line...)); err != nil {
				return fmt.Errorf("write plan: %w", err)
			}
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// cell keeps a spreadsheet from taking an id for a formula.
func cell(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r") {
		return "'" + text
	}
	return text
}
