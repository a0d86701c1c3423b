package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/sql"
	"github.com/creditmill/creditmill/warehouse"
)

// errTooManyRejects ends the reading of a load that must be aborted.
var errTooManyRejects = errors.New("too many rejects")

// rejectBuffer holds rejects until they are worth an insert.
type rejectBuffer struct {
	rejects []event.Reject
	bytes   int
}

const (
	rejectsPerInsert     = 50_000
	rejectBytesPerInsert = 16 << 20
)

func (r *rejectBuffer) add(ctx context.Context, w *warehouse.Warehouse, rejects []event.Reject) error {
	for _, reject := range rejects {
		r.rejects = append(r.rejects, reject)
		r.bytes += len(reject.Raw)
		if len(r.rejects) >= rejectsPerInsert || r.bytes >= rejectBytesPerInsert {
			if err := r.flush(ctx, w); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rejectBuffer) flush(ctx context.Context, w *warehouse.Warehouse) error {
	if len(r.rejects) == 0 {
		return nil
	}
	batch, err := w.Conn().PrepareBatch(w.Marked(ctx), strings.TrimSpace(sql.Text("ingest/insert_rejects.sql")))
	if err != nil {
		return fmt.Errorf("insert rejects: %w", err)
	}
	defer batch.Close()
	for i := range r.rejects {
		if err := batch.AppendStruct(&r.rejects[i]); err != nil {
			return fmt.Errorf("insert rejects: %w", err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert rejects: %w", err)
	}
	r.rejects, r.bytes = r.rejects[:0], 0
	return nil
}
