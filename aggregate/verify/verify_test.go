package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/aggregate/usagetest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

var (
	use     = usagetest.Use
	instant = usagetest.Instant
)

func TestMain(m *testing.M) { warehousetest.Main(m) }

// store is a warehouse that a test writes loads to by hand.
type store struct{ *usagetest.Store }

func newStore(t testing.TB) *store { return &store{usagetest.New(t)} }

// worker keeps totals however few rows there are.
func (s *store) worker() *aggregate.Aggregator {
	return aggregate.New(aggregate.Config{Warehouse: s.Warehouse, Now: time.Now, LeastTotals: 1})
}

func (s *store) run(catalog *schemas.Catalog, asOf string) {
	s.T.Helper()
	_, err := s.worker().Run(context.Background(), instant(asOf), catalog)
	s.Must(err)
}

func (s *store) figures(ctx context.Context, begin func(string, uint64)) ([]findings.Check, error) {
	return Figures(ctx, s.Warehouse, s.worker(), begin)
}

// TestVerifyAgrees holds that the ways verify counts and computes come to the stored figures where days are split by
// price changes, pools have no price, rows are superseded, loads were withdrawn and events lie after the run's instant.
func TestVerifyAgrees(t *testing.T) {
	s := newStore(t)
	ctx := context.Background()
	catalog := usagetest.MustCatalog(t, fmt.Sprintf(usagetest.OracleCatalog, "America/New_York", "month"))
	again := use("a", "2026-10-20T00:00:00Z", "plain", 7)
	again.SupersededBy = []uint64{1}
	back := use("a", "2026-10-20T01:00:00Z", "plain", 11) // counts again: what superseded it is withdrawn
	back.SupersededBy = []uint64{2}
	s.Load(
		use("a", "2026-10-31T23:59:59.499999999Z", "plain", 100), use("a", "2026-10-31T23:59:59.5Z", "plain-2", 100),
		use("a", "2026-10-20T00:00:00Z", "plain", 7), use("b", "2026-10-31T20:00:00Z", "late", 5),
		use("b", "2026-10-20T00:00:00Z", "mystery", 9), use("b", "2026-12-01T00:00:00Z", "plain", 1),
		usagetest.Event{
			At: instant("2026-10-20T00:00:00Z"), Customer: "c", Model: "pooled", Tokens: [5]uint64{10, 4, 0, 2, 0},
		},
	)
	s.Load(use("a", "2026-10-20T01:00:00Z", "plain", 11))
	s.Load(again, back)
	s.Withdraw(2)
	s.run(catalog, "2026-11-20T00:00:00Z")
	s.Load(use("a", "2026-10-21T00:00:00Z", "plain", 13)) // not in the run
	s.Must(s.Conn().Exec(ctx, `INSERT INTO loads SELECT * REPLACE (revision + 1 AS revision,
    (SELECT max(finished_at) + 1 FROM aggregate_runs) AS changed_at) FROM loads FINAL WHERE load_seq = 4`))
	checks, err := s.figures(ctx, nil)
	s.Must(err)
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
	for _, change := range []string{"quantities = [3,0,0,1,0]", "last_day = '2026-10-06'"} {
		s := newStore(t)
		ctx := context.Background()
		s.Load(use("a", "2026-10-05T00:00:00Z", "small-model", 3), use("a", "2026-10-07T00:00:00Z", "small-model", 4))
		s.run(usagetest.MustCatalog(t, usagetest.Seed), "2026-10-10T00:00:00Z")
		s.Must(s.Conn().Exec(ctx, "ALTER TABLE usage_totals UPDATE "+change+" WHERE 1 SETTINGS mutations_sync = 2"))
		v := verifier{warehouse: s.Warehouse, aggregator: s.worker()}
		found := findings.New("rollups")
		s.Must(v.rollups(ctx, &found))
		if found.OK || !strings.Contains(found.Problems[0], "customer a, model small-model, days from 2026-10-05") {
			t.Errorf("%s: %+v", change, found)
		}
	}
}

