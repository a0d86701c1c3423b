package main

import (
	"context"
	"fmt"
	"io"

	"github.com/creditmill/creditmill/ingest"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

func newRejectsCommand(a *app) *cobra.Command {
	var raw bool
	command := &cobra.Command{
		Use:   "rejects [LOAD_ID]",
		Short: "Show rows that were refused, and why",
		Long: "rejects shows the refused rows of one load, or of all that count. With --raw it prints the rows alone, as " +
			"they stood in the file, to be mended and loaded again.",
		Example: `  creditmill rejects ld_12
  creditmill rejects ld_12 --raw > mend.jsonl`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runRejects(command.Context(), args, raw)
		},
	}
	command.Flags().BoolVar(&raw, "raw", false, "print the rows as they stood in the file and nothing else")
	return command
}

// rejectRow is a reject as --json prints it.
type rejectRow struct {
	LoadID    string `json:"load_id"`
	RowNumber uint64 `json:"row_number"`
	Field     string `json:"field"`
	Reason    string `json:"reason"`
	Raw       string `json:"raw"`
}

func (a *app) runRejects(ctx context.Context, args []string, raw bool) error {
	var seq uint64
	if len(args) == 1 {
		parsed, err := ingest.ParseLoadID(args[0])
		if err != nil {
			return &usageError{err: err}
		}
		seq = parsed
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	if raw {
		return ingest.Rejects(ctx, w, seq, func(reject ingest.Reject) error {
			_, err := io.WriteString(a.stdout, reject.Raw+"\n")
			return err
		})
	}
	rows := []rejectRow{}
	err = ingest.Rejects(ctx, w, seq, func(reject ingest.Reject) error {
		rows = append(rows, rejectRow{
			LoadID: ingest.LoadID(reject.LoadSeq), RowNumber: reject.RowNumber, Field: reject.Field, Reason: reject.Reason,
			Raw: reject.Raw,
		})
		return nil
	})
	if err != nil {
		return err
	}
	return a.print(rows, func(out io.Writer) error {
		if len(rows) == 0 {
			a.note("no rows were rejected")
			return nil
		}
		t := newTable(out, "load", "row", "field", "reason")
		for _, row := range rows {
			t.AppendRow(table.Row{row.LoadID, row.RowNumber, row.Field, row.Reason})
		}
		t.Render()
		_, err := fmt.Fprintf(out, "%d rows; --raw prints them as they stood in the file\n", len(rows))
		return err
	})
}
