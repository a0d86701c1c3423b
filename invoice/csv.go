package invoice

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
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
	encode := func(charges iter.Seq[Entry]) ([]byte, error) {
		var text bytes.Buffer
		out := csv.NewWriter(&text)
		for charge := range charges {
			if err := writeRows(out, charge); err != nil {
				return nil, err
			}
		}
		out.Flush()
		return text.Bytes(), out.Error()
	}
	head := csv.NewWriter(w)
	err := head.Write(csvHeader)
	head.Flush()
	if err = errors.Join(err, head.Error()); err == nil {
		err = MapEntries(plan, encode, func(text []byte) error {
			_, err := w.Write(text)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// writeRows writes the rows of a charge.
func writeRows(out *csv.Writer, charge Entry) error {
	row := []string{
		charge.ID, charge.Status, cell(charge.HoldReason), charge.Kind, cell(charge.CustomerID), cell(charge.StripeCustomer),
		cell(charge.Product), charge.PeriodStart.Format(time.RFC3339), charge.PeriodEnd.Format(time.RFC3339),
		charge.Currency, charge.BillableCredits.String(), charge.BilledCredits.String(), charge.AmountExact.String(),
		strconv.FormatInt(charge.AmountMinor, 10), charge.Residual.String(),
		"", "", "", "",
		figure(charge.Granted), charge.Used.String(), figure(charge.Overage), figure(charge.Capped),
		figure(charge.PerCredit), figure(charge.PreviousMinor), figure(charge.ChangeMinor), cell(charge.ChangePercent),
	}
	if len(charge.Lines) == 0 {
		return out.Write(row)
	}
	line := row[slices.Index(csvHeader, "feature_id"):]
	for _, of := range charge.Lines {
		line[0], line[1], line[2] = cell(of.FeatureID), of.Tokens.String(), of.Credits.String()
		line[3] = strconv.FormatInt(of.AmountMinor, 10)
		if err := out.Write(row); err != nil {
			return err
		}
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
