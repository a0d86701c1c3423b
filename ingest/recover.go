package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Load is a row of the loads list.
type Load struct {
	Seq           uint64    `ch:"load_seq"`
	Status        string    `ch:"status"` // committed, aborted, discarded, withdrawn, dismissed or loading
	File          string    `ch:"file"`
	SHA256        string    `ch:"sha256"`
	Source        string    `ch:"source"`
	SizeBytes     uint64    `ch:"size_bytes"`
	RowsRead      uint64    `ch:"rows_read"`
	RowsLoaded    uint64    `ch:"rows_loaded"`
	RowsDuplicate uint64    `ch:"rows_duplicate"`
	RowsConflict  uint64    `ch:"rows_conflict"`
	RowsRejected  uint64    `ch:"rows_rejected"`
	RowsSkipped   uint64    `ch:"rows_skipped"`
	RowsReplaced  uint64    `ch:"rows_replaced"` // of earlier loads; only where loads are listed
	StartedAt     time.Time `ch:"started_at"`
	ChangedAt     time.Time `ch:"changed_at"`
	Message       string    `ch:"message"`
}

// Recover clears away what killed loads left behind: their rows are removed and they are listed as discarded. Whoever
// calls it holds the lock of the writers; it may be killed and called again.
func Recover(ctx context.Context, w *warehouse.Warehouse, now func() time.Time) error {
	return w.OutliveEngine(ctx, func() error {
		if err := discardUnfinished(ctx, w, now); err != nil {
			return err
		}
		return removeStrays(ctx, w)
	})
}

// removeStrays takes out rows that came after their load was discarded. Nobody sees them.
func removeStrays(ctx context.Context, w *warehouse.Warehouse) error {
	type stray struct {
		Seq uint64 `ch:"load_seq"`
	}
	strays, err := warehouse.Select[stray](ctx, w, "ingest/stray_rows.sql", nil)
	if err != nil {
		return fmt.Errorf("look for rows of discarded loads: %w", err)
	}
	for _, load := range strays {
		if err := removeRows(ctx, w, load.Seq); err != nil {
			return err
		}
	}
	return nil
}

func discardUnfinished(ctx context.Context, w *warehouse.Warehouse, now func() time.Time) error {
	unfinished, err := warehouse.Select[Load](ctx, w, "ingest/unfinished_loads.sql", nil)
	if err != nil {
		return fmt.Errorf("look for unfinished loads: %w", err)
	}
	for _, load := range unfinished {
		// The server may still have the row that commits before it; this one outranks it, so no reader sees rows go.
		if err := changeStatus(ctx, w, load.Seq, statusLoading, "", now); err != nil {
			return fmt.Errorf("discard load %s: %w", schemas.LoadID(load.Seq), err)
		}
		if err := removeRows(ctx, w, load.Seq); err != nil {
			return fmt.Errorf("discard load %s: %w", schemas.LoadID(load.Seq), err)
		}
		if err := changeStatus(ctx, w, load.Seq, statusDiscarded, "it was killed before it was committed", now); err != nil {
			return fmt.Errorf("discard load %s: %w", schemas.LoadID(load.Seq), err)
		}
	}
	return nil
}

// removeRows takes every stored row of a load that is not committed out of the warehouse.
func removeRows(ctx context.Context, w *warehouse.Warehouse, seq uint64) error {
	if err := removeEvents(ctx, w, seq); err != nil {
		return err
	}
	return remove(ctx, w, seq, "ingest/remove_rejects.sql")
}

// removeEvents is removeRows without the rejects.
func removeEvents(ctx context.Context, w *warehouse.Warehouse, seq uint64) error {
	return remove(ctx, w, seq, "ingest/remove_events.sql", "ingest/remove_duplicates.sql", "ingest/remove_replaced.sql")
}

func remove(ctx context.Context, w *warehouse.Warehouse, seq uint64, statements ...string) error {
	for _, statement := range statements {
		if err := w.Delete(ctx, statement, warehouse.Params{"load_seq": seq}); err != nil {
			return fmt.Errorf("remove rows of load %s: %w", schemas.LoadID(seq), err)
		}
	}
	return nil
}

func changeStatus(
	ctx context.Context, w *warehouse.Warehouse, seq uint64, status, message string, now func() time.Time,
) error {
	return w.Exec(ctx, "ingest/change_status.sql", warehouse.Params{
		"load_seq": seq, "status": status, "message": message, "changed_at": now(),
	})
}

func nextLoadSeq(ctx context.Context, w *warehouse.Warehouse) (uint64, error) {
	var next uint64
	if err := w.QueryRow(ctx, "ingest/next_load_seq.sql", nil, &next); err != nil {
		return 0, fmt.Errorf("number the load: %w", err)
	}
	return next, nil
}

// sameSize tells whether a committed load has a file of that size.
func sameSize(ctx context.Context, w *warehouse.Warehouse, size uint64) (bool, error) {
	var loads uint64
	err := w.QueryRow(ctx, "ingest/count_committed_by_size.sql", warehouse.Params{"size_bytes": size}, &loads)
	if err != nil {
		return false, fmt.Errorf("look up loads by size: %w", err)
	}
	return loads > 0, nil
}
