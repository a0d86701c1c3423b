package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice/export"
	"github.com/creditmill/creditmill/money"
)

// marginFlags are those of margin.
type marginFlags struct {
	period, by string
	testMode   bool
}

var marginGroups = []string{export.ByCustomer, export.ByModel, export.ByProduct}

func newMarginCommand(a *app) *cobra.Command {
	var flags marginFlags
	command := &cobra.Command{
		Use:   "margin --period MONTH",
		Short: "Show a month's revenue without what providers bill for it",
		Long: "margin takes what providers bill (creditmill costs load) off the month's revenue, which is that of " +
			"`creditmill export journal`: the used and lapsed share of base prices, and overage. Costs are shared among " +
			"customers by the tokens of each model, revenue among models by the credits spent on each. What belongs to " +
			"nobody has a row without a name.",
		Example: "  creditmill margin --period 2026-10\n  creditmill margin --period 2026-10 --by model --json",
		Args:    cobra.NoArgs,
		RunE:    func(command *cobra.Command, _ []string) error { return a.runMargin(command.Context(), flags) },
	}
	command.Flags().StringVar(&flags.period, "period", "", "the month, such as 2026-10, in the catalog's timezone")
	command.Flags().StringVar(&flags.by, "by", export.ByCustomer, strings.Join(marginGroups, ", "))
	command.Flags().BoolVar(&flags.testMode, "test-mode", false, "charges of Stripe's test mode instead of live ones")
	completeWith(command, "by", choices(marginGroups...))
	return command
}

func (a *app) runMargin(ctx context.Context, flags marginFlags) error {
	switch {
	case flags.period == "":
		return usagef("margin: say with --period which month, such as 2026-10")
	case !slices.Contains(marginGroups, flags.by):
		return usagef("read --by %q: want one of %s", flags.by, strings.Join(marginGroups, ", "))
	}
	book, err := a.catalog()
	if err != nil {
		return err
	}
	month, err := export.ParseMonth(flags.period, book.Timezone)
	if err != nil {
		return usagef("read --period: %w", err)
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	margin, err := export.MakeMargin(ctx, w, book, month, flags.by, !flags.testMode)
	if err != nil {
		return err
	}
	for _, left := range margin.LeftOut {
		a.note("left out, %s (%d)", strings.TrimPrefix(left.Product+": "+left.Reason, ": "), left.Count)
	}
	return a.print(margin, func(out io.Writer) error {
		printMargin(out, margin, book.Currency)
		return nil
	})
}

func printMargin(out io.Writer, margin export.Margin, currency money.Currency) {
	t := newTable(out, margin.By, "revenue", "cost", "margin")
	for _, row := range margin.Rows {
		name := row.Name
		if name == "" {
			name = "(none)"
		}
		t.AppendRow(table.Row{
			name, currency.Format(row.RevenueMinor), currency.Format(row.CostMinor), currency.Format(row.MarginMinor),
		})
	}
	t.AppendRow(table.Row{
		"total", currency.Format(margin.RevenueMinor), currency.Format(margin.CostMinor),
		currency.Format(margin.MarginMinor),
	})
	t.Render()
}
