package aggregate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/warehouse"
)

// TestVerifyAgrees holds that the ways verify counts and computes come to the stored figures where days are split by
// price changes, pools have no price, rows are superseded, loads were withdrawn and events lie after the run's instant.
func TestVerifyAgrees(t *testing.T) {
	s := newStore(t)
	ctx := context.Background()
	catalog := mustCatalog(t, fmt.Sprintf(oracleCatalog, "America/New_York", "month"))
	again := use("a", "2026-10-20T00:00:00Z", "plain", 7)
	again.supersededBy = []uint64{1}
	back := use("a", "2026-10-20T01:00:00Z", "plain", 11) // counts again: what superseded it is withdrawn
	back.supersededBy = []uint64{2}
	s.load(
		use("a", "2026-10-31T23:59:59.499999999Z", "plain", 100), use("a", "2026-10-31T23:59:59.5Z", "plain-2", 100),
		use("a", "2026-10-20T00:00:00Z", "plain", 7), use("b", "2026-10-31T20:00:00Z", "late", 5),
		use("b", "2026-10-20T00:00:00Z", "mystery", 9), use("b", "2026-12-01T00:00:00Z", "plain", 1),
		event{at: instant("2026-10-20T00:00:00Z"), customer: "c", model: "pooled", tokens: [5]uint64{10, 4, 0, 2, 0}},
	)
	s.load(use("a", "2026-10-20T01:00:00Z", "plain", 11))
	s.load(again, back)
	s.withdraw(2)
	s.run(catalog, "2026-11-20T00:00:00Z")
	s.load(use("a", "2026-10-21T00:00:00Z", "plain", 13)) // not in the run
	s.must(s.Conn().Exec(ctx, `INSERT INTO loads SELECT * REPLACE (revision + 1 AS revision,
    (SELECT max(finished_at) + 1 FROM aggregate_runs) AS changed_at) FROM loads FINAL WHERE load_seq = 4`))
	checks, err := s.aggregator().Verify(ctx, nil)
	s.must(err)
	for _, check := range checks {
		if check.Name == "loads" || check.Name == "identities" {
			continue // the loads of these tests are written by hand, without what a load records
		}
		if !check.OK || check.LookedAt == 0 {
			t.Errorf("%+v", check)
		}
	}
	if len(checks) != 9 {
		t.Errorf("%d checks", len(checks))
	}
}

// TestVerifyTotals changes a total, and the day up to which it reaches.
func TestVerifyTotals(t *testing.T) {
	for _, change := range []string{"output_tokens = 1", "last_day = '2026-10-06'"} {
		s := newStore(t)
		ctx := context.Background()
		s.load(use("a", "2026-10-05T00:00:00Z", "small-model", 3), use("a", "2026-10-07T00:00:00Z", "small-model", 4))
		s.run(mustCatalog(t, seed), "2026-10-10T00:00:00Z")
		s.must(s.Conn().Exec(ctx, "ALTER TABLE usage_totals UPDATE "+change+" WHERE 1 SETTINGS mutations_sync = 2"))
		v := verifier{Aggregator: s.aggregator()}
		found := NewCheck("rollups")
		s.must(v.rollups(ctx, &found))
		if found.OK || !strings.Contains(found.Problems[0], "customer a, model small-model, days from 2026-10-05") {
			t.Errorf("%s: %+v", change, found)
		}
	}
}

// TestWrongTotals: events that the totals say less of than there are would be missing in every figure.
func TestWrongTotals(t *testing.T) {
	s, query := storeWithTotals(t)
	s.must(s.Conn().Exec(t.Context(),
		"ALTER TABLE usage_totals UPDATE events = 0 WHERE customer_id = 'b' SETTINGS mutations_sync = 2"))
	_, err := s.aggregator().Replay(t.Context(), query)
	if !errors.Is(err, ErrInvariant) || !strings.Contains(err.Error(), "2 events count, 1 were rated") {
		t.Error(err)
	}
}

// TestLostFigures: what is made of events is made again where rows of it are lost.
func TestLostFigures(t *testing.T) {
	for table, lost := range map[string]string{
		"usage_totals": "customer_id = 'b'", "usage_daily": "customer_id = 'b'", "both": "1",
	} {
		t.Run(table, func(t *testing.T) {
			s, query := storeWithTotals(t)
			for _, name := range []string{"usage_totals", "usage_daily"} {
				if table == name || table == "both" {
					s.must(s.Conn().Exec(t.Context(), "ALTER TABLE "+name+" DELETE WHERE "+lost+" SETTINGS mutations_sync = 2"))
				}
			}
			if err := s.CheckComplete(t.Context()); !errors.Is(err, warehouse.ErrDamaged) {
				t.Errorf("%v, want %v", err, warehouse.ErrDamaged)
			}
			if _, err := s.aggregator().Run(t.Context(), query); err != nil {
				t.Fatal(err)
			}
			s.must(s.CheckComplete(t.Context()))
			checks, err := s.aggregator().Verify(t.Context(), nil)
			s.must(err)
			for _, check := range checks {
				if !check.OK && check.Name != "loads" { // the store's loads record less than real ones
					t.Errorf("%+v", check)
				}
			}
		})
	}
}

// storeWithTotals has two customers' usage added up.
func storeWithTotals(t *testing.T) (*store, Query) {
	t.Helper()
	s := newStore(t)
	catalog := mustCatalog(t, seed)
	s.load(use("a", "2026-10-05T00:00:00Z", "small-model", 3), use("b", "2026-10-07T00:00:00Z", "small-model", 4))
	s.run(catalog, "2026-10-10T00:00:00Z")
	return s, Query{AsOf: instant("2026-10-10T00:00:00Z"), Catalog: catalog}
}

func TestVerifyNothing(t *testing.T) {
	checks, err := newStore(t).aggregator().Verify(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range checks {
		noted := slices.Contains([]string{"prices", "usage", "recompute"}, check.Name)
		if !check.OK || (check.Note != "") != noted {
			t.Errorf("%+v", check)
		}
	}
}

// TestHashRanges holds that the ranges have no gap, no overlap and both ends.
func TestHashRanges(t *testing.T) {
	for rows, want := range map[uint64]int{
		0: 1, identitiesAtOnce - 1: 1, identitiesAtOnce: 2, 10*identitiesAtOnce + 5: 11,
	} {
		ranges, next := 0, uint64(0)
		err := hashRanges(rows, func(from, to uint64) error {
			if from != next || to < from {
				t.Errorf("%d rows: range %d to %d after %d", rows, from, to, next)
			}
			ranges, next = ranges+1, to+1
			return nil
		})
		if err != nil || ranges != want || next != 0 { // past the last one, all hashes are through
			t.Errorf("%d rows: %d ranges up to %d, error %v", rows, ranges, next-1, err)
		}
	}
}
