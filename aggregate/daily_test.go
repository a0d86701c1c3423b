package aggregate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestDaily: days are those of the catalog's timezone, a price change at noon splits its day exactly, and other
// customers and periods are left out. TestAgainstOracle holds the sums.
func TestDaily(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, strings.NewReplacer(
		"timezone: UTC", "timezone: America/New_York",
		"products:", `      - effective: "2026-10-03T16:00:00Z"
        per_token: {small-model-tokens: 0.2, medium-model-tokens: 1, large-model-tokens: 5}
products:`).Replace(seed))
	s.load(
		use("a", "2026-10-01T03:59:59Z", "medium-model", 1000), // still September in New York
		use("a", "2026-10-02T03:00:00Z", "medium-model", 3),
		use("a", "2026-10-03T15:59:59Z", "small-model", 10),
		use("a", "2026-10-03T16:00:00Z", "small-model", 10),
		use("b", "2026-10-02T12:00:00Z", "medium-model", 7))
	query := Query{AsOf: instant("2026-11-02T00:00:00Z"), Catalog: catalog, EndedOnly: true}
	periods, err := s.aggregator().Replay(context.Background(), query)
	s.must(err)
	for _, rolled := range []bool{false, true} {
		if rolled {
			s.must(s.aggregator().RollUp(context.Background(), catalog))
		}
		var october []*PeriodBalance
		for i, period := range periods {
			if period.Period.Start.Equal(instant("2026-10-01T04:00:00Z")) {
				october = append(october, &periods[i])
			}
		}
		got := []string{}
		s.must(s.aggregator().Daily(context.Background(), query, october, func(period int, days []DaySpend) error {
			got = append(got, october[period].CustomerID)
			for _, day := range days {
				got = append(got, day.Day.Format(time.DateOnly)+" "+day.Credits.String())
			}
			return nil
		}))
		if fmt.Sprint(got) != "[a 2026-10-01 3 2026-10-03 3 b 2026-10-02 7]" {
			t.Errorf("rolled up %t: %s", rolled, got)
		}
	}
}

// TestDailyOfNobody: a period without usage is told, too, in its place, and periods out of order or of other usage are
// refused.
func TestDailyOfNobody(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, seed)
	s.load(use("b", "2026-10-02T12:00:00Z", "medium-model", 7))
	query := Query{AsOf: instant("2026-11-02T00:00:00Z"), Catalog: catalog, EndedOnly: true}
	periods, err := s.aggregator().Replay(context.Background(), query)
	s.must(err)
	if len(periods) != 1 {
		t.Fatalf("%+v", periods)
	}
	none := func(customer string) *PeriodBalance {
		period := periods[0]
		period.CustomerID, period.Used = customer, credits("0")
		return &period
	}
	got := []string{}
	each := func(period int, days []DaySpend) error {
		got = append(got, fmt.Sprint(period, " ", len(days)))
		return nil
	}
	all := []*PeriodBalance{none("a"), &periods[0], none("c"), none("d")}
	s.must(s.aggregator().Daily(context.Background(), query, all, each))
	if fmt.Sprint(got) != "[0 0 1 1 2 0 3 0]" {
		t.Error(got)
	}
	wrong := none("c")
	wrong.Used = credits("1")
	for _, refused := range [][]*PeriodBalance{{none("c"), none("a")}, {&periods[0], wrong}, {none("b")}} {
		if err := s.aggregator().Daily(context.Background(), query, refused, each); !errors.Is(err, ErrInvariant) {
			t.Error(err)
		}
	}
}

// TestLoadsOfAQuery: a replay of some loads sees nothing of the others.
func TestLoadsOfAQuery(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, seed)
	first := s.load(use("a", "2026-10-05T00:00:00Z", "medium-model", 30))
	s.load(use("a", "2026-10-06T00:00:00Z", "medium-model", 12))
	query := Query{AsOf: instant("2026-11-01T00:00:00Z"), Catalog: catalog, EndedOnly: true, Loads: []uint64{first}}
	periods, err := s.aggregator().Replay(context.Background(), query)
	s.must(err)
	if len(periods) != 1 || !periods[0].Used.Equal(credits("30")) {
		t.Errorf("%+v", periods)
	}
}
