package main

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/money"
)

// printPlan writes the plan for finance: ready and posted charges, then those that are held with their reasons, then
// sums.
func printPlan(out io.Writer, planned plan.Plan) error {
	w := bufio.NewWriterSize(out, 1<<16)
	if err := writePlan(w, planned); err != nil {
		return err
	}
	return w.Flush()
}

func writePlan(w io.Writer, planned plan.Plan) error {
	charged, held := newEntryTable(), newEntryTable()
	type rows struct{ charged, held *longTable }
	format := func(entries iter.Seq[plan.Entry]) (rows, error) {
		made := rows{newEntryTable(), newEntryTable()}
		for entry := range entries {
			into := made.charged
			if entry.Status == plan.StatusHeld {
				into = made.held
			}
			appendEntry(into, entry)
		}
		return made, nil
	}
	err := plan.MapEntries(planned, format, func(made rows) error {
		charged.join(made.charged)
		held.join(made.held)
		return nil
	})
	if err != nil {
		return err
	}
	if charged.length > 0 {
		charged.render(w)
		fmt.Fprintln(w)
	}
	if held.length > 0 {
		fmt.Fprintln(w, "held, not charged until the reason is gone:")
		held.render(w)
		fmt.Fprintln(w)
		printReasons(w, planned)
	}
	if len(planned.Charges) == 0 {
		fmt.Fprintln(w, "nothing to charge: no period that ended has overage")
	}
	printNotes(w, planned)
	totals := planned.Totals()
	for _, code := range slices.Sorted(maps.Keys(totals)) {
		currency := money.Displayed(code)
		sum := totals[code]
		fmt.Fprintf(w, "total %s: %s ready, %s held, %s posted\n", code, currency.Format(sum.ReadyMinor),
			currency.Format(sum.HeldMinor), currency.Format(sum.PostedMinor))
	}
	_, err = fmt.Fprintf(w, "plan %s as of %s\n", planned.SHA, planned.AsOf.UTC().Format(time.RFC3339))
	return err
}

func printNotes(w io.Writer, planned plan.Plan) {
	for _, note := range planned.Notes() {
		fmt.Fprintln(w, "note: "+note)
	}
}

func printReasons(w io.Writer, planned plan.Plan) {
	for _, charge := range planned.Charges {
		if charge.HoldReason != "" {
			sayf(w, "  %s, %s: %s\n", charge.CustomerID, period(charge), charge.HoldReason)
		}
	}
	fmt.Fprintln(w)
}

func newEntryTable() *longTable {
	return newLongTable("customer  product  period  >allowance  >used  >overage  >billed  >price  >exact  >amount  " +
		">change  status  charge")
}

// rightAlign puts columns, numbered from 1, to the right.
func rightAlign(t table.Writer, numbers ...int) { t.SetColumnConfigs(rightAligned(numbers...)) }

func rightAligned(numbers ...int) []table.ColumnConfig {
	columns := []table.ColumnConfig{}
	for _, number := range numbers {
		columns = append(columns, table.ColumnConfig{Number: number, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	return columns
}

// appendEntry adds a charge and its lines by feature.
func appendEntry(t *longTable, entry plan.Entry) {
	currency := money.Displayed(entry.Currency)
	t.add(
		entry.CustomerID, productOf(entry.Charge), period(entry.Charge), orUnknown(entry.Granted), money.Grouped(entry.Used),
		orUnknown(entry.Overage), money.Grouped(entry.BilledCredits), pricePerCredit(entry), money.Grouped(entry.AmountExact),
		strings.TrimSpace(currency.Format(entry.AmountMinor)+" "+entry.TaxText()),
		change(entry, currency), entry.Status, shortID(entry.ID),
	)
	for _, line := range entry.Lines {
		t.add("  "+line.FeatureID, "", usedText(line.Tokens, line.Units), "", money.Grouped(line.Credits), "", "", "", "",
			currency.Format(line.AmountMinor), "", "", "")
	}
	if entry.WithinMinor != 0 {
		t.add("  charged within the period before", "", "", "", "", "", "", "", "", currency.Format(-entry.WithinMinor),
			"", "", "")
	}
}

// shortID is as much of a charge's id as explain needs to know it by.
func shortID(id string) string { return id[:min(len(id), len("oc_")+12)] }

// change compares with the period before.
func change(entry plan.Entry, currency money.Currency) string {
	if entry.ChangeMinor == nil {
		return ""
	}
	shown := currency.Format(*entry.ChangeMinor)
	if *entry.ChangeMinor > 0 {
		shown = "+" + shown
	}
	if entry.ChangePercent != "" {
		shown += " (" + entry.ChangePercent + ")"
	}
	return shown
}

func productOf(charge plan.Charge) string {
	if charge.Kind != plan.KindOverage {
		return charge.Product + " (" + charge.Kind + ")"
	}
	return charge.Product
}

// period writes a period as people do: dates where it begins and ends at midnight UTC, else instants.
func period(charge plan.Charge) string {
	start, end := charge.PeriodStart.Format(time.RFC3339), charge.PeriodEnd.Format(time.RFC3339)
	const midnight = "T00:00:00Z"
	if strings.HasSuffix(start, midnight) && strings.HasSuffix(end, midnight) {
		return strings.TrimSuffix(start, midnight) + " to " + strings.TrimSuffix(end, midnight)
	}
	return start + " to " + end
}

// pricePerCredit is what a credit of overage costs, in ranges "0.01 to 10,000, then 0.008 and 5 once".
func pricePerCredit(entry plan.Entry) string {
	price := orUnknown(entry.PerCredit)
	if len(entry.Tiers) > 0 {
		price = pricesByRange(entry)
	}
	if entry.Minimum.IsPositive() {
		price += ", at least " + money.Grouped(entry.Minimum)
	}
	return price
}

func pricesByRange(entry plan.Entry) string {
	parts := []string{}
	for _, tier := range entry.Tiers {
		part := money.Grouped(tier.PerCredit)
		if tier.Flat.IsPositive() {
			part += " and " + money.Grouped(tier.Flat) + " once"
		}
		if tier.UpTo.IsPositive() {
			part += " to " + money.Grouped(tier.UpTo)
		}
		parts = append(parts, part)
	}
	if entry.TiersMode != "" {
		return "by " + entry.TiersMode + " " + strings.Join(parts, ", else ")
	}
	return strings.Join(parts, ", then ")
}

// orUnknown writes a figure that may be unknown.
func orUnknown(figure *decimal.Decimal) string {
	if figure == nil {
		return "?"
	}
	return money.Grouped(*figure)
}
