package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

func newInvoiceShowCommand(a *app) *cobra.Command {
	var events bool
	command := &cobra.Command{
		Use:   "show PERIOD",
		Short: "Show what was posted for a period, as it was frozen",
		Long: "show lists the charges that were frozen for posting, with what Stripe holds of them. PERIOD is a month, " +
			"whose periods begin in it, or a date or time inside the period. The figures are those of the time " +
			"of posting; what changed since is in the preview as an adjustment.",
		Example: "  creditmill invoice show 2026-10\n  creditmill invoice show 2026-10-15 --events",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runInvoiceShow(command.Context(), args[0], events)
		},
	}
	command.Flags().BoolVar(&events, "events", false, "list what was sent to Stripe and what came back, too")
	return command
}

// showResult is the JSON of invoice show.
type showResult struct {
	Charges []ledger.Posted `json:"charges"`
	// Totals are minor units by currency.
	Totals map[string]showTotals `json:"totals"`
}

type showTotals struct {
	FrozenMinor int64 `json:"frozen_minor"`
	PostedMinor int64 `json:"posted_minor"`
}

func (a *app) runInvoiceShow(ctx context.Context, text string, events bool) error {
	period, err := a.parsePeriod(text)
	if err != nil {
		return err
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	charges, err := ledger.Show(ctx, w, period)
	if err != nil {
		return err
	}
	result := showResult{Charges: charges, Totals: map[string]showTotals{}}
	for _, charge := range charges {
		sum := result.Totals[charge.Currency]
		sum.FrozenMinor += charge.AmountMinor
		if charge.PostedMinor != nil {
			sum.PostedMinor += *charge.PostedMinor
		}
		result.Totals[charge.Currency] = sum
	}
	return a.print(result, func(out io.Writer) error {
		if len(charges) == 0 {
			a.note("nothing was posted for %s; see what would be: creditmill invoice preview", text)
			return nil
		}
		return printPosted(out, result, events)
	})
}

// parsePeriod reads a month as its span, and a date or time as an instant.
func (a *app) parsePeriod(text string) (schemas.Period, error) {
	const month = "2006-01"
	if _, err := time.Parse(month, text); err != nil {
		at, err := a.parseTime("PERIOD", text)
		if err != nil {
			return schemas.Period{}, usagef("read period %q: want a month such as 2026-10, or a date inside the period", text)
		}
		return schemas.Period{Start: at}, nil
	}
	catalog, err := a.catalog()
	if err != nil {
		return schemas.Period{}, err
	}
	start, err := time.ParseInLocation(month, text, catalog.Timezone)
	if err != nil {
		return schemas.Period{}, usagef("read period %q: %w", text, err)
	}
	return schemas.IntervalMonth.PeriodAt(start, nil, catalog.Timezone), nil
}

func printPosted(w io.Writer, result showResult, events bool) error {
	shown := newTable(w, "customer", "product", "period", "billed credits", "exact", "amount", "state", "stripe id",
		"frozen", "charge")
	rightAlign(shown, 4, 5, 6)
	happened := newTable(w, "charge", "at", "step", "event", "status", "stripe id", "request id", "note")
	for _, charge := range result.Charges {
		currency := money.Displayed(charge.Currency)
		shown.AppendRow(table.Row{
			charge.CustomerID, productOf(charge.Charge), period(charge.Charge), money.Grouped(charge.BilledCredits),
			money.Grouped(charge.AmountExact), currency.Format(charge.AmountMinor), charge.State, charge.StripeID,
			charge.FrozenAt.Format(time.RFC3339), charge.ID,
		})
		for _, event := range charge.Events {
			happened.AppendRow(table.Row{
				charge.ID, event.At.Format(time.RFC3339), event.Step, event.Kind, blankZero(event.HTTPStatus), event.StripeID,
				event.RequestID, event.ErrCode,
			})
		}
	}
	shown.Render()
	fmt.Fprintln(w)
	if events {
		happened.Render()
		fmt.Fprintln(w)
	}
	for _, code := range slices.Sorted(maps.Keys(result.Totals)) {
		sum := result.Totals[code]
		currency := money.Displayed(code)
		_, err := fmt.Fprintf(w, "total %s: %s frozen, %s at Stripe\n", code, currency.Format(sum.FrozenMinor),
			currency.Format(sum.PostedMinor))
		if err != nil {
			return err
		}
	}
	return nil
}

func blankZero(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
