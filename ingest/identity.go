package ingest

import (
	"context"
	"fmt"
	"math"
	"math/bits"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

const (
	// hashesPerStep bounds the set of hashes that the engine holds while it looks for candidates.
	hashesPerStep = 4 << 20
	// candidatesPerStep bounds the events that the engine holds while it compares candidates exactly.
	candidatesPerStep = 250_000
)

// separate moves the load's duplicates and conflicts to duplicate_events, and writes to replaced_events which rows of
// earlier loads its rows take the place of.
//
// Most loads need no look at single rows: that no id is in the file twice is proved by event.IDRuns, and that none is
// in an earlier load by the loads' smallest and largest ids. Else the hash of the identity names candidates, and only
// those are compared exactly. Both are done in ranges of the hash, so that the engine's memory does not grow with the
// load.
func (l *load) separate(ctx context.Context) error {
	if l.tally.Valid == 0 {
		return nil
	}
	w := l.config.Warehouse
	params := func() warehouse.Params {
		return warehouse.Params{
			"load_seq": l.seq, "source": l.source.ID,
			"event_id_min": string(l.tally.IDs.Small), "event_id_max": string(l.tally.IDs.Large),
		}
	}
	// Of ids that are made of rows, two parts that begin alike have the same.
	unique := l.parts == nil && l.source.Fields.EventID.Kind == schemas.FieldRow || l.tally.IDs.Disjoint()
	var overlapping, replacing uint64
	if err := w.QueryRow(ctx, "ingest/overlapping_loads.sql", params(), &overlapping, &replacing); err != nil {
		return fmt.Errorf("look for loads with the same ids: %w", err)
	}
	l.ranked = overlapping > 0 && (replaces(l.source.Keep) || replacing > 0)
	if unique && overlapping == 0 {
		return nil
	}
	if err := w.Exec(ctx, "ingest/clear_candidates.sql", nil); err != nil {
		return fmt.Errorf("clear candidates: %w", err)
	}
	for _, part := range hashRanges(l.tally.Valid, hashesPerStep) {
		p := params()
		p["hash_from"], p["hash_to"] = part.from, part.to
		if !unique {
			if err := w.Exec(ctx, "ingest/find_candidates_within.sql", p); err != nil {
				return fmt.Errorf("look for duplicates within the file: %w", err)
			}
		}
		if overlapping > 0 {
			if err := w.Exec(ctx, "ingest/find_candidates_across.sql", p); err != nil {
				return fmt.Errorf("look for duplicates in earlier loads: %w", err)
			}
		}
	}
	l.config.Fault("after-candidates")
	var candidates uint64
	if err := w.QueryRow(ctx, "ingest/count_candidates.sql", nil, &candidates); err != nil {
		return fmt.Errorf("count candidates: %w", err)
	}
	if candidates == 0 {
		return nil
	}
	for _, part := range hashRanges(candidates, candidatesPerStep) {
		p := params()
		p["hash_from"], p["hash_to"], p["place"] = part.from, part.to, placeOf(l.source.Keep)
		p["partial"] = replaces(l.source.Keep)
		if err := l.compare(ctx, p); err != nil {
			return err
		}
	}
	l.config.Fault("after-copy")
	if err := w.Delete(ctx, "ingest/mask_duplicates.sql", warehouse.Params{"load_seq": l.seq}); err != nil {
		return fmt.Errorf("mask duplicates: %w", err)
	}
	return nil
}

// compare compares the candidates of a range of hashes exactly, and stores what becomes of repeated rows.
func (l *load) compare(ctx context.Context, params warehouse.Params) error {
	w := l.config.Warehouse
	copying := "ingest/copy_duplicates.sql"
	if l.ranked {
		copying = "ingest/copy_ranked.sql"
		if replaces(l.source.Keep) {
			params["keep"] = l.source.Keep
			if err := w.Exec(ctx, "ingest/replace_rows.sql", params); err != nil {
				return fmt.Errorf("replace rows of earlier loads: %w", err)
			}
			l.config.Fault("after-replace")
		}
	}
	if err := w.Exec(l.onto(ctx), copying, params); err != nil {
		return fmt.Errorf("copy duplicates: %w", err)
	}
	return nil
}

// placeOf is the order of one load's rows, in the statements that copy duplicates, whose first row stands.
func placeOf(keep string) string {
	switch keep {
	case schemas.KeepLast:
		return "last_place"
	case schemas.KeepLargest:
		return "largest_place"
	}
	return "first_place"
}

// hashRange is an inclusive range of hashes.
type hashRange struct{ from, to uint64 }

// hashRanges parts all hashes so that about most of n evenly spread ones fall into each range.
func hashRanges(n, most uint64) []hashRange {
	parts := uint64(1) << bits.Len64((n-1)/most)
	ranges := make([]hashRange, 0, parts)
	if parts == 1 {
		return append(ranges, hashRange{0, math.MaxUint64})
	}
	width := uint64(1) << (64 - bits.TrailingZeros64(parts))
	for i := range parts {
		ranges = append(ranges, hashRange{i * width, i*width + (width - 1)})
	}
	return ranges
}
