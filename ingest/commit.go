package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// commit makes the load visible under the writers' lock, for which it waits. What needs no lock is done under the lease
// afterwards.
func (l *load) commit(ctx, under context.Context) (*Result, error) {
	known, err := l.commitAlone(ctx)
	if err != nil {
		return nil, err
	}
	if known != nil {
		if err := removeRows(under, l.config.Warehouse, l.seq); err != nil {
			return nil, err
		}
		status := statusDiscarded
		if known.Status == StatusAlreadyLoaded { // nobody misses it
			status = statusDismissed
		}
		return known, l.record(under, status, totals{}, known.Message)
	}
	result := l.committed()
	result.Warnings = append(result.Warnings, l.nearCustomers(under)...)
	return result, nil
}

// commitAlone commits the load unless its contents are known, which it returns then.
func (l *load) commitAlone(ctx context.Context) (known *Result, err error) {
	w := l.config.Warehouse
	release, err := w.LockPatiently(ctx, warehouse.WriterLock, l.config.Patience)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := l.resume(ctx); err != nil {
		return nil, err
	}
	if known, err = l.alreadyLoaded(ctx, l.file.sha256()); err != nil || known != nil {
		return known, err
	}
	if err := l.overtaken(ctx); err != nil {
		return nil, err
	}
	if err := l.check(ctx); err != nil {
		return nil, err
	}
	l.config.Fault("before-commit")
	if err := l.record(ctx, statusCommitted, l.stored, ""); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		counts, unknown := l.settleCommit(ctx)
		if unknown != nil {
			return nil, fmt.Errorf("%w; %w: %w", err, errNotKnown, unknown)
		}
		if !counts {
			return nil, err
		}
	}
	if err := w.CheckLocks(); err != nil { // the answer may be of a time when others held the lock
		return nil, fmt.Errorf("%w: %w", errNotKnown, err)
	}
	l.config.Fault("after-commit")
	return nil, nil
}

// resume finds the load as it was left when it was read: nobody has given it up meanwhile, taking this process for
// dead. Loads of those that are dead are given up here, and those of others who live are fenced.
func (l *load) resume(ctx context.Context) error {
	w := l.config.Warehouse
	err := w.OutliveEngine(ctx, func() error { return discardUnfinished(ctx, w, l.config.Now) })
	if err != nil {
		return err
	}
	status, revision, err := stateOf(ctx, w, l.seq)
	if err != nil {
		return err
	}
	if status != statusLoading {
		return fmt.Errorf("commit load %s: it is %s: %w", schemas.LoadID(l.seq), status, warehouse.ErrLeaseLost)
	}
	l.revision = revision
	return l.lease.Check()
}

// check parts the load's rows from those that do not count, and compares the figures.
func (l *load) check(ctx context.Context) (err error) {
	if err := l.separate(ctx); err != nil {
		return err
	}
	l.config.Fault("after-mask")
	if l.stored, err = l.readBack(ctx); err != nil {
		return err
	}
	if err := l.conserved(l.stored); err != nil {
		return err
	}
	if err := l.storeObjects(ctx); err != nil {
		return err
	}
	return l.conservedObjects(ctx)
}

func (l *load) committed() *Result {
	result := l.result(StatusCommitted)
	result.Objects = uint64(len(l.objects))
	result.RowsLoaded, result.RowsDuplicate, result.RowsConflict = l.stored.loaded, l.stored.duplicate, l.stored.conflict
	result.Tokens, result.Units = l.stored.loadedUnits.Split()
	result.Warnings = l.future()
	if l.note != "" {
		result.Warnings = append(result.Warnings, l.note)
	}
	if replaced := l.stored.replaced; replaced.Rows > 0 {
		result.Replaced = &replaced
	}
	return &result
}

const settleAttempts, settlePause = 5, 100 * time.Millisecond

// settleCommit asks what became of a commit whose answer was lost, several times: what cut one connection may have cut
// others, or the engine may have ended.
func (l *load) settleCommit(ctx context.Context) (counts bool, err error) {
	for attempt := 1; ; attempt++ {
		err = l.config.Warehouse.OutliveEngine(ctx, func() (err error) {
			counts, err = l.askCommit(ctx)
			return err
		})
		if err == nil || attempt == settleAttempts {
			return counts, err
		}
		select {
		case <-ctx.Done():
			return false, err
		case <-time.After(settlePause << attempt):
		}
	}
}

// askCommit finds out whether a commit whose answer was lost was stored. If not it cannot be any more, so the load's
// rows may be removed: should the row that commits still arrive, the one written here outranks it.
func (l *load) askCommit(ctx context.Context) (counts bool, err error) {
	status, _, err := stateOf(ctx, l.config.Warehouse, l.seq)
	if err != nil || status == statusCommitted {
		return err == nil, err
	}
	if err := l.record(ctx, statusLoading, totals{}, ""); err != nil {
		return false, err
	}
	status, _, err = stateOf(ctx, l.config.Warehouse, l.seq)
	if err != nil || status != statusLoading {
		return false, fmt.Errorf("take back the commit of load %s: it is %q: %w", schemas.LoadID(l.seq), status, err)
	}
	return false, nil
}

