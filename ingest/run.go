package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/warehouse"
)

// errAllRejected gives up a load of whose rows none was understood: likely the source is another.
var errAllRejected = errors.New("all rows rejected")

// errNoneTaken gives up a load of whose parts none can be loaded: each is listed for itself.
var errNoneTaken = errors.New("none of its objects can be loaded")

// errOvertaken gives up a load some of whose parts others have loaded while it was read. It is read again.
var errOvertaken = errors.New("others loaded some of its objects meanwhile")

// errNotKnown is what becomes of a load of whose commit nobody can tell whether it was stored.
var errNotKnown = errors.New("whether it counts is not known, load it again to see")

// run loads the file. It commits when turn is closed: when every file before it is done. All is done under the load's
// lease, but for the commit, which is done under the writers' lock.
func (l *load) run(ctx context.Context, workers int, turn <-chan struct{}) (_ *Result, err error) {
	defer func() { err = errors.Join(err, l.file.close()) }()
	defer l.lease.Release()
	under, done := l.lease.Under(ctx)
	defer done()
	if err := l.record(under, statusLoading, totals{}, ""); err != nil {
		return nil, fmt.Errorf("load %s: %w", l.file.name, err)
	}
	l.config.Fault("after-begin")
	err = l.read(under, workers)
	select {
	case <-turn:
	case <-under.Done():
		err = errors.Join(err, under.Err())
	}
	var result *Result
	if err == nil {
		result, err = l.commit(ctx, under)
	}
	if err == nil {
		return result, l.recordLeftOut(ctx)
	}
	if errors.Is(err, errNotKnown) {
		return nil, fmt.Errorf("load %s: %w", l.file.name, err)
	}
	if lost := l.lease.Check(); lost != nil || errors.Is(err, warehouse.ErrLeaseLost) {
		return nil, fmt.Errorf("load %s, of which nothing counts; load it again: %w", l.file.name, cmp.Or(lost, err))
	}
	return l.giveUp(under, err)
}

// read streams the file into the warehouse and says whether it may commit.
func (l *load) read(ctx context.Context, workers int) (err error) {
	if pipeline := newPipeline(l, workers); l.parts != nil {
		err = pipeline.runParts(ctx)
	} else {
		err = pipeline.run(ctx)
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, errWarehouse) && !errors.Is(err, errTooManyRejects) &&
		l.parts == nil && !l.file.failed {
		err = mark(err, ErrUnreadable)
	}
	if err == nil {
		err = l.rejects.flush(l.onto(ctx), l.config.Warehouse)
	}
	l.config.Fault("after-stream")
	if err == nil && l.options.MaxRejects.exceeded(l.rejected, l.tally.RowsRead, true) {
		err = errTooManyRejects
	}
	if err == nil && l.rejected > 0 && l.tally.Valid == 0 && !l.options.AllRejected {
		err = errAllRejected
	}
	if err == nil {
		err = l.file.unchanged(l.expected)
	}
	if err == nil && l.parts != nil && len(l.leftOut) == len(l.parts) {
		err = errNoneTaken
	}
	return err
}

// giveUp takes back what is stored of the load. With too many rejects that is a result, else the error is returned.
// When it cannot be done now, the next command does it.
func (l *load) giveUp(ctx context.Context, cause error) (*Result, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("load %s: %w", l.file.name, cause)
	}
	w := l.config.Warehouse
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
		hint := l.hint(ctx)
		if hint == "" {
			hint = "; see: creditmill rejects"
		}
		message = fmt.Sprintf("%s rejected by source %s%s", allOf(l.rejected, l.tally.Skipped > 0), l.source.ID, hint)
		result.Message = message
		cause = nil
	}
	if errors.Is(cause, errOvertaken) {
		status = statusDismissed // nobody misses it
	}
	if errors.Is(cause, errNoneTaken) {
		if err := l.record(ctx, statusDismissed, totals{}, message); err != nil {
			return nil, fmt.Errorf("load %s, of which nothing counts: %w", l.file.name, err)
		}
		return nil, l.recordLeftOut(ctx)
	}
	err := remove(ctx, w, l.seq)
	if err == nil && status == statusAborted {
		err = l.rejects.flush(l.onto(ctx), w)
	}
	if isTried := status == statusAborted || errors.Is(cause, ErrUnreadable); !isTried {
		l.objects = nil
	} else if err == nil {
		err = l.storeObjects(ctx)
	}
	if err == nil {
		err = l.record(ctx, status, totals{rejected: l.rejected}, message)
	}
	if err = errors.Join(cause, err); err != nil {
		return nil, fmt.Errorf("load %s, of which nothing counts: %w", l.file.name, err)
	}
	return &result, nil
}

// run returns when every row of the file is stored or refused.
func (p *pipeline) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	text, err := p.load.file.plain()
	if err != nil {
		return err
	}
	first := <-p.free
	counted := &countingReader{Reader: text}
	filled, atEnd, err := fill(counted, first.buffer, 0)
	if err != nil {
		return fmt.Errorf("read %s: %w", p.load.file.name, joinClose(err, text))
	}
	format, header, err := openFormat(p.load.source, p.load.file.name, first.buffer[:filled], p.load.options.MaxLineBytes)
	if err != nil {
		return fmt.Errorf("read %s: %w%s", p.load.file.name, joinClose(err, text), p.load.hint(ctx))
	}
	p.load.format, p.load.note, p.load.chain = format.name, format.note, event.NewRowChain(format.header)
	if format.newDecoder == nil { // columns, which are not cut like text
		return p.runColumns(ctx, text, first.buffer[:filled])
	}
	cutter := &cutter{pipeline: p, text: counted, format: format}
	group.Go(func() error {
		defer close(p.toDecode)
		defer close(p.inOrder)
		err := cutter.run(ctx, first, header, filled, atEnd)
		if closing := text.Close(); err == nil && closing != nil {
			err = fmt.Errorf("read %s: %w", p.load.file.name, closing)
		}
		return err
	})
	p.start(ctx, group, func() func(*job) {
		decoder := format.newDecoder()
		return func(job *job) { decoder.Decode(job.chunk, &job.block) }
	})
	return group.Wait()
}

// allOf names the rows of a file, or those that are left of it, with their verb.
func allOf(rows uint64, skipped bool) string {
	switch {
	case rows == 1 && skipped:
		return "the only row that is not skipped is"
	case rows == 1:
		return "its only row is"
	case skipped:
		return fmt.Sprintf("all of its %d rows that are not skipped are", rows)
	}
	return fmt.Sprintf("all of its %d rows are", rows)
}
