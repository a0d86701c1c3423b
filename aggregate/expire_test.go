package aggregate

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// TestExpiryIsCheckedBeforeRowsGo: nothing goes that the roll-up, the commit and the identities do not account for.
func TestExpiryIsCheckedBeforeRowsGo(t *testing.T) {
	whole := expirySums{Removed: 3, Kept: 1, RowsLoaded: 4, Identities: 3, Checksum: 7, IdentitiesSum: 7}
	if err := whole.check(); err != nil {
		t.Errorf("a load that adds up: %v", err)
	}
	for name, spoil := range map[string]func(*expirySums){
		"a row is missing":              func(s *expirySums) { s.RowsLoaded = 5 },
		"the roll-up has another sum":   func(s *expirySums) { s.Differing = 1 },
		"an identity was not written":   func(s *expirySums) { s.Identities = 2 },
		"another identity was written":  func(s *expirySums) { s.IdentitiesSum = 8 },
		"a kept row is counted as gone": func(s *expirySums) { s.Removed, s.Kept = 4, 0 },
	} {
		spoilt := whole
		spoil(&spoilt)
		if err := spoilt.check(); !errors.Is(err, ErrInvariant) {
			t.Errorf("%s: %v, want ErrInvariant", name, err)
		}
	}
}

// TestExpiryBatches: loads are removed together up to a number of loads and of rows; a large one by itself.
func TestExpiryBatches(t *testing.T) {
	const million = 1_000_000
	loads := []loadState{
		{Seq: 1, Events: 2 * million},
		{Seq: 2, Events: 3 * million},
		{Seq: 3, Events: 1},
		{Seq: 4, Events: 90 * million},
		{Seq: 5, Events: 1},
	}
	if diff := cmp.Diff([][]uint64{{1, 2}, {3}, {4}, {5}}, expiryBatches(loads)); diff != "" {
		t.Error(diff)
	}
	many := expiryBatches(make([]loadState, 2*expiredAtOnce+1))
	if len(many) != 3 || len(many[2]) != 1 {
		t.Errorf("%d batches of %d loads", len(many), 2*expiredAtOnce+1)
	}
	if none := expiryBatches(nil); none != nil {
		t.Errorf("batches of no load: %v", none)
	}
}

// TestClosedTimeThatRowsMayExpireIn: stretches that meet are one; those whose catalog cannot be read, or has days of
// another timezone, are none.
func TestClosedTimeThatRowsMayExpireIn(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2025, 1, n, 0, 0, 0, 0, time.UTC) }
	utc := &schemas.Catalog{Timezone: time.UTC}
	elsewhere := &schemas.Catalog{Timezone: time.FixedZone("elsewhere", 3600)}
	stretch := func(customer string, from, to int, catalog *schemas.Catalog) subscription.Closed {
		return subscription.Closed{
			CustomerID: customer, Period: schemas.Period{Start: day(from), End: day(to)}, Catalog: catalog,
		}
	}
	table, err := closedTable([]subscription.Closed{
		stretch("b", 1, 5, utc), stretch("a", 10, 20, utc), stretch("a", 5, 10, utc), stretch("a", 21, 25, utc),
		stretch("a", 20, 21, elsewhere), stretch("c", 1, 5, nil),
	}, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	for row := range table.Block().Rows() {
		for column := range 3 {
			got = append(got, table.Block().Columns[column].Row(row, false))
		}
	}
	want := []any{"a", day(5), day(20), "a", day(21), day(25), "b", day(1), day(5)}
	if diff := cmp.Diff(want, got, cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Error(diff)
	}
}