// alreadyLoaded returns the result of a file whose contents are in a committed load, nil if they are in none.
func (l *load) alreadyLoaded(ctx context.Context, sha string) (*Result, error) {
	known, err := knownContents(ctx, l.config.Warehouse, []string{sha})
	if err != nil {
		return nil, err
	}
	first, problem := l.sameContent(known[sha])
	if first == nil {
		return nil, nil
	}
	result := Result{
		LoadID: schemas.LoadID(first.Seq), File: l.file.name, SHA256: sha, Status: StatusAlreadyLoaded, Bytes: l.file.size(),
		ElapsedMS: l.config.Now().Sub(l.started).Milliseconds(), Message: first.String(),
	}
	if result.Bytes == 0 {
		result.Bytes = l.file.bytesRead
	}
	if problem != "" {
		result.Status, result.Message = StatusAborted, problem
	}
	return &result, nil
}

// String says where the content is.
func (k knownContent) String() string {
	return fmt.Sprintf("same content as %s, loaded as %s", k.Name, schemas.LoadID(k.Seq))
}

// sameContent returns which of those that have a content stands for it; nil where it must be loaded. The problem is
// that only another source has it.
func (l *load) sameContent(known []knownContent) (first *knownContent, problem string) {
	if len(known) == 0 {
		return nil, ""
	}
	same := slices.IndexFunc(known, func(other knownContent) bool { return other.Source == l.source.ID })
	if same < 0 && l.options.Again {
		return nil, ""
	}
	first = &known[max(same, 0)]
	if same < 0 {
		problem = fmt.Sprintf("%s with source %s; --again counts it with source %s as well", first, first.Source, l.source.ID)
	}
	return first, problem
}

// readBack asks the warehouse what it holds of the load.
func (l *load) readBack(ctx context.Context) (totals, error) {
	var t totals
	var loaded, other map[string]decimal.Decimal
	err := l.config.Warehouse.QueryRow(ctx, "ingest/load_totals.sql", warehouse.Params{"load_seq": l.seq},
		&t.loaded, &t.duplicate, &t.conflict, &t.rejected, &loaded, &other, &t.unitList)
	if err != nil {
		return totals{}, fmt.Errorf("read back load %s: %w", schemas.LoadID(l.seq), err)
	}
	t.loadedUnits, t.otherUnits = schemas.AmountsOf(loaded), schemas.AmountsOf(other)
	t.replaced, err = l.sumReplaced(ctx)
	return t, err
}

// conserved compares what the decoders counted with what the warehouse holds.
func (l *load) conserved(stored totals) error {
	valid := stored.loaded + stored.duplicate + stored.conflict
	accounted := valid + stored.rejected + l.tally.Skipped
	if valid != l.tally.Valid || stored.rejected != l.rejected || accounted != l.tally.RowsRead {
		return fmt.Errorf("check load %s: %w: read %d rows (%d valid, %d rejected, %d skipped), "+
			"stored %d + %d + %d and %d rejects", schemas.LoadID(l.seq), ErrNotConserved,
			l.tally.RowsRead, l.tally.Valid, l.rejected, l.tally.Skipped,
			stored.loaded, stored.duplicate, stored.conflict, stored.rejected)
	}
	for _, read := range l.tally.Units {
		sum := stored.loadedUnits.Of(read.Unit).Add(stored.otherUnits.Of(read.Unit))
		if !sum.Equal(read.Amount()) {
			return fmt.Errorf("check load %s: %w: %s read %s, stored %s", schemas.LoadID(l.seq), ErrNotConserved,
				schemas.UnitColumn(read.Unit), read.Amount(), sum)
		}
	}
	for _, kept := range slices.Concat(stored.loadedUnits, stored.otherUnits) {
		if !slices.ContainsFunc(l.tally.Units, func(read event.UnitSum) bool { return read.Unit == kept.Unit }) {
			return fmt.Errorf("check load %s: %w: %s not read, stored %s", schemas.LoadID(l.seq), ErrNotConserved,
				schemas.UnitColumn(kept.Unit), kept.Quantity)
		}
	}
	return nil
}

// record writes the next state of the load. Written with the status committed, it is the commit.
func (l *load) record(ctx context.Context, status string, stored totals, message string) error {
	l.revision++
	now := l.config.Now()
	sha := ""
	if status != statusLoading {
		sha = l.file.sha256()
	}
	params := warehouse.Params{
		"load_seq": l.seq, "revision": l.revision, "status": status, "file": l.file.name, "sha256": sha,
		"source": l.source.ID, "format": l.format, "size_bytes": l.file.bytesRead, "rows_read": l.tally.RowsRead,
		"rows_loaded": stored.loaded, "rows_duplicate": stored.duplicate, "rows_conflict": stored.conflict,
		"rows_rejected": stored.rejected, "rows_skipped": l.tally.Skipped,
		"rows_replaced": stored.replaced.Rows, "rows_masked": stored.replaced.masked,
		"occurred_from": time.Unix(0, l.tally.OccurredFrom), "occurred_to": time.Unix(0, l.tally.OccurredTo),
		"event_id_min": string(l.tally.IDs.Small), "event_id_max": string(l.tally.IDs.Large),
		"started_at": l.started, "changed_at": now, "elapsed_ms": uint64(max(0, now.Sub(l.started).Milliseconds())),
		"message": message, "quantities": stored.loadedUnits.ByUnit(),
		"unit_list": stored.unitList, "objects": uint64(len(l.objects)), "shard": l.shard,
	}
	if err := l.config.Warehouse.Exec(ctx, "ingest/insert_load.sql", params); err != nil {
		return fmt.Errorf("record load %s as %s: %w", schemas.LoadID(l.seq), status, err)
	}
	return nil
}
