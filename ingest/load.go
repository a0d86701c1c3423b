package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/native"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// totals are what the warehouse holds of a load.
type totals struct {
	loaded, duplicate, conflict, rejected uint64
	loadedUnits, otherUnits               schemas.Amounts // of rows that count, and of those that do not
	unitList                              string          // of all rows that count, none of which names a feature
	replaced                              Replaced
}

// load is one file on its way to being committed.
type load struct {
	config   Config
	target   native.Target
	shard    uint32 // that takes all its rows; 0 where there is one server
	options  Options
	source   schemas.Source
	file     *inputFile
	expected string // sha256 of an earlier reading; empty if there was none
	started  time.Time

	lease    *warehouse.Lease // others leave its rows alone while it is held
	seq      uint64
	revision uint32
	parts    []Part // that are read; nil unless the load is made of them
	objects  []*loadObject
	leftOut  []leftOut
	// objectsKnown counts parts that were not read, since they are loaded.
	objectsKnown uint64

	format   string
	note     string          // what was found out about the file
	chain    *event.RowChain // of the ids
	tally    event.Tally
	rejected uint64
	rejects  rejectBuffer
	ranked   bool   // an earlier load's row does not always stand
	stored   totals // what the warehouse holds, once that was checked

	rowsSoFar, rejectedSoFar atomic.Uint64 // for those who watch
}

// takeNumber takes the number of the load, which no other process is given, and the lease on it.
func (l *load) takeNumber(ctx context.Context) error {
	last, err := lastLoadSeq(ctx, l.config.Warehouse)
	if err == nil {
		l.lease, err = l.config.Warehouse.TakeNumber(ctx, warehouse.LoadSeries, last)
	}
	if err != nil {
		return fmt.Errorf("number the load: %w", err)
	}
	l.seq = l.lease.Number
	return nil
}

// chooseShard says where the rows of the load go, all of them.
func (l *load) chooseShard(ctx context.Context) (err error) {
	if l.shard, err = l.config.Warehouse.Shard(ctx); err != nil {
		return err
	}
	l.target, err = native.TargetOf(l.config.Warehouse, l.shard)
	return err
}

// onto is the context for statements that insert rows of the load.
func (l *load) onto(ctx context.Context) context.Context {
	return l.config.Warehouse.Onto(ctx, l.shard)
}

// take is called with every block in the order of the file, by one goroutine.
func (l *load) take(ctx context.Context, b *event.Block) error {
	b.Place(l.seq, l.tally.Lines(), l.chain)
	l.tally.Add(&b.Tally)
	if problem := l.tally.Combinations.Problem(); problem != "" {
		return errors.New(problem)
	}
	l.rejected += uint64(len(b.Rejects))
	l.rowsSoFar.Store(l.tally.RowsRead)
	l.rejectedSoFar.Store(l.rejected)
	if err := l.rejects.add(l.onto(ctx), l.config.Warehouse, b.Rejects); err != nil {
		return mark(err, errWarehouse)
	}
	if l.options.MaxRejects.exceeded(l.rejected, l.tally.RowsRead, false) {
		return errTooManyRejects
	}
	return nil
}

func (l *load) result(status Status) Result {
	return Result{
		LoadID: schemas.LoadID(l.seq), File: l.file.name, SHA256: l.file.sha256(), Status: status,
		RowsRead: l.tally.RowsRead, RowsRejected: l.rejected, RowsSkipped: l.tally.Skipped, Bytes: l.file.bytesRead,
		ElapsedMS: l.config.Now().Sub(l.started).Milliseconds(), ObjectsKnown: l.objectsKnown,
	}
}
