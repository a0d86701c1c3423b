package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Recover clears away what killed loads left behind: their rows are removed and they are listed as discarded. Loads
// that other processes are reading are left alone. Whoever calls it holds the lock of the writers; it may be killed and
// called again.
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
	var alive []uint64
	for _, load := range unfinished {
		ended, err := w.LeaseEnded(ctx, warehouse.LoadSeries, load.Seq)
		if err != nil {
			return err
		}
		if !ended {
			alive = append(alive, load.Seq)
			continue
		}
		if err := discard(ctx, w, load.Seq, now); err != nil {
			return fmt.Errorf("discard load %s: %w", schemas.LoadID(load.Seq), err)
		}
	}
	if len(alive) == 0 || !w.IsShared() { // else whoever has lost the lock is dead, and so are its loads
		return nil
	}
	if err := w.Exec(ctx, "ingest/fence_loads.sql", warehouse.Params{"loads": alive}); err != nil {
		return fmt.Errorf("fence loads that others read: %w", err)
	}
	return nil
}

// discard gives up a load of which nobody has a lease any more.
func discard(ctx context.Context, w *warehouse.Warehouse, seq uint64, now func() time.Time) error {
	// Its process may have given it up by itself, and let go of the lease since.
	status, _, err := stateOf(ctx, w, seq)
	if err != nil || status != statusLoading {
		return err
	}
	// The server may still have the row that commits before it; this one outranks it, so no reader sees rows go.
	if err := changeStatus(ctx, w, seq, statusLoading, "", now); err != nil {
		return err
	}
	if err := removeRows(ctx, w, seq); err != nil {
		return err
	}
	return changeStatus(ctx, w, seq, statusDiscarded, "it was killed before it was committed", now)
}

// removeRows takes every stored row of a load that is not committed out of the warehouse.
func removeRows(ctx context.Context, w *warehouse.Warehouse, seq uint64) error {
	if err := removeEvents(ctx, w, seq); err != nil {
		return err
	}
	return remove(ctx, w, seq, "ingest/remove_rejects.sql", "ingest/remove_objects.sql")
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
