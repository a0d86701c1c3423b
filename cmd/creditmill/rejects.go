package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

func newRejectsCommand(a *app) *cobra.Command {
	var raw, repeated bool
	command := &cobra.Command{
		Use:   "rejects [LOAD_ID]",
		Short: "Show rows that were refused, and why",
		Long: "rejects shows the refused rows of one load, or of all that count. With --raw it prints the rows alone, as " +
			"they stood in the file, so that you can fix and load them again (rows of a CSV file need their " +
			"header above them). With " +
			"--repeated it shows the rows that repeat or contradict an event that was loaded before, and where both stand.",
		Example: `  creditmill rejects ld_12
  creditmill rejects ld_12 --raw > fixed.jsonl
  creditmill rejects ld_12 --repeated`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runRejects(command.Context(), args, raw, repeated)
		},
	}
	command.Flags().BoolVar(&raw, "raw", false, "print the rows as they stood in the file and nothing else")
	command.Flags().BoolVar(&repeated, "repeated", false, "show duplicates and conflicts instead")
	return command
}

const objectRowHeader = "row in it"

// rejectRow is a reject as --json prints it.
type rejectRow struct {
	LoadID    string           `json:"load_id"`
	RowNumber ingest.RowNumber `json:"row_number"`
	Field     string           `json:"field"`
	Reason    string           `json:"reason"`
	Raw       string           `json:"raw"`
	// Object and ObjectRow are the object in object storage and the row's number there; of a file there are none.
	Object    string           `json:"object,omitempty"`
	ObjectRow ingest.RowNumber `json:"object_row,omitempty"`
}

func (a *app) runRejects(ctx context.Context, args []string, raw, repeated bool) error {
	if raw && repeated {
		return usagef("rejects: --raw prints refused rows only, without --repeated")
	}
	var seq uint64
	if len(args) == 1 {
		parsed, err := schemas.ParseLoadID(args[0])
		if err != nil {
			return &usageError{err: err}
		}
		seq = parsed
	}
	w, _, err := a.warehouseWithNote(ctx)
	if err != nil {
		return err
	}
	if repeated {
		return a.printRepeated(ctx, w, seq)
	}
	if raw {
		out := unguarded(a.stdout) // to be corrected and loaded again
		if isTerminal(out) {
			out = a.stdout
		}
		removed := 0
		err := ingest.Rejects(ctx, w, seq, func(reject ingest.Reject) error {
			if reject.Raw == "" {
				removed++
				return nil
			}
			_, err := io.WriteString(out, reject.Raw+"\n")
			return err
		})
		if removed > 0 {
			a.note("%s: the text was removed (v_removals says when)", counted(removed, "row"))
		}
		return err
	}
	rows := []rejectRow{}
	err = ingest.Rejects(ctx, w, seq, func(reject ingest.Reject) error {
		rows = append(rows, rejectRow{
			LoadID: schemas.LoadID(reject.LoadSeq), RowNumber: ingest.RowNumber(reject.RowNumber),
			Field: reject.Field, Reason: reject.Reason,
			Raw: reject.Raw, Object: reject.Object, ObjectRow: ingest.RowNumber(reject.ObjectRow),
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
		t := newTable(out, "load", "row", "field", "reason", "object", objectRowHeader)
		none := !slices.ContainsFunc(rows, func(row rejectRow) bool { return row.Object != "" })
		t.SetColumnConfigs([]table.ColumnConfig{{Name: "object", Hidden: none}, {Name: objectRowHeader, Hidden: none}})
		for _, row := range rows {
			t.AppendRow(table.Row{row.LoadID, row.RowNumber, row.Field, row.Reason, row.Object, row.ObjectRow})
		}
		t.Render()
		_, err := fmt.Fprintf(out, "%s; --raw shows what stood in the file\n", counted(len(rows), "row"))
		return err
	})
}

// repeatedRow is a duplicate or a conflict as --json prints it.
type repeatedRow struct {
	LoadID         string           `json:"load_id"`
	File           string           `json:"file"`
	RowNumber      ingest.RowNumber `json:"row_number"`
	Kind           string           `json:"kind"`
	FirstLoadID    string           `json:"first_load_id"`
	FirstFile      string           `json:"first_file"`
	FirstRowNumber ingest.RowNumber `json:"first_row_number"`
	// FileRow and FirstFileRow are the rows' numbers in the files, where these are objects of a load of many.
	FileRow      ingest.RowNumber `json:"file_row"`
	FirstFileRow ingest.RowNumber `json:"first_file_row"`
	Source       string           `json:"source"`
	EventID      string           `json:"event_id"`
}

func (a *app) printRepeated(ctx context.Context, w *warehouse.Warehouse, seq uint64) error {
	rows := []repeatedRow{}
	err := ingest.RepeatedRows(ctx, w, seq, func(r ingest.Repeated) error {
		rows = append(rows, repeatedRow{
			LoadID: schemas.LoadID(r.LoadSeq), File: r.File, RowNumber: ingest.RowNumber(r.RowNumber), Kind: r.Kind,
			FirstLoadID: schemas.LoadID(r.FirstLoadSeq), FirstFile: r.FirstFile,
			FirstRowNumber: ingest.RowNumber(r.FirstRowNumber),
			FileRow:        ingest.RowNumber(r.FileRow), FirstFileRow: ingest.RowNumber(r.FirstFileRow),
			Source: r.Source, EventID: r.EventID,
		})
		return nil
	})
	if err != nil {
		return err
	}
	return a.print(rows, func(out io.Writer) error {
		if len(rows) == 0 {
			a.note("no rows repeat an event that was loaded before")
			return nil
		}
		t := newTable(out, "kind", "event", "load", "file", "row", "counts instead", "file", "row")
		for _, row := range rows {
			t.AppendRow(table.Row{
				row.Kind, row.EventID, row.LoadID, row.File, row.FileRow, row.FirstLoadID, row.FirstFile, row.FirstFileRow,
			})
		}
		t.Render()
		return nil
	})
}
