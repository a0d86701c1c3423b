package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync/atomic"
	"time"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/sql"
	"github.com/creditmill/creditmill/warehouse"
)

// load is one file on its way to being committed.
type load struct {
	loader   *Loader
	options  Options
	source   schemas.Source
	file     *inputFile
	expected string // sha256 of an earlier reading; empty if there was none
	started  time.Time

	seq        uint64
	revision   uint32
	format     string
	chain      *event.RowChain // of the ids
	tally      event.Tally
	rejected   uint64
	rejects    rejectBuffer
	ranked     bool   // an earlier load's row does not always stand
	committing bool   // the row that commits was sent, though it may not have arrived
	stored     totals // what the warehouse holds, once that was checked

	rowsSoFar, rejectedSoFar atomic.Uint64 // for those who watch
}

// errTooManyRejects ends the reading of a load that must be aborted.
var errTooManyRejects = errors.New("too many rejects")

// errAllRejected gives up a load of whose rows none was understood: likely the source is another.
var errAllRejected = errors.New("all rows rejected")

// run loads the file. It commits when turn is closed: when every file before it is done.
func (l *load) run(ctx context.Context, workers int, turn <-chan struct{}) (_ *Result, err error) {
	defer func() { err = errors.Join(err, l.file.close()) }()
	if err := l.record(ctx, statusLoading, totals{}, ""); err != nil {
		return nil, fmt.Errorf("load %s: %w", l.file.name, err)
	}
	l.loader.config.Fault("after-begin")
	err = newPipeline(l, workers).run(ctx)
	if err != nil && ctx.Err() == nil && !errors.Is(err, errWarehouse) && !errors.Is(err, errTooManyRejects) {
		err = mark(err, ErrUnreadable)
	}
	if err == nil {
		err = l.rejects.flush(ctx, l.loader.config.Warehouse)
	}
	l.loader.config.Fault("after-stream")
	if err == nil && l.options.MaxRejects.exceeded(l.rejected, l.tally.RowsRead, true) {
		err = errTooManyRejects
	}
	if err == nil && l.rejected > 0 && l.tally.Valid == 0 {
		err = errAllRejected
	}
	if err == nil {
		err = l.file.unchanged(l.expected)
	}
	select {
	case <-turn:
	case <-ctx.Done():
		err = errors.Join(err, ctx.Err())
	}
	var result *Result
	if err == nil {
		result, err = l.commit(ctx)
	}
	if err == nil {
		return result, nil
	}
	return l.giveUp(ctx, err)
}

// giveUp takes back what is stored of the load. With too many rejects that is a result, else the error is returned.
// When it cannot be done now, the next command does it.
func (l *load) giveUp(ctx context.Context, cause error) (*Result, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("load %s: %w", l.file.name, cause)
	}
	if l.committing {
		result, err := l.settleCommit(ctx)
		if err != nil {
			return nil, fmt.Errorf("load %s: %w; whether it counts is not known, load it again to see: %w",
				l.file.name, cause, err)
		}
		if result != nil {
			return result, nil
		}
	}
	w := l.loader.config.Warehouse
	status, message, remove := statusDiscarded, cause.Error(), removeRows
	result := l.result(StatusAborted)
	if errors.Is(cause, errTooManyRejects) {
		status, remove = statusAborted, removeEvents // the rejects stay: they are what there is to fix
		message = fmt.Sprintf("%d of %d rows rejected, more than --max-rejects allows", l.rejected, l.tally.RowsRead)
		if !l.options.MaxRejects.Set {
			message = fmt.Sprintf("%d of the first %d rows rejected; to keep them all, give --max-rejects 100%%",
				l.rejected, l.tally.RowsRead)
		}
		result.Message = message
		cause = nil
	}
	if errors.Is(cause, errAllRejected) {
		status, remove = statusAborted, removeEvents
		rows := fmt.Sprintf("all of its %d rows", l.rejected)
		if l.tally.Skipped > 0 {
			rows = fmt.Sprintf("all of its %d rows that are not skipped", l.rejected)
		}
		message = fmt.Sprintf("%s are rejected by source %s%s", rows, l.source.ID, l.fitting(ctx))
		result.Message = message
		cause = nil
	}
	err := remove(ctx, w, l.seq)
	if err == nil && status == statusAborted {
		err = l.rejects.flush(ctx, w)
	}
	if err == nil {
		err = l.record(ctx, status, totals{rejected: l.rejected}, message)
	}
	if err = errors.Join(cause, err); err != nil {
		return nil, fmt.Errorf("load %s, of which nothing counts: %w", l.file.name, err)
	}
	return &result, nil
}

// fitting names the source that understands most of the file's first rows, for a person to try.
func (l *load) fitting(ctx context.Context) string {
	best, most := "", 0
	for _, source := range l.options.Others {
		if source.ID == l.source.ID || l.file.info == nil {
			continue
		}
		preview, err := ReadPreview(ctx, Input{Name: l.file.path}, Options{
			Source: source, MaxLineBytes: l.options.MaxLineBytes,
		}, fittingRows)
		if err != nil {
			continue // it is not for this file
		}
		events := 0
		for _, row := range preview.Rows {
			if row.Event != nil {
				events++
			}
		}
		if events > most {
			best, most = source.ID, events
		}
	}
	if best == "" {
		return "; see: creditmill rejects"
	}
	return fmt.Sprintf("; source %s would fit: load it again with --source %s", best, best)
}

// fittingRows are tried to find a source that fits.
const fittingRows = 20

// take is called with every block in the order of the file, by one goroutine.
func (l *load) take(ctx context.Context, b *event.Block) error {
	b.Place(l.seq, l.tally.Lines(), l.chain)
	l.tally.Add(&b.Tally)
	l.rejected += uint64(len(b.Rejects))
	l.rowsSoFar.Store(l.tally.RowsRead)
	l.rejectedSoFar.Store(l.rejected)
	if err := l.rejects.add(ctx, l.loader.config.Warehouse, b.Rejects); err != nil {
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
		ElapsedMS: l.loader.config.Now().Sub(l.started).Milliseconds(),
	}
}

// Tokens are sums by pool; in JSON an object of integers by the pools' names.
type Tokens [schemas.PoolCount]*big.Int

// Total is the sum over all pools.
func (t Tokens) Total() *big.Int {
	total := new(big.Int)
	for _, sum := range t {
		if sum != nil {
			total.Add(total, sum)
		}
	}
	return total
}

// MarshalJSON writes every pool; a nil sum is 0.
func (t Tokens) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for pool, sum := range t {
		if pool > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, '"'), schemas.PoolNames[pool]...), '"', ':')
		if sum == nil {
			sum = new(big.Int)
		}
		text = sum.Append(text, 10)
	}
	return append(text, '}'), nil
}

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
