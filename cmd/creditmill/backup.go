package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/ingest/objects"
	"github.com/creditmill/creditmill/warehouse"
)

func newBackupCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "backup TO",
		Short: "Copy the embedded warehouse to a new folder or prefix while others read it",
		Long: "backup copies all that is stored to the folder TO, which it makes, with a manifest of hashes and counts " +
			"that is written last: a backup without manifest.json is not complete. TO may be s3://bucket/prefix; then the " +
			"copy is made beside the data first, which takes as much room again until it is sent. Commands that read go on " +
			"meanwhile; those that write exit with 11 and can be tried again. Config, price book and logs are not in it: " +
			"keep them in git and where they are.\n\nA server of yours is backed up by its own BACKUP.",
		Example: "  creditmill backup /backups/2026-11-01\n  creditmill backup s3://backups/creditmill/2026-11-01 --json",
		Args:    cobra.ExactArgs(1),
		RunE:    func(command *cobra.Command, args []string) error { return a.runBackup(command.Context(), args[0]) },
	}
}

// backupResult is the JSON of backup and restore.
type backupResult struct {
	Backup          string                 `json:"backup"`
	Warehouse       string                 `json:"warehouse"`
	SHA256          string                 `json:"sha256"`
	MadeAt          time.Time              `json:"made_at"`
	ClickHouse      string                 `json:"clickhouse"`
	Schema          uint32                 `json:"schema"`
	CatalogSHA256   string                 `json:"catalog_sha256"`
	LastLoadSeq     uint64                 `json:"last_load_seq"`
	LastChargeEvent *warehouse.ChargeEvent `json:"last_charge_event"`
	Rows            map[string]uint64      `json:"rows"`
	Files           int                    `json:"files"`
	Bytes           int64                  `json:"bytes"`
}

func newBackupResult(w *warehouse.Warehouse, folder string, m warehouse.Manifest) backupResult {
	return backupResult{
		Backup: folder, Warehouse: w.DSN(), SHA256: m.SHA256, MadeAt: m.MadeAt, ClickHouse: m.ClickHouse, Schema: m.Schema,
		CatalogSHA256: m.CatalogSHA256, LastLoadSeq: m.LastLoadSeq, LastChargeEvent: m.LastChargeEvent, Rows: m.Rows,
		Files: len(m.Files), Bytes: m.Bytes,
	}
}

func (a *app) runBackup(ctx context.Context, to string) error {
	w, release, err := a.warehouseToWrite(ctx)
	if err != nil {
		return err
	}
	done := false
	free := func() {
		if !done {
			release()
		}
		done = true
	}
	defer free()
	backUp := w.BackUp
	if objects.IsURL(to) {
		backUp = func(ctx context.Context, url string, written func()) (warehouse.Manifest, error) {
			return a.backUpTo(ctx, w, url, written)
		}
	}
	made, err := backUp(ctx, to, free)
	if err != nil {
		return err
	}
	result := newBackupResult(w, to, made)
	return a.print(result, func(out io.Writer) error {
		fmt.Fprintf(out, "backed up %s to %s\n", w.DSN(), to)
		return result.write(out)
	})
}

func (r backupResult) write(out io.Writer) error {
	t := newTable(out)
	t.AppendRow([]any{"made at", r.MadeAt.Format(time.RFC3339)})
	t.AppendRow([]any{"size", fmt.Sprintf("%s in %s", counted(r.Bytes, "byte"), counted(r.Files, "file"))})
	t.AppendRow([]any{"events", r.Rows["usage_events"]})
	last := "none yet"
	if event := r.LastChargeEvent; event != nil {
		last = fmt.Sprintf("%s of %s at %s", event.Kind, event.ChargeID, event.At.Format(time.RFC3339))
	}
	t.AppendRow([]any{"last charge event", last})
	t.AppendRow([]any{"schema", fmt.Sprintf("migration %d, ClickHouse %s", r.Schema, r.ClickHouse)})
	t.AppendRow([]any{"sha256", r.SHA256})
	t.Render()
	return nil
}
