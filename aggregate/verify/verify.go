// Package verify looks whether what is stored of loads, rollups, prices, balances and spend still holds together.
//
// It counts again what was recorded, adds up again what was added up, by ways of its own where there are any, and has
// the figures of the latest run computed again from the raw events. It only reads, and it never mends: a check says
// what is wrong and where.
package verify

import (
	"context"
	"fmt"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/warehouse"
)

// Figures looks whether what is stored of loads, rollups, identities, prices, balances and spend still holds together,
// and recomputes the figures of the latest run from the raw events. It only reads. begin is called before each check
// with its name and the rows to look at, 0 where they are not known; it may be nil.
func Figures(
	ctx context.Context, w *warehouse.Warehouse, worker *aggregate.Aggregator, begin func(check string, rows uint64),
) ([]findings.Check, error) {
	if begin == nil {
		begin = func(string, uint64) {}
	}
	v := verifier{warehouse: w, aggregator: worker}
	var checks []findings.Check
	counts, err := v.counts(ctx)
	if err != nil {
		return nil, err
	}
	for _, check := range []struct {
		name string
		rows uint64
		look func(context.Context, *findings.Check) error
	}{
		{"loads", counts.Events + counts.Duplicates, v.loads},
		{"rollups", counts.Events + counts.Duplicates, v.rollups},
		{"identities", counts.Events, v.identities},
		{"superseded", counts.Duplicates, v.superseded},
		{"prices", 0, v.prices},
		{"balances", counts.Balances, v.balances},
		{"spend", counts.Spend, v.spend},
		{"usage", counts.Events, v.usage},
		{"recompute", counts.Balances + counts.Spend, v.recompute},
	} {
		begin(check.name, check.rows)
		found := findings.New(check.name)
		if err := check.look(ctx, &found); err != nil {
			return checks, fmt.Errorf("verify %s: %w", check.name, err)
		}
		checks = append(checks, found)
	}
	return checks, nil
}
