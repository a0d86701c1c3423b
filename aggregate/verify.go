package aggregate

import (
	"context"
	"fmt"
	"strings"

	"github.com/creditmill/creditmill/schemas"
)

// Check is what a look at one rule found.
type Check struct {
	Name string `json:"name"`
	// OK: nothing is wrong.
	OK bool `json:"ok"`
	// LookedAt is the number of rows that were looked at.
	LookedAt uint64 `json:"looked_at"`
	// Problems name what is wrong, each in one line: at most MostProblems, then a line that says that there are more.
	Problems []string `json:"problems"`
	// Note says what could not be looked at, and why; empty where everything was.
	Note string `json:"note,omitempty"`
}

// MostProblems is how many problems a check names.
const MostProblems = 20

// NewCheck returns a check that has found nothing wrong yet.
func NewCheck(name string) Check { return Check{Name: name, OK: true, Problems: []string{}} }

// Problem notes what is wrong.
func (c *Check) Problem(format string, values ...any) {
	c.OK = false
	switch {
	case len(c.Problems) < MostProblems:
		c.Problems = append(c.Problems, fmt.Sprintf(format, values...))
	case len(c.Problems) == MostProblems:
		c.Problems = append(c.Problems, "and more")
	}
}

// most is the limit of statements that list problems: one more than are named, so that it shows that there are more.
const most = MostProblems + 1

// Verify looks whether what is stored of loads, rollups, identities, prices, balances and spend still holds together,
// and recomputes the figures of the latest run from the raw events. It only reads. begin is called before each check
// with its name and the rows to look at, 0 where they are not known; it may be nil.
func (a *Aggregator) Verify(ctx context.Context, begin func(check string, rows uint64)) ([]Check, error) {
	if begin == nil {
		begin = func(string, uint64) {}
	}
	v := verifier{Aggregator: a}
	var checks []Check
	counts, err := v.counts(ctx)
	if err != nil {
		return nil, err
	}
	for _, check := range []struct {
		name string
		rows uint64
		look func(context.Context, *Check) error
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
		found := NewCheck(check.name)
		if err := check.look(ctx, &found); err != nil {
			return checks, fmt.Errorf("verify %s: %w", check.name, err)
		}
		checks = append(checks, found)
	}
	return checks, nil
}

// verifier holds what the checks share.
type verifier struct {
	*Aggregator
	run *storedRun // the latest one, once it was read
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
	err := v.warehouse.QueryRow(ctx, "aggregate/verify_counts.sql", nil,
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
