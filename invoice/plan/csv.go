package plan

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// chargeHeader names the columns of WriteCSV. Amounts are decimals in the currency.
var chargeHeader = []string{
	"charge_id", "status", "hold_reason", "kind", "customer_id", "stripe_customer", "product", "period_start",
	"period_end", "currency", "billable_credits", "billed_credits", "amount_exact", "amount_minor", "residual",
	"granted", "used", "overage", "capped", "per_credit", "previous_minor", "change_minor", "change_percent",
	"tax_behavior", "tax_code", "part_of", "hold_codes",
}

// lineHeader names the columns of WriteLinesCSV.
var lineHeader = []string{
	"charge_id", "status", "kind", "customer_id", "product", "period_start", "period_end", "currency", "feature_id",
	"feature_tokens", "feature_credits", "feature_amount_minor", "feature_units",
}

// WriteCSV writes a plan with one row a charge, so that a column can be summed.
func WriteCSV(w io.Writer, plan Plan) error {
	return writeCSV(w, plan, chargeHeader, writeChargeRow)
}

// WriteLinesCSV writes a plan with one row a line: a feature's share of a charge.
func WriteLinesCSV(w io.Writer, plan Plan) error {
	return writeCSV(w, plan, lineHeader, writeLineRows)
}

func writeCSV(w io.Writer, plan Plan, header []string, write func(*csv.Writer, Entry) error) error {
	encode := func(charges iter.Seq[Entry]) ([]byte, error) {
		var text bytes.Buffer
		out := csv.NewWriter(&text)
		for charge := range charges {
			if err := write(out, charge); err != nil {
				return nil, err
			}
		}
		out.Flush()
		return text.Bytes(), out.Error()
	}
	head := csv.NewWriter(w)
	err := head.Write(header)
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

func writeChargeRow(out *csv.Writer, charge Entry) error {
	tax := schemas.Tax{}
	if charge.Tax != nil {
		tax = *charge.Tax
	}
	return out.Write([]string{
		charge.ID, charge.Status, Cell(charge.HoldReason), charge.Kind, Cell(charge.CustomerID), Cell(charge.StripeCustomer),
		Cell(charge.Product), charge.PeriodStart.Format(time.RFC3339), charge.PeriodEnd.Format(time.RFC3339),
		charge.Currency, charge.BillableCredits.String(), charge.BilledCredits.String(), charge.AmountExact.String(),
		strconv.FormatInt(charge.AmountMinor, 10), charge.Residual.String(),
		figure(charge.Granted), charge.Used.String(), figure(charge.Overage), figure(charge.Capped),
		figure(charge.PerCredit), figure(charge.PreviousMinor), figure(charge.ChangeMinor), Cell(charge.ChangePercent),
		string(tax.Behavior), Cell(tax.Code), charge.PartOf, JoinCodes(charge.HoldCodes),
	})
}

func writeLineRows(out *csv.Writer, charge Entry) error {
	for _, line := range charge.Lines {
		err := out.Write([]string{
			charge.ID, charge.Status, charge.Kind, Cell(charge.CustomerID), Cell(charge.Product),
			charge.PeriodStart.Format(time.RFC3339), charge.PeriodEnd.Format(time.RFC3339), charge.Currency,
			Cell(line.FeatureID), line.Tokens.String(), line.Credits.String(), strconv.FormatInt(line.AmountMinor, 10),
			line.Units.String(),
		})
		if err != nil {
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

// Cell keeps a spreadsheet from taking text for a formula; numbers stay as they are.
func Cell(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "=+-@\t\r") {
		return "'" + text
	}
	return text
}
