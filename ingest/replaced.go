package ingest

import (
	"context"
	"fmt"
	"math/big"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// replaces tells whether the source's keep has rows of a load take the place of earlier loads' rows.
func replaces(keep string) bool { return keep == schemas.KeepLast || keep == schemas.KeepLargest }

// sumReplaced asks the warehouse what the load replaces. Each row that counted until now must have one row of the load
// in its place.
func (l *load) sumReplaced(ctx context.Context) (r Replaced, err error) {
	if !l.ranked || !replaces(l.source.Keep) {
		return Replaced{}, nil
	}
	var after uint64
	into := []any{&r.masked, &r.Rows, &after}
	for _, tokens := range []*Tokens{&r.TokensBefore, &r.TokensAfter} {
		for pool := range tokens {
			tokens[pool] = new(big.Int)
			into = append(into, tokens[pool])
		}
	}
	err = l.config.Warehouse.QueryRow(ctx, "ingest/replaced_totals.sql",
		warehouse.Params{"load_seq": l.seq, "source": l.source.ID}, into...)
	if err != nil {
		return Replaced{}, fmt.Errorf("add up replaced rows: %w", err)
	}
	if r.Rows != after {
		return Replaced{}, fmt.Errorf("check load %s: %w: %d rows of earlier loads are replaced by %d rows",
			schemas.LoadID(l.seq), ErrNotConserved, r.Rows, after)
	}
	return r, nil
}