// TestVerifyFeatureNamedAsModel: a feature that the log names is not the model of its name, in totals, rollups and
// prices.
func TestVerifyFeatureNamedAsModel(t *testing.T) {
	s := newStore(t)
	ctx := context.Background()
	named := use("a", "2026-10-05T00:00:00Z", "", 5)
	named.Feature = "plain"
	later := named
	later.At = instant("2026-10-09T00:00:00Z")
	s.Load(
		use("a", "2026-10-04T00:00:00Z", "plain", 3), named, use("a", "2026-10-07T00:00:00Z", "plain", 4), later,
	)
	s.run(usagetest.MustCatalog(t, fmt.Sprintf(usagetest.OracleCatalog, "UTC", "month")), "2026-10-20T00:00:00Z")
	v := verifier{warehouse: s.Warehouse, aggregator: s.worker()}
	for name, look := range map[string]func(context.Context, *findings.Check) error{
		"rollups": v.rollups, "prices": v.prices, "usage": v.usage, "recompute": v.recompute,
	} {
		found := findings.New(name)
		s.Must(look(ctx, &found))
		if !found.OK || found.LookedAt == 0 {
			t.Errorf("%+v", found)
		}
	}
	s.Must(s.Conn().Exec(ctx, "INSERT INTO usage_daily SELECT * REPLACE ('' AS model, 'plain' AS feature) "+
		"FROM usage_daily WHERE day = '2026-10-07'"))
	s.Must(s.Conn().Exec(ctx, "ALTER TABLE usage_daily DELETE WHERE day = '2026-10-07' AND feature = '' "+
		"SETTINGS mutations_sync = 2"))
	found := findings.New("rollups")
	s.Must(v.rollups(ctx, &found))
	want := []string{
		"ld_1 on 2026-10-07 (UTC), customer a, feature plain: events: 1 stored, 0 found; input_tokens: 4 stored, 0 found",
		"ld_1 on 2026-10-07 (UTC), customer a, model plain: events: 0 stored, 1 found; input_tokens: 0 stored, 4 found",
	}
	if found.OK || !slices.Equal(found.Problems[:2], want) {
		t.Errorf("%+v, want %q", found, want)
	}
}

// TestEventsIsAUnitToo: a unit may have the name that verify has for the number of events.
func TestEventsIsAUnitToo(t *testing.T) {
	s := newStore(t)
	event := use("a", "2026-10-05T00:00:00Z", "plain", 5)
	event.More.Add("events", decimal.RequireFromString("2.5"))
	s.Load(event)
	s.run(usagetest.MustCatalog(t, fmt.Sprintf(usagetest.OracleCatalog, "UTC", "month")), "2026-10-20T00:00:00Z")
	s.Must(s.Conn().Exec(t.Context(), "ALTER TABLE usage_daily UPDATE events = 2, "+
		"quantities = [5, 0, 0, 0, 0, 2, 0] WHERE 1 "+
		"SETTINGS mutations_sync = 2"))
	v := verifier{warehouse: s.Warehouse, aggregator: s.worker()}
	found := findings.New("rollups")
	s.Must(v.daily(t.Context(), &found, "UTC", []uint64{1}))
	want := []string{
		"ld_1 on 2026-10-05 (UTC), customer a, model plain: events: 2 stored, 1 found; units.events: 2 stored, 2.5 found",
	}
	if !slices.Equal(found.Problems, want) {
		t.Errorf("%q, want %q", found.Problems, want)
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
					s.Must(s.Conn().Exec(t.Context(), "ALTER TABLE "+name+" DELETE WHERE "+lost+" SETTINGS mutations_sync = 2"))
				}
			}
			if err := s.CheckComplete(t.Context()); !errors.Is(err, warehouse.ErrDamaged) {
				t.Errorf("%v, want %v", err, warehouse.ErrDamaged)
			}
			if _, err := s.worker().Run(t.Context(), query.AsOf, query.Catalog); err != nil {
				t.Fatal(err)
			}
			s.Must(s.CheckComplete(t.Context()))
			checks, err := s.figures(t.Context(), nil)
			s.Must(err)
			for _, check := range checks {
				if !check.OK && check.Name != "loads" { // the store's loads record less than real ones
					t.Errorf("%+v", check)
				}
			}
		})
	}
}

// storeWithTotals has two customers' usage added up.
func storeWithTotals(t *testing.T) (*store, aggregate.Query) {
	t.Helper()
	s := newStore(t)
	catalog := usagetest.MustCatalog(t, usagetest.Seed)
	s.Load(use("a", "2026-10-05T00:00:00Z", "small-model", 3), use("b", "2026-10-07T00:00:00Z", "small-model", 4))
	s.run(catalog, "2026-10-10T00:00:00Z")
	return s, aggregate.Query{AsOf: instant("2026-10-10T00:00:00Z"), Catalog: catalog}
}

func TestVerifyNothing(t *testing.T) {
	checks, err := newStore(t).figures(context.Background(), nil)
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
