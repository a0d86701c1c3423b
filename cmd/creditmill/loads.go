package main

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
)

func newLoadsCommand(a *app) *cobra.Command {
	command := &cobra.Command{
		Use:     "loads",
		Short:   "List the loads, or dismiss one that did not come in",
		Example: "  creditmill loads\n  creditmill loads --json\n  creditmill loads dismiss ld_12 --reason \"not a log\"",
		Args:    cobra.NoArgs,
		RunE:    func(command *cobra.Command, _ []string) error { return a.runLoads(command.Context()) },
	}
	command.AddCommand(newLoadsDismissCommand(a))
	return command
}

// loadRow is a load as loads and unload print it.
type loadRow struct {
	LoadID        string    `json:"load_id"`
	File          string    `json:"file"`
	SHA256        string    `json:"sha256"`
	Source        string    `json:"source"`
	Status        string    `json:"status"`
	RowsRead      uint64    `json:"rows_read"`
	RowsLoaded    uint64    `json:"rows_loaded"`
	RowsDuplicate uint64    `json:"rows_duplicate"`
	RowsConflict  uint64    `json:"rows_conflict"`
	RowsRejected  uint64    `json:"rows_rejected"`
	RowsSkipped   uint64    `json:"rows_skipped"`
	RowsReplaced  uint64    `json:"rows_replaced"`
	Objects       uint64    `json:"objects,omitempty"` // of object storage
	Bytes         uint64    `json:"bytes"`
	StartedAt     time.Time `json:"started_at"`
	ChangedAt     time.Time `json:"changed_at"`
	Message       string    `json:"message"`
}

func newLoadRow(load ingest.Load) loadRow {
	return loadRow{
		LoadID: schemas.LoadID(load.Seq), File: load.File, SHA256: load.SHA256, Source: load.Source, Status: load.Status,
		RowsRead: load.RowsRead, RowsLoaded: load.RowsLoaded, RowsDuplicate: load.RowsDuplicate,
		RowsConflict: load.RowsConflict, RowsRejected: load.RowsRejected, RowsSkipped: load.RowsSkipped,
		RowsReplaced: load.RowsReplaced, Objects: load.Objects,
		Bytes: load.SizeBytes, StartedAt: load.StartedAt.UTC(), ChangedAt: load.ChangedAt.UTC(), Message: load.Message,
	}
}

func (a *app) runLoads(ctx context.Context) error {
	w, _, err := a.warehouseWithNote(ctx)
	if err != nil {
		return err
	}
	loads, err := ingest.Loads(ctx, w)
	if err != nil {
		return err
	}
	rows := make([]loadRow, len(loads))
	for i, load := range loads {
		rows[i] = newLoadRow(load)
	}
	return a.print(rows, func(out io.Writer) error {
		if len(rows) == 0 {
			a.note("nothing is loaded yet; load a log file with: creditmill load FILE")
			return nil
		}
		printLoadRows(out, rows...)
		return nil
	})
}

func printLoadRows(out io.Writer, rows ...loadRow) {
	t := newTable(out, "load", "status", "file", "source", "rows", "loaded", "duplicate", "conflict", "rejected",
		skippedHeader, "changed", "")
	t.SetColumnConfigs(hideSkipped(!slices.ContainsFunc(rows, func(row loadRow) bool { return row.RowsSkipped > 0 })))
	for _, row := range rows {
		t.AppendRow(table.Row{
			row.LoadID, row.Status, row.File, row.Source, row.RowsRead, row.RowsLoaded, row.RowsDuplicate, row.RowsConflict,
			row.RowsRejected, row.RowsSkipped, row.ChangedAt.Format(time.RFC3339), row.Message,
		})
	}
	t.Render()
}

const skippedHeader = "skipped"

// hideSkipped leaves the column of skipped rows out where no source skipped any.
func hideSkipped(hidden bool) []table.ColumnConfig {
	return []table.ColumnConfig{{Name: skippedHeader, Hidden: hidden}}
}
