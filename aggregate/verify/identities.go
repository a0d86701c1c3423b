package verify

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// identitiesAtOnce bounds the identities that one statement holds in memory, about 200 MB of them.
const identitiesAtOnce = 4_000_000

// hashRanges calls look with ranges that hold all hashes between them, each about identitiesAtOnce of so many rows.
func hashRanges(rows uint64, look func(from, to uint64) error) error {
	ranges := rows/identitiesAtOnce + 1
	width := math.MaxUint64/ranges + 1 // 0, that is all of them, where there is one range
	for i := range ranges {
		from, to := i*width, (i+1)*width-1
		if i+1 == ranges {
			to = math.MaxUint64
		}
		if err := look(from, to); err != nil {
			return err
		}
	}
	return nil
}

// identities looks for an identity that two counted events have.
func (v *verifier) identities(ctx context.Context, check *findings.Check) error {
	counts, err := v.counts(ctx)
	if err != nil {
		return err
	}
	check.LookedAt = counts.Events
	return hashRanges(counts.Events, func(from, to uint64) error {
		type hash struct {
			Hash uint64 `ch:"hash"`
		}
		repeated, err := warehouse.Select[hash](ctx, v.warehouse, "verify/hashes.sql",
			warehouse.Params{"hash_from": from, "hash_to": to, "most": 1000})
		if err != nil {
			return fmt.Errorf("look for repeated identities: %w", err)
		}
		if len(repeated) == 0 {
			return nil
		}
		hashes := make([]uint64, len(repeated))
		for i := range repeated {
			hashes[i] = repeated[i].Hash
		}
		return v.compareIdentities(ctx, check, hashes)
	})
}

func (v *verifier) compareIdentities(ctx context.Context, check *findings.Check, hashes []uint64) error {
	type place struct {
		Source string   `ch:"source_id"`
		ID     string   `ch:"event_id"`
		Rows   uint64   `ch:"rows"`
		Places []string `ch:"places"`
	}
	found, err := warehouse.Select[place](ctx, v.warehouse, "verify/identities.sql",
		warehouse.Params{"hashes": hashes})
	if err != nil {
		return fmt.Errorf("compare identities: %w", err)
	}
	for _, identity := range found {
		check.Problem("source %s, event_id %s counts %d times: %s", identity.Source, identity.ID, identity.Rows,
			strings.Join(identity.Places, ", "))
	}
	return nil
}

// superseded looks for a row that does not count because another does, which is not there, and for one that is taken
// off as something that it is not.
func (v *verifier) superseded(ctx context.Context, check *findings.Check) error {
	counts, err := v.counts(ctx)
	if err != nil {
		return err
	}
	check.LookedAt = counts.Duplicates
	if counts.Duplicates == 0 {
		return nil
	}
	type row struct {
		Source    string `ch:"source_id"`
		ID        string `ch:"event_id"`
		LoadSeq   uint64 `ch:"load_seq"`
		RowNumber uint64 `ch:"row_number"`
	}
	return hashRanges(counts.Duplicates, func(from, to uint64) error {
		lost, err := warehouse.Select[row](ctx, v.warehouse, "verify/superseded.sql",
			warehouse.Params{"hash_from": from, "hash_to": to, "most": most})
		if err != nil {
			return fmt.Errorf("look for superseded rows: %w", err)
		}
		for _, r := range lost {
			check.Problem("%s row %d is set aside as a repetition of source %s, event_id %s, but no such event counts",
				schemas.LoadID(r.LoadSeq), r.RowNumber, r.Source, r.ID)
		}
		return v.replaced(ctx, check, from, to)
	})
}

// replaced holds rows of replaced_events, of a range of hashes, against the rows that they name.
func (v *verifier) replaced(ctx context.Context, check *findings.Check, from, to uint64) error {
	type row struct {
		LoadSeq           uint64 `ch:"load_seq"`
		RowNumber         uint64 `ch:"row_number"`
		ReplacedLoadSeq   uint64 `ch:"replaced_load_seq"`
		ReplacedRowNumber uint64 `ch:"replaced_row_number"`
		Source            string `ch:"source_id"`
		ID                string `ch:"event_id"`
	}
	wrong, err := warehouse.Select[row](ctx, v.warehouse, "aggregate/verify_replaced.sql",
		warehouse.Params{"hash_from": from, "hash_to": to, "most": most})
	if err != nil {
		return fmt.Errorf("look for replaced rows: %w", err)
	}
	for _, r := range wrong {
		check.Problem("ld_%d row %d replaces ld_%d row %d of source %s, event_id %s, but one of the two says something else",
			r.LoadSeq, r.RowNumber, r.ReplacedLoadSeq, r.ReplacedRowNumber, r.Source, r.ID)
	}
	return nil
}
