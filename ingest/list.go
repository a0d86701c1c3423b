package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Loads lists all loads, in the order of their numbers.
func Loads(ctx context.Context, w *warehouse.Warehouse) ([]Load, error) {
	loads, err := warehouse.Select[Load](ctx, w, "ingest/loads.sql", nil)
	if err != nil {
		return nil, fmt.Errorf("list loads: %w", err)
	}
	return loads, nil
}

// ErrNotCommitted is returned for a load to withdraw that does not count.
var ErrNotCommitted = errors.New("load is not committed")

// ErrRowsExpired is returned for a load to withdraw whose raw rows were removed because they were old and billed.
var ErrRowsExpired = errors.New("its raw rows expired")

// ErrNotIncomplete is returned for a load to dismiss that holds no invoice.
var ErrNotIncomplete = errors.New("load is not incomplete")

// Withdraw makes a committed load count no more, from one moment to the next: the one row that says so changes what
// every reader sees. Rows elsewhere that it had made duplicates or conflicts count again. Withdraw holds the writers'
// lock and first clears away what a killed load left behind.
func Withdraw(ctx context.Context, w *warehouse.Warehouse, seq uint64, reason string,
	now func() time.Time,
) (Load, error) {
	return ending{"withdraw", []string{statusCommitted}, ErrNotCommitted, statusWithdrawn}.of(ctx, w, seq, reason, now)
}

// Dismiss says that a file which did not come in is not missed: it holds invoices no longer. The file may still be
// loaded. The reason says who dismissed it, and why. Dismiss holds the writers' lock, as Withdraw does.
func Dismiss(ctx context.Context, w *warehouse.Warehouse, seq uint64, reason string,
	now func() time.Time,
) (Load, error) {
	return ending{"dismiss", []string{statusAborted, statusDiscarded}, ErrNotIncomplete, statusDismissed}.of(
		ctx, w, seq, reason, now)
}

// ending is a change of status that a person asks for.
type ending struct {
	verb  string
	from  []string // the statuses that allow it
	other error    // for a load of any other
	to    string
}

func (e ending) of(ctx context.Context, w *warehouse.Warehouse, seq uint64, reason string,
	now func() time.Time,
) (Load, error) {
	release, err := w.Lock(ctx, warehouse.WriterLock)
	if err != nil {
		return Load{}, err
	}
	defer release()
	if err := Recover(ctx, w, now); err != nil {
		return Load{}, err
	}
	load, err := findLoad(ctx, w, seq)
	if err != nil {
		return Load{}, err
	}
	if !slices.Contains(e.from, load.Status) {
		return Load{}, fmt.Errorf("%s load %s: %w: it is %s", e.verb, schemas.LoadID(seq), e.other, load.Status)
	}
	if e.to == statusWithdrawn {
		if err := rowsAreThere(ctx, w, seq); err != nil {
			return Load{}, err
		}
	}
	if err := changeStatus(ctx, w, seq, e.to, reason, now); err != nil {
		return Load{}, fmt.Errorf("%s load %s: %w", e.verb, schemas.LoadID(seq), err)
	}
	return findLoad(ctx, w, seq)
}

// rowsAreThere is an error for a load whose raw rows expired: it could not be checked, nor be brought back.
func rowsAreThere(ctx context.Context, w *warehouse.Warehouse, seq uint64) error {
	type row struct {
		At time.Time `ch:"at"`
	}
	expired, err := warehouse.Select[row](ctx, w, "ingest/expired_load.sql", warehouse.Params{"load_seq": seq})
	if err != nil {
		return fmt.Errorf("look up load %s: %w", schemas.LoadID(seq), err)
	}
	if len(expired) > 0 {
		return fmt.Errorf("withdraw load %s: %w on %s: what it brought is billed, and stays", schemas.LoadID(seq),
			ErrRowsExpired, expired[0].At.UTC().Format(time.DateOnly))
	}
	return nil
}

// Rejects calls visit for every rejected row, in the order of loads and rows: of one load, or with seq 0 of all that
// are committed.
func Rejects(ctx context.Context, w *warehouse.Warehouse, seq uint64, visit func(event.Reject) error) error {
	return visitRows(ctx, w, "ingest/rejects.sql", seq, visit)
}

func visitRows[T any](
	ctx context.Context, w *warehouse.Warehouse, statement string, seq uint64, visit func(T) error,
) error {
	if seq != 0 {
		if _, err := findLoad(ctx, w, seq); err != nil {
			return err
		}
	}
	rows, err := w.Query(ctx, statement, warehouse.Params{"load_seq": seq})
	if err != nil {
		return fmt.Errorf("list rejects: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var row T
		if err := rows.ScanStruct(&row); err != nil {
			return fmt.Errorf("list rejects: %w", err)
		}
		if err := visit(row); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list rejects: %w", err)
	}
	return nil
}

// Repeated is a row with the identity of another row that stands instead, and where that one is.
type Repeated struct {
	LoadSeq        uint64 `ch:"load_seq"`
	RowNumber      uint64 `ch:"row_number"`
	File           string `ch:"file"`     // or object
	FileRow        uint64 `ch:"file_row"` // its place there
	Kind           string `ch:"kind"`     // duplicate: equal but for properties; conflict: not; replaced: by a later load
	FirstLoadSeq   uint64 `ch:"first_load_seq"`
	FirstRowNumber uint64 `ch:"first_row_number"`
	FirstFile      string `ch:"first_file"`
	FirstFileRow   uint64 `ch:"first_file_row"`
	Source         string `ch:"source"`
	EventID        string `ch:"event_id"`
}

// RepeatedRows calls visit for every duplicate, conflict and replaced row, in the order of loads and rows: of one load,
// or with seq 0 of all that are committed.
func RepeatedRows(ctx context.Context, w *warehouse.Warehouse, seq uint64, visit func(Repeated) error) error {
	return visitRows(ctx, w, "ingest/repeated_rows.sql", seq, visit)
}

// Reject is a row that could not become an event.
type Reject = event.Reject

// RowNumber is a row's number as it is shown: 12, or 12.3 for the third element of line 12.
type RowNumber = event.RowNumber
