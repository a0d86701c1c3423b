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
// another timezone, are none; nor is time that is not settled, or of a customer whose time cannot be laid out.
func TestClosedTimeThatRowsMayExpireIn(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2025, 1, n, 0, 0, 0, 0, time.UTC) }
	span := func(from, to int) schemas.Period { return schemas.Period{Start: day(from), End: day(to)} }
	utc := &schemas.Catalog{Timezone: time.UTC}
	elsewhere := &schemas.Catalog{Timezone: time.FixedZone("elsewhere", 3600)}
	closed := func(customer string, from, to int, catalog *schemas.Catalog) subscription.Closed {
		return subscription.Closed{CustomerID: customer, Period: span(from, to), Catalog: catalog}
	}
	got := settledTime([]subscription.Closed{
		closed("b", 1, 5, utc), closed("a", 10, 20, utc), closed("a", 5, 10, utc), closed("a", 21, 25, utc),
		closed("a", 20, 21, elsewhere), closed("c", 1, 5, nil), closed("broken", 1, 5, utc), closed("d", 1, 9, utc),
		closed("e", 1, 9, utc), closed("f", 1, 9, utc),
	}, time.UTC, map[string]string{"broken": "why"}, []Unsettled{
		{CustomerID: "d", Period: span(6, 7)},
		{CustomerID: "d", Period: span(2, 3)},
		{CustomerID: "e"},
		{CustomerID: "f", Period: schemas.Period{Start: day(8)}},
		{CustomerID: "b", Period: span(5, 9)},
	})
	want := []stretch{
		{"a", span(5, 20)},
		{"a", span(21, 25)},
		{"b", span(1, 5)},
		{"d", span(1, 2)},
		{"d", span(3, 6)},
		{"d", span(7, 9)},
		{"f", span(1, 8)},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(stretch{})); diff != "" {
		t.Error(diff)
	}
}

// TestFiguresThatNeedExpiredRows: figures as of an instant are refused where it divides an expired load, and where the
// load is not rolled up for the timezone; of one that begins later nothing counts.
func TestFiguresThatNeedExpiredRows(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2025, 1, n, 0, 0, 0, 0, time.UTC) }
	load := func(from, to int, expired, rolled uint8) []loadState {
		return []loadState{{Seq: 1, OccurredFrom: day(from), OccurredTo: day(to), Expired: expired, Rolled: rolled}}
	}
	for name, test := range map[string]struct {
		loads   []loadState
		refused bool
	}{
		"before":              {load(1, 9, 1, 1), false},
		"divided":             {load(1, 10, 1, 1), true},
		"begins at it":        {load(10, 12, 1, 1), false},
		"after":               {load(11, 12, 1, 1), false},
		"of another timezone": {load(11, 12, 1, 0), true},
		"not expired":         {load(1, 12, 0, 0), false},
	} {
		if err := expiredFor(day(10), time.UTC, test.loads); errors.Is(err, ErrExpired) != test.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}
