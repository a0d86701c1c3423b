package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/invoice/explain"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

func newExplainCommand(a *app) *cobra.Command {
	var asOf string
	var rows bool
	command := &cobra.Command{
		Use:   "explain CHARGE|CUSTOMER|STRIPE_ID",
		Short: "Walk a charge down to days, prices, loads, files and rows",
		Long: "explain adds a charge up again from the raw events: its lines, the days of each line with the prices that " +
			"held, and the files they came from. A posted charge is explained with the catalog and the loads it was " +
			"frozen with, any other from the present preview. Where the sum does not come to the charge, that is an error. " +
			"The charge is named by its id or the first twelve characters behind oc_, by the id of Stripe's item or invoice " +
			"(ii_…, in_…), or by its customer: then the latest is explained, and the others are named.",
		Example: "  creditmill explain oc_6k6g4bp5wulee7dpzgb57ujj5v --rows\n  creditmill explain oc_6k6g4bp5wule\n" +
			"  creditmill explain ii_1PqRstLkdIwHu7ix\n  creditmill explain acme",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runExplain(command.Context(), args[0], asOf, rows)
		},
	}
	command.Flags().StringVar(&asOf, "as-of", "", "look for the charge in the preview as of this time (default now)")
	command.Flags().BoolVar(&rows, "rows", false, "name the rows of each file too")
	return command
}

func (a *app) runExplain(ctx context.Context, name, asOfText string, rows bool) error {
	asOf, err := a.asOf("as-of", asOfText)
	if err != nil {
		return err
	}
	client, err := a.previewClient()
	if err != nil {
		return err
	}
	runner, release, err := a.openInvoice(ctx, planning{asOf: asOf, client: client})
	if err != nil {
		return err
	}
	defer release()
	found, err := runner.Find(ctx, name)
	if errors.Is(err, explain.ErrNoCharge) {
		return &usageError{err: err}
	}
	if err != nil {
		return err
	}
	if others := found[1:]; len(others) > 0 {
		a.note("%s has %s more: %s", name, counted(len(others), "charge"), strings.Join(others, ", "))
	}
	explained, err := runner.Explain(ctx, found[0], rows)
	if err != nil {
		return err
	}
	if rows {
		if err := a.explainObjects(ctx, explained); err != nil {
			return err
		}
	}
	currency := money.Displayed(explained.Currency)
	return a.print(explained, func(w io.Writer) error {
		printSum(w, explained, currency)
		printDays(w, explained, currency)
		printFiles(w, explained, rows)
		return nil
	})
}

// explainObjects tells which objects rows are of, where their load is made of many.
func (a *app) explainObjects(ctx context.Context, e explain.Explanation) error {
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	seqs := make([]uint64, len(e.Loads))
	for i, load := range e.Loads {
		if seqs[i], err = schemas.ParseLoadID(load.LoadID); err != nil {
			return err
		}
	}
	objects, err := ingest.ObjectsOf(ctx, w, seqs)
	if err != nil {
		return err
	}
	for _, line := range e.Lines {
		for _, day := range line.Days {
			for i := range day.Loads {
				part := &day.Loads[i]
				seq, err := schemas.ParseLoadID(part.LoadID)
				if err != nil {
					return err
				}
				for _, of := range objects.Rows(seq, part.Rows) {
					part.Objects = append(part.Objects, explain.ObjectRows(of))
				}
			}
		}
	}
	return nil
}

