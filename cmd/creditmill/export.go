package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice/export"
)

func newExportCommand(a *app) *cobra.Command {
	command := &cobra.Command{
		Use:   "export",
		Short: "Write charges as FOCUS rows, journals, and views as Parquet",
		Long: "export writes files for other programs: what was charged as rows of FOCUS, a month's " +
			"revenue as a journal, and any view as Parquet.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(newExportFocusCommand(a), newExportJournalCommand(a), newExportParquetCommand(a))
	return command
}

// The formats of exported files.
const formatCSV, formatParquet = "csv", "parquet"

// focusFlags are those of export focus.
type focusFlags struct {
	format, out, csv, provider, from, to string
	testMode                             bool
}

func newExportFocusCommand(a *app) *cobra.Command {
	var flags focusFlags
	command := &cobra.Command{
		Use:   "focus",
		Short: "Write posted charges as rows of FOCUS 1.2, CSV or Parquet",
		Long: "focus writes the charges that Stripe has as rows of FOCUS 1.2, the FinOps Open Cost and Usage " +
			"Specification: one row a line of a charge, priced in credits (PricingCurrency) and billed in money. " +
			"BilledCost adds up to what Stripe holds. docs/export.md explains each column.",
		Example: "  creditmill export focus --provider \"Example Inc\" --from 2026-10-01 --csv focus.csv\n" +
			"  creditmill export focus --provider \"Example Inc\" --format parquet --out focus.parquet",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return a.runExportFocus(command.Context(), flags) },
	}
	command.Flags().StringVar(&flags.format, "format", formatCSV, "csv or parquet")
	command.Flags().StringVar(&flags.out, "out", "", "write to this file; - is stdout, for CSV")
	command.Flags().StringVar(&flags.csv, "csv", "", "the same as --format csv --out")
	command.MarkFlagsMutuallyExclusive("csv", "out")
	command.MarkFlagsMutuallyExclusive("csv", "format")
	completeWith(command, "format", choices(formatCSV, formatParquet))
	command.Flags().StringVar(&flags.provider, "provider", "", "who provides the service and sends its invoices")
	command.Flags().StringVar(&flags.from, "from", "", "only periods that end at this time or later")
	command.Flags().StringVar(&flags.to, "to", "", "only periods that end before this time")
	command.Flags().BoolVar(&flags.testMode, "test-mode", false, "charges of Stripe's test mode instead of live ones")
	return command
}

// exportResult is the JSON of the exports.
type exportResult struct {
	File    string   `json:"file"`
	Format  string   `json:"format"`
	Rows    int      `json:"rows"`
	Columns []string `json:"columns"`
}

func (a *app) runExportFocus(ctx context.Context, flags focusFlags) error {
	name, newWriter := flags.out+flags.csv, export.NewCSV
	if flags.format == formatParquet {
		newWriter = export.NewParquet
	}
	switch {
	case flags.format != formatCSV && flags.format != formatParquet:
		return usagef("read --format %q: want csv or parquet", flags.format)
	case name == "":
		return usagef("export focus: name the file with --out, or with --csv; - is stdout")
	case strings.TrimSpace(flags.provider) == "":
		return usagef("export focus: say with --provider who provides the service")
	case name == stdoutName && (a.flags.json || flags.format == formatParquet):
		return usagef("export focus: name a file: stdout takes CSV only, and that without --json")
	}
	query := export.Query{Livemode: !flags.testMode, Provider: strings.TrimSpace(flags.provider)}
	var err error
	if query.From, query.To, err = a.exportTimes(flags.from, flags.to); err != nil {
		return err
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	columns := export.FocusColumns()
	return a.export(name, flags.format, columns, func(out io.Writer) (rows int, err error) {
		writer := newWriter(out, columns)
		if rows, err = export.Focus(ctx, w, query, writer); err != nil {
			return rows, err
		}
		return rows, writer.Close()
	})
}

// exportTimes reads the bounds; without them everything is exported.
func (a *app) exportTimes(from, to string) (first, last time.Time, err error) {
	first, last = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	if from != "" {
		if first, err = a.parseTime("from", from); err != nil {
			return first, last, err
		}
	}
	if to != "" {
		last, err = a.parseTime("to", to)
	}
	return first, last, err
}

// export writes a file and says how much is in it; on stdout there is the file only.
func (a *app) export(name, format string, columns []export.Column, write func(io.Writer) (int, error)) error {
	if name == stdoutName {
		_, err := write(a.stdout)
		return err
	}
	result := exportResult{File: name, Format: format}
	for _, column := range columns {
		result.Columns = append(result.Columns, column.Name)
	}
	err := writeFile(name, func(out io.Writer) (err error) {
		result.Rows, err = write(out)
		return err
	})
	if err != nil {
		return err
	}
	return a.print(result, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "%s with %s\n", name, counted(result.Rows, "row"))
		return err
	})
}
