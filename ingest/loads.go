package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// The states of a load in the table loads.
const (
	statusLoading   = "loading"
	statusCommitted = "committed"
	statusAborted   = "aborted"
	statusDiscarded = "discarded"
	statusWithdrawn = "withdrawn"
	statusDismissed = "dismissed"
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
	Objects       uint64    `ch:"objects"`       // that it was made of; only where loads are listed
	StartedAt     time.Time `ch:"started_at"`
	ChangedAt     time.Time `ch:"changed_at"`
	Message       string    `ch:"message"`
}

// ErrNoLoad is returned when there is no load of the number that is asked for.
var ErrNoLoad = errors.New("no such load")

func findLoad(ctx context.Context, w *warehouse.Warehouse, seq uint64) (Load, error) {
	loads, err := warehouse.Select[Load](ctx, w, "ingest/load_by_seq.sql", warehouse.Params{"load_seq": seq})
	if err != nil {
		return Load{}, fmt.Errorf("look up load %s: %w", schemas.LoadID(seq), err)
	}
	if len(loads) == 0 {
		return Load{}, fmt.Errorf("look up load %s: %w; creditmill loads lists them", schemas.LoadID(seq), ErrNoLoad)
	}
	return loads[0], nil
}

// stateOf is the present status of a load, empty where it has none, and its revision.
func stateOf(ctx context.Context, w *warehouse.Warehouse, seq uint64) (status string, revision uint32, err error) {
	type state struct {
		Status   string `ch:"status"`
		Revision uint32 `ch:"revision"`
	}
	states, err := warehouse.Select[state](ctx, w, "ingest/load_state.sql", warehouse.Params{"load_seq": seq})
	if err != nil {
		return "", 0, fmt.Errorf("look up load %s: %w", schemas.LoadID(seq), err)
	}
	if len(states) == 0 {
		return "", 0, nil
	}
	return states[0].Status, states[0].Revision, nil
}

func changeStatus(
	ctx context.Context, w *warehouse.Warehouse, seq uint64, status, message string, now func() time.Time,
) error {
	return w.Exec(ctx, "ingest/change_status.sql", warehouse.Params{
		"load_seq": seq, "status": status, "message": message, "changed_at": now(),
	})
}

// lastLoadSeq is the highest number that a load ever had; 0 where there was none.
func lastLoadSeq(ctx context.Context, w *warehouse.Warehouse) (last uint64, err error) {
	return last, w.QueryRow(ctx, "ingest/last_load_seq.sql", nil, &last)
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
