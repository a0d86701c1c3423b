package main

import (
	"context"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate/costs"
)

// noReportError is returned where there is nothing to compare with.
type noReportError struct{ provider string }

// Error says which command loads a report.
func (e *noReportError) Error() string {
	return "reconcile-usage: no usage report of " + e.provider + " holds these days; run: creditmill costs load"
}

// reconcileUsageFlags are those of reconcile-usage.
type reconcileUsageFlags struct{ provider, from, to, tolerance string }

func newReconcileUsageCommand(a *app) *cobra.Command {
	var flags reconcileUsageFlags
	command := &cobra.Command{
		Use:   "reconcile-usage --provider NAME",
		Short: "Show what a provider billed that the logs lack",
		Long: "reconcile-usage holds the tokens that a provider counted, by day in UTC and model, against those of the " +
			"logs: what is missing was never logged (streams cut short, files not loaded), what is too many was not " +
			"billed. Days and models that no usage report names are not looked at. Beyond the tolerance it exits with 3.",
		Example: "  creditmill reconcile-usage --provider openai --from 2026-10-01 --to 2026-11-01\n" +
			"  creditmill reconcile-usage --provider anthropic --tolerance 0.5% --json",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return a.runReconcileUsage(command.Context(), flags) },
	}
	command.Flags().StringVar(&flags.provider, "provider", "", "openai, anthropic, or as your CSV names it")
	command.Flags().StringVar(&flags.from, "from", "", "first day (default: all)")
	command.Flags().StringVar(&flags.to, "to", "", "day after the last one (default: all)")
	command.Flags().StringVar(&flags.tolerance, "tolerance", "1%",
		"how far input and output may be apart, of what was billed")
	return command
}

// usageDifference is a day and model as --json prints it. Tokens are whole numbers.
type usageDifference struct {
	Day           string          `json:"day"`
	Model         string          `json:"model"`
	BilledInput   decimal.Decimal `json:"billed_input_tokens"`
	LoggedInput   decimal.Decimal `json:"logged_input_tokens"`
	MissingInput  decimal.Decimal `json:"missing_input_tokens"`
	BilledOutput  decimal.Decimal `json:"billed_output_tokens"`
	LoggedOutput  decimal.Decimal `json:"logged_output_tokens"`
	MissingOutput decimal.Decimal `json:"missing_output_tokens"`
	Within        bool            `json:"within_tolerance"`
}

func (f reconcileUsageFlags) read() (from, to time.Time, percent decimal.Decimal, err error) {
	from, to = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, flag := range []struct {
		name, text string
		to         *time.Time
	}{{"from", f.from, &from}, {"to", f.to, &to}} {
		if flag.text == "" {
			continue
		}
		if *flag.to, err = time.Parse(time.DateOnly, flag.text); err != nil {
			return from, to, percent, usagef("read --%s: want a day such as 2026-10-01, not %q", flag.name, flag.text)
		}
	}
	if percent, err = parsePercent(f.tolerance); err != nil {
		return from, to, percent, usagef("read --tolerance: %w", err)
	}
	return from, to, percent, nil
}

func (a *app) runReconcileUsage(ctx context.Context, flags reconcileUsageFlags) error {
	if flags.provider == "" {
		return usagef("reconcile-usage: say with --provider whose reports; creditmill costs load loads them")
	}
	from, to, percent, err := flags.read()
	if err != nil {
		return err
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	found, err := costs.Compare(ctx, w, flags.provider, from, to)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return &noReportError{flags.provider}
	}
	results, beyond := make([]usageDifference, len(found)), 0
	for i, each := range found {
		results[i] = usageDifference{
			Day: each.Day.Format(time.DateOnly), Model: each.Model,
			BilledInput: each.BilledInput, LoggedInput: each.LoggedInput, MissingInput: each.MissingInput(),
			BilledOutput: each.BilledOutput, LoggedOutput: each.LoggedOutput, MissingOutput: each.MissingOutput(),
			Within: each.Within(percent),
		}
		if !results[i].Within {
			beyond++
		}
	}
	err = a.print(results, func(out io.Writer) error {
		t := newTable(out, "day", "model", "input billed", "logged", "missing", "output billed", "logged", "missing", "")
		for _, r := range results {
			mark := "ok"
			if !r.Within {
				mark = "beyond " + flags.tolerance
			}
			t.AppendRow(table.Row{
				r.Day, r.Model, r.BilledInput, r.LoggedInput, r.MissingInput, r.BilledOutput, r.LoggedOutput, r.MissingOutput, mark,
			})
		}
		t.Render()
		return nil
	})
	if err == nil && beyond > 0 {
		err = &partialError{Reason: counted(beyond, "row") + " beyond the tolerance of " + flags.tolerance}
	}
	return err
}
