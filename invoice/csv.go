package invoice

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// csvHeader names the columns of WriteCSV. Amounts are decimals in the currency.
var csvHeader = []string{
	"charge_id", "status", "hold_reason", "kind", "customer_id", "stripe_customer", "product", "period_start",
	"period_end", "currency", "billable_credits", "billed_credits", "amount_exact", "amount_minor", "residual",
	"feature_id", "feature_tokens", "feature_credits", "feature_amount_minor",
	"granted", "used", "overage", "capped", "per_credit", "previous_minor", "change_minor", "change_percent",
}

// WriteCSV writes a plan with one row for each line of a charge; a charge's own columns are repeated.
func WriteCSV(w io.Writer, plan Plan) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHeader); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	for charge := range plan.Entries() {
		head := []string{
			charge.ID, charge.Status, cell(charge.HoldReason), charge.Kind, cell(charge.CustomerID), cell(charge.StripeCustomer),
			cell(charge.Product), charge.PeriodStart.Format(time.RFC3339), charge.PeriodEnd.Format(time.RFC3339),
			charge.Currency, charge.BillableCredits.String(), charge.BilledCredits.String(), charge.AmountExact.String(),
			strconv.FormatInt(charge.AmountMinor, 10), charge.Residual.String(),
		}
		tail := []string{
			figure(charge.Granted), charge.Used.String(), figure(charge.Overage), figure(charge.Capped),
			figure(charge.PerCredit), figure(charge.PreviousMinor), figure(charge.ChangeMinor), cell(charge.ChangePercent),
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
			if err := out.Write(slices.Concat(head, line, tail)); err != nil {
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

// figure writes a number, or nothing where there is none.
func figure[T any](number *T) string {
	if number == nil {
		return ""
	}
	return fmt.Sprint(*number)
}

// cell keeps a spreadsheet from taking text for a formula; numbers stay as they are.
func cell(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r") {
		return "'" + text
	}
	return text
}
