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

// commit checks the identities and the figures of the load and makes it visible.
func (l *load) commit(ctx context.Context) (*Result, error) {
	w := l.config.Warehouse
	known, err := l.alreadyLoaded(ctx, l.file.sha256())
	if err != nil {
		return nil, err
	}
	if known != nil {
		if err := removeRows(ctx, w, l.seq); err != nil {
			return nil, err
		}
		status := statusDiscarded
		if known.Status == StatusAlreadyLoaded { // nobody misses it
			status = statusDismissed
		}
		return known, l.record(ctx, status, totals{}, known.Message)
	}
	if err := l.separate(ctx); err != nil {
		return nil, err
	}
	l.config.Fault("after-mask")
	if l.stored, err = l.readBack(ctx); err != nil {
		return nil, err
	}
	if err := l.conserved(l.stored); err != nil {
		return nil, err
	}
	if err := l.storeObjects(ctx); err != nil {
		return nil, err
	}
	if err := l.conservedObjects(ctx); err != nil {
		return nil, err
	}
	l.config.Fault("before-commit")
	l.committing = true
	if err := l.record(ctx, statusCommitted, l.stored, ""); err != nil {
		return nil, err
	}
	l.config.Fault("after-commit")
	result := l.committed()
	result.Warnings = append(result.Warnings, l.nearCustomers(ctx)...)
	return result, nil
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
func (l *load) settleCommit(ctx context.Context) (result *Result, err error) {
	for attempt := 1; ; attempt++ {
		err = l.config.Warehouse.OutliveEngine(ctx, func() (err error) {
			result, err = l.askCommit(ctx)
			return err
		})
		if err == nil || attempt == settleAttempts {
			return result, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(settlePause << attempt):
		}
	}
}

// askCommit finds out what became of a commit whose answer was lost. A result says that the load counts; with nil it
// does not, and cannot any more, so its rows may be removed: should the row that commits still arrive, the one written
// here outranks it.
func (l *load) askCommit(ctx context.Context) (*Result, error) {
	found, err := findLoad(ctx, l.config.Warehouse, l.seq)
	if err != nil {
		return nil, err
	}
	if found.Status == statusCommitted {
		return l.committed(), nil
	}
	if err := l.record(ctx, statusLoading, totals{}, ""); err != nil {
		return nil, err
	}
	found, err = findLoad(ctx, l.config.Warehouse, l.seq)
	if err != nil || found.Status != statusLoading {
		return nil, fmt.Errorf("take back the commit of load %s: it is %q: %w", schemas.LoadID(l.seq), found.Status, err)
	}
	return nil, nil
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
		"unit_list": stored.unitList, "objects": uint64(len(l.objects)),
	}
	if err := l.config.Warehouse.Exec(ctx, "ingest/insert_load.sql", params); err != nil {
		return fmt.Errorf("record load %s as %s: %w", schemas.LoadID(l.seq), status, err)
	}
	return nil
}