// printSum writes who is charged for what, and the sum from credits to the amount.
func printSum(w io.Writer, e explain.Explanation, currency money.Currency) {
	state := "in the present preview, " + e.Status
	if e.Frozen {
		state = strings.TrimSpace(e.State + " " + e.StripeID)
	}
	fmt.Fprintf(w, "charge    %s (%s)\n", e.ID, state)
	sayf(w, "customer  %s, %s, %s\n", e.CustomerID, productOf(e.Charge), period(e.Charge))
	fmt.Fprintf(w, "plan      %s as of %s\n", e.PlanSHA, e.AsOf.Format(time.RFC3339))
	fmt.Fprintf(w, "catalog   %s\n", e.CatalogSHA)
	if e.HoldReason != "" {
		sayf(w, "held      %s\n", e.HoldReason)
	}
	for i, part := range e.Parts {
		of := ""
		if part.FeatureID != "" {
			of = ", " + part.FeatureID
		}
		sayf(w, "part      %d of %d: %s, %s%s\n", i+1, len(e.Parts), currency.Format(part.AmountMinor), part.ID, of)
	}
	fmt.Fprintln(w)
	if e.Granted != nil && e.Overage != nil {
		fmt.Fprintf(w, "%s used, %s granted: overage %s", counted(money.Grouped(e.Used), "credit"), money.Grouped(*e.Granted),
			money.Grouped(*e.Overage))
		if e.Capped.IsPositive() {
			fmt.Fprintf(w, ", of which %s are not billed", money.Grouped(*e.Capped))
		}
		fmt.Fprintln(w)
	} else {
		fmt.Fprintf(w, "%s used\n", counted(money.Grouped(e.Used), "credit"))
	}
	switch e.Kind {
	case plan.KindThreshold:
		fmt.Fprintf(w, "the period comes to %s so far, of which each full %s is charged", currency.Format(e.TotalMinor),
			currency.FormatExact(e.ChargeEvery))
		printBefore(w, e)
		fmt.Fprintf(w, ": %s\n\n", currency.Format(e.AmountMinor))
		return
	case plan.KindAdjustment:
		fmt.Fprintf(w, "the period comes to %s now", currency.Format(e.TotalMinor))
		printBefore(w, e)
		if e.OtherCurrency() {
			fmt.Fprintf(w, ": in another currency, so %s remain to be settled by hand\n\n",
				counted(money.Grouped(e.BilledCredits), "billed credit"))
			return
		}
		fmt.Fprintf(w, ": %s\n\n", currency.Format(e.AmountMinor))
		return
	}
	price := pricePerCredit(e.Entry)
	fmt.Fprintf(w, "%s billable credits × %s = %s exactly\n", money.Grouped(e.BillableCredits), price,
		currency.FormatExact(currency.FromMinor(e.TotalMinor).Sub(e.Residual)))
	fmt.Fprintf(w, "%s billed in units of %d × %s = %s, %s of it by rounding\n\n", money.Grouped(e.BilledCredits),
		e.BillingUnits, price, currency.Format(e.TotalMinor), currency.FormatExact(e.Residual))
	if len(e.Before) > 0 {
		fmt.Fprintf(w, "the period comes to %s", currency.Format(e.TotalMinor))
		printBefore(w, e)
		fmt.Fprintf(w, ": %s\n\n", currency.Format(e.AmountMinor))
	}
}

// printBefore writes what was charged of the period before.
func printBefore(w io.Writer, e explain.Explanation) {
	for _, earlier := range e.Before {
		fmt.Fprintf(w, ", less %s charged before (%s, %s)",
			money.Displayed(earlier.Currency).Format(earlier.AmountMinor), earlier.Kind, earlier.ID)
	}
}

