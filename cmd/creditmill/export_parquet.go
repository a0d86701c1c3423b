package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice/export"
	"github.com/creditmill/creditmill/warehouse"
)

func newExportParquetCommand(a *app) *cobra.Command {
	var file string
	command := &cobra.Command{
		Use:   "parquet VIEW",
		Short: "Write all rows of a view as Parquet",
		Long: "parquet writes a view (v_events, v_charges and so on, see docs/analytics.md) to a Parquet file: whole " +
			"numbers of up to 64 bits as integers, larger ones and decimals as decimals of 38 digits, instants to the " +
			"nanosecond in UTC, maps and lists as JSON. A number that does not fit ends it with an error, and no file is " +
			"written.",
		Example: "  creditmill export parquet v_spend_daily\n" +
			"  creditmill export parquet v_events --to events.parquet --json",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runExportParquet(command.Context(), args[0], file)
		},
	}
	command.Flags().StringVar(&file, "to", "", "write to this file (default VIEW.parquet)")
	return command
}

func (a *app) runExportParquet(ctx context.Context, view, file string) error {
	switch {
	case !strings.HasPrefix(view, "v_"):
		return usagef("export %s: want a view, whose name begins with v_; see: creditmill sql \"SHOW TABLES\"", view)
	case file == stdoutName:
		return usagef("export parquet: name a file with --to: stdout takes no Parquet")
	case file == "":
		file = view + ".parquet"
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	conn, err := w.Analyst()
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it only reads
	rows, err := warehouse.ReadView(ctx, conn, view)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns := export.ViewColumns(rows)
	return a.export(file, formatParquet, columns, func(out io.Writer) (count int, err error) {
		writer := export.NewParquet(out, columns)
		if count, err = export.View(rows, columns, writer); err != nil {
			return count, fmt.Errorf("export %s: %w", view, err)
		}
		return count, writer.Close()
	})
}
