// Package verify looks whether what is stored of loads, rollups, prices, balances and spend still holds together.
//
// It counts again what was recorded, adds up again what was added up, by ways of its own where there are any, and has
// the figures of the latest run computed again from the raw events. It only reads, and it never mends: a check says
// what is wrong and where.
package verify

import (
	"context"
	"fmt"
	"strings"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// most is the limit of statements that list problems: one more than are named, so that it shows that there are more.
const most = findings.MostProblems + 1

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

// verifier holds what the checks share.
type verifier struct {
	warehouse  *warehouse.Warehouse
	aggregator *aggregate.Aggregator
	run        *storedRun // the latest one, once it was read
}

// rowCounts is how much there is to look at.
type rowCounts struct {
	Events     uint64 `ch:"events"`
	Duplicates uint64 `ch:"duplicates"`
	Balances   uint64 `ch:"balances"`
	Spend      uint64 `ch:"spend"`
}

func (v *verifier) counts(ctx context.Context) (rowCounts, error) {
	var counts rowCounts
	err := v.warehouse.QueryRow(ctx, "verify/counts.sql", nil,
		&counts.Events, &counts.Duplicates, &counts.Balances, &counts.Spend)
	if err != nil {
		return counts, fmt.Errorf("count rows to verify: %w", err)
	}
	return counts, nil
}

// sumNames are the names of the figures in arrays of events and tokens by pool.
var sumNames = append([]string{"events"}, schemas.PoolColumns[:]...)

// differences names the figures that differ, as "input_tokens: 3 stored, 4 found".
func differences(names, stored, found []string) string {
	var list []string
	for i, name := range names {
		left, right := "none", "none"
		if i < len(stored) {
			left = stored[i]
		}
		if i < len(found) {
			right = found[i]
		}
		if left != right {
			list = append(list, fmt.Sprintf("%s: %s stored, %s found", name, left, right))
		}
	}
	return strings.Join(list, "; ")
}
