package aggregate

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// The test binary, started with these variables, aggregates and kills itself at the point.
const (
	crashDSN   = "AGGREGATE_TEST_DSN"
	crashPoint = "AGGREGATE_TEST_POINT"
	crashAsOf  = "2026-11-15T00:00:00Z"
)

func runAndCrash() int {
	ctx := context.Background()
	w, err := warehouse.Open(ctx, warehouse.Config{DSN: os.Getenv(crashDSN), Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(granting))
	if catalog == nil {
		fmt.Println(problems)
		return 1
	}
	a := New(Config{Warehouse: w, Now: time.Now, Fault: func(point string) {
		if point == os.Getenv(crashPoint) {
			syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // the process ends here
			select {}
		}
	}})
	if _, err := a.Run(ctx, Query{AsOf: instant(crashAsOf), Catalog: catalog}); err != nil {
		fmt.Println(err)
	}
	return 1
}

// TestKilledRun kills aggregate runs with SIGKILL where something is half done. Readers see the run before, whole, and
// the next run gives what it would have given.
func TestKilledRun(t *testing.T) {
	dsn := warehousetest.NewDSN()
	s := &store{Warehouse: warehousetest.Open(t, dsn), t: t}
	catalog := mustCatalog(t, granting)
	s.attach(catalog, "a", "roll", "2026-10-01T00:00:00Z")
	s.grant(catalog, "a", given{credits: "30", at: "2026-10-10T12:00:00Z", priority: 10})
	points := []string{"after-usage", "after-rollup", "after-prices", "after-balances", "after-run"}
	for day, point := range points {
		s.load(use("a", fmt.Sprintf("2026-11-%02dT10:00:00Z", day+1), "m", 100))
		before, runs := s.stored(), s.count("SELECT count() FROM aggregate_runs")
		killRun(t, dsn, point)
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

// killRun aggregates in a process of its own, which must die of SIGKILL.
func killRun(t *testing.T, dsn, point string) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), crashDSN+"="+dsn, crashPoint+"="+point)
	output, err := command.CombinedOutput()
	status, ok := command.ProcessState.Sys().(syscall.WaitStatus)
	if err == nil || !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the run ended with %v instead of being killed %s:\n%s", err, point, output)
	}
}
