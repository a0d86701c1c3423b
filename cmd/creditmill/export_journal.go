package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice/export"
)

// journalFlags are those of export journal.
type journalFlags struct {
	period, out string
	testMode    bool
}

func newExportJournalCommand(a *app) *cobra.Command {
	var flags journalFlags
	command := &cobra.Command{
		Use:   "journal",
		Short: "Write a month's revenue as a balanced journal, as CSV",
		Long: "journal writes what a month's bookkeeping needs, by product: prices of allowances that were deferred, what " +
			"of them was used, what lapsed (breakage), and overage. Debits equal credits to the minor unit, or nothing is " +
			"written; what it cannot know is listed as left out. Without --out it goes to stdout, with --json as JSON. " +
			"docs/export.md says how each figure is made.",
		Example: "  creditmill export journal --period 2026-10\n" +
			"  creditmill export journal --period 2026-10 --out journal-2026-10.csv\n" +
			"  creditmill export journal --period 2026-10 --json",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return a.runExportJournal(command.Context(), flags) },
	}
	command.Flags().StringVar(&flags.period, "period", "", "the month, such as 2026-10, in the catalog's timezone")
	command.Flags().StringVar(&flags.out, "out", "", "write CSV to this file")
	command.Flags().BoolVar(&flags.testMode, "test-mode", false, "charges of Stripe's test mode instead of live ones")
	return command
}

func (a *app) runExportJournal(ctx context.Context, flags journalFlags) error {
	if flags.period == "" {
		return usagef("export journal: say with --period which month, such as 2026-10")
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
	journal, err := export.MakeJournal(ctx, w, book, month, !flags.testMode)
	if err != nil {
		return err
	}
	for _, left := range journal.LeftOut {
		a.note("left out, %s: %s (%d)", left.Product, left.Reason, left.Count)
	}
	columns := export.JournalColumns()
	write := func(out io.Writer) (rows int, err error) {
		writer := export.NewCSV(out, columns)
		if rows, err = journal.Write(writer); err != nil {
			return rows, err
		}
		return rows, writer.Close()
	}
	if flags.out != "" && flags.out != stdoutName {
		return a.export(flags.out, formatCSV, columns, write)
	}
	return a.print(journal, func(out io.Writer) error {
		_, err := write(out)
		return err
	})
}