// printDays writes the lines, each with its days and the prices that held.
func printDays(w io.Writer, e explain.Explanation, currency money.Currency) {
	headers := []any{"feature", "day", "price from", "pool", "tokens", "per token", "credits", "share", "priced by"}
	if slices.ContainsFunc(e.Lines, func(line explain.ExplainedLine) bool { return len(line.Units) > 0 }) {
		headers = []any{"feature", "day", "price from", "unit", "quantity", "per unit", "credits", "share", "priced by"}
	}
	shown := newTable(w, headers...)
	shown.SetColumnConfigs(append(rightAligned(5, 6, 7, 8), table.ColumnConfig{Number: 9, Hidden: !e.AnyEntry()}))
	for _, line := range e.Lines {
		for _, day := range line.Days {
			date := day.Day
			for _, part := range day.Priced {
				shown.AppendRow(table.Row{
					line.FeatureID, date, part.PriceFrom.Format(time.RFC3339), part.Unit, money.Grouped(part.Quantity),
					orUnknown(part.PerUnit), money.Grouped(part.Credits), "", part.Entry,
				})
				date = ""
			}
		}
		used := money.GroupDigits(line.Tokens.String())
		if len(line.Units) > 0 {
			used = usedText(line.Tokens, line.Units)
		}
		shown.AppendRow(table.Row{
			line.FeatureID, "total", "", "", used, "", money.Grouped(line.Credits),
			currency.Format(line.AmountMinor),
		})
		shown.AppendSeparator()
	}
	shown.AppendRow(table.Row{"total", "", "", "", "", "", money.Grouped(e.Used), currency.Format(e.AmountMinor)})
	shown.Render()
	fmt.Fprintln(w)
	for _, unrated := range e.Unrated {
		what := "model " + unrated.Model
		if unrated.Feature != "" {
			what = "feature " + unrated.Feature
		}
		lack := ""
		if unrated.FeatureID != "" {
			lack = " for units that it was used in"
		}
		sayf(w, "%s has no price%s: %s with %s at no cost\n", what, lack, counted(unrated.Events, "event"),
			usedText(unrated.Tokens, unrated.Units))
	}
}

// printFiles writes the loads, and which rows of them belong to which day.
func printFiles(w io.Writer, e explain.Explanation, rows bool) {
	files := newTable(w, "load", "file", "events", "tokens", unitsHeader, "status", "sha256")
	none := !slices.ContainsFunc(e.Loads, func(load explain.ExplainedLoad) bool { return len(load.Units) > 0 })
	files.SetColumnConfigs(append(hideUnits(none),
		table.ColumnConfig{Number: 3, Align: text.AlignRight, AlignHeader: text.AlignRight},
		table.ColumnConfig{Number: 4, Align: text.AlignRight, AlignHeader: text.AlignRight}))
	for _, load := range e.Loads {
		files.AppendRow(table.Row{
			load.LoadID, load.File, money.GroupDigits(strconv.FormatUint(load.Events, 10)),
			money.GroupDigits(load.Tokens.String()),
			load.Units, load.Status, load.SHA256,
		})
	}
	files.Render()
	for _, load := range e.Loads {
		if load.ExpiredAt != nil {
			fmt.Fprintf(w, "rows of %s expired on %s; their sums by day stand for them\n", load.LoadID,
				load.ExpiredAt.UTC().Format(time.DateOnly))
		}
	}
	if !rows {
		return
	}
	fmt.Fprintln(w)
	numbers := newTable(w, "feature", "day", "model", "load", "events", "rows")
	rightAlign(numbers, 5)
	for _, line := range e.Lines {
		for _, day := range line.Days {
			for _, part := range day.Loads {
				used := part.Model + part.Feature // rows name one of them
				which := objectRows(part)
				numbers.AppendRow(table.Row{line.FeatureID, day.Day, used, part.LoadID, part.Events, which[0]})
				for _, more := range which[1:] {
					numbers.AppendRow(table.Row{"", "", "", "", "", more})
				}
			}
		}
	}
	numbers.Render()
}

// objectRows writes the rows of a file, or those of each object where the load is made of many.
func objectRows(part explain.DayLoad) []string {
	if len(part.Objects) == 0 {
		return []string{rowRanges(part.Rows)}
	}
	which := make([]string, len(part.Objects))
	for i, object := range part.Objects {
		which[i] = object.Object + " " + rowRanges(object.Rows)
	}
	return which
}

// rowRanges writes row numbers as 1-4, 9.
func rowRanges(ranges [][2]uint64) string {
	parts := []string{}
	for _, r := range ranges {
		part := ingest.RowNumber(r[0]).String()
		if r[1] != r[0] {
			part += "-" + ingest.RowNumber(r[1]).String()
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}
