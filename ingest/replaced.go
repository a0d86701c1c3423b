package ingest

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

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
	var afterRows uint64
	var before, after map[string]decimal.Decimal
	err = l.config.Warehouse.QueryRow(ctx, "ingest/replaced_totals.sql",
		warehouse.Params{"load_seq": l.seq, "source": l.source.ID},
		&r.masked, &r.Rows, &afterRows, &before, &after)
	if err != nil {
		return Replaced{}, fmt.Errorf("add up replaced rows: %w", err)
	}
	r.TokensBefore, r.UnitsBefore = schemas.AmountsOf(before).Split()
	r.TokensAfter, r.UnitsAfter = schemas.AmountsOf(after).Split()
	if r.Rows != afterRows {
		return Replaced{}, fmt.Errorf("check load %s: %w: %d rows of earlier loads are replaced by %d rows",
			schemas.LoadID(l.seq), ErrNotConserved, r.Rows, afterRows)
	}
	return r, nil
}
