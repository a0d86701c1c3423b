package aggregate

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

const crashAsOf = "2026-11-15T00:00:00Z"

// runAndCrash is the aggregate run that TestKilledRun kills.
func runAndCrash(ctx context.Context, w *warehouse.Warehouse, fault func(point string)) error {
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(granting))
	if err := problems.Err(); err != nil {
		return err
	}
	a := New(Config{Warehouse: w, Now: time.Now, Fault: fault})
	a.leastTotals = 0
	_, err := a.Run(ctx, instant(crashAsOf), catalog)
	return err
}

// TestKilledRun kills aggregate runs with SIGKILL where something is half done. Readers see the run before, whole, and
// the next run gives what it would have given.
func TestKilledRun(t *testing.T) {
	dsn := warehousetest.NewDSN()
	s := storeIn(t, warehousetest.Open(t, dsn))
	catalog := mustCatalog(t, granting)
	s.attach(catalog, "a", "roll", "2026-10-01T00:00:00Z")
	s.grant(catalog, "a", given{credits: "30", at: "2026-10-10T12:00:00Z", priority: 10})
	points := []string{
		"after-usage", "after-rollup", "after-usage-totals", "after-totals", "after-prices", "after-balances", "after-run",
	}
	for day, point := range points {
		s.load(use("a", fmt.Sprintf("2026-11-%02dT10:00:00Z", day+1), "m", 100))
		s.must(s.Conn().Exec(context.Background(), "TRUNCATE TABLE totals")) // so that each run makes them
		before, runs := s.stored(), s.count("SELECT count() FROM aggregate_runs")
		warehousetest.KillAt(t, dsn, point)
		finished := s.count("SELECT count() FROM aggregate_runs") - runs
		if point == "after-run" {
			if finished != 1 {
				t.Errorf("killed %s: %d runs are finished", point, finished)
			}
		} else if after := s.stored(); after != before || finished != 0 {
			t.Errorf("killed %s: %d runs are finished; readers saw %s, then %s", point, finished, before, after)
		}
		s.run(catalog, crashAsOf)
		const november, december = "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"
		used := 100 * (day + 1)
		want := fmt.Sprintf("a roll credits %s %s granted 380 used %d balance %d billable 0 capped %d",
			november, december, used, 380-used, max(0, used-380))
		current, err := s.aggregator().Balances(context.Background(), nil)
		s.must(err)
		if got := figures(current.Balances); got != want {
			t.Errorf("after a run killed %s:\n%s, want\n%s", point, got, want)
		}
		if events := s.count("SELECT sum(events) FROM usage_daily"); events != uint64(day+1) {
			t.Errorf("after a run killed %s: %d events are rolled up", point, events)
		}
	}
}
