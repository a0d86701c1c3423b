package warehousetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/creditmill/creditmill/warehouse"
)

// The test binary, started with these variables, does the work of MainKilled and kills itself at the point.
const (
	killedDSN   = "CREDITMILL_TEST_KILLED_DSN"
	killedPoint = "CREDITMILL_TEST_KILLED_POINT"
)

// Work is what is killed half done. It calls fault at each point that has a name.
type Work func(ctx context.Context, w *warehouse.Warehouse, fault func(point string)) error

// MainKilled is Main for a package whose tests call KillAt: in the process that KillAt starts, it does the work instead
// of the tests.
func MainKilled(m *testing.M, work Work) {
	if os.Getenv(killedDSN) != "" && !warehouse.IsEngineChild(os.Args[1:]) {
		fmt.Println(workUntilKilled(work))
		os.Exit(1)
	}
	Main(m)
}

func workUntilKilled(work Work) error {
	ctx := context.Background()
	w, err := warehouse.Open(ctx, warehouse.Config{DSN: os.Getenv(killedDSN), Now: time.Now})
	if err != nil {
		return err
	}
	return work(ctx, w, func(point string) {
		if point == os.Getenv(killedPoint) {
			if err := quiet(ctx, w); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // the process ends here
			select {}
		}
	})
}

// quiet returns when nothing else has been asked of the database for a while. What other goroutines ask beside the
// point only reads; and an engine of this version aborts when a client dies that has an answer still to read
// (https://github.com/ClickHouse/ClickHouse/issues/115666), which would end the other tests with it.
func quiet(ctx context.Context, w *warehouse.Warehouse) error {
	const asksWithoutOthers = 20
	for without := 0; without < asksWithoutOthers; without++ {
		var others uint64
		err := w.Conn().QueryRow(ctx, `SELECT count() FROM system.processes
WHERE current_database = currentDatabase() AND query_id != queryID()`).Scan(&others)
		if err != nil {
			return fmt.Errorf("wait for other statements: %w", err)
		}
		if others > 0 {
			without = 0
		}
	}
	return nil
}

// KillAt has a process of its own do the work of MainKilled on a warehouse, where it must die of SIGKILL at the point.
// The variables, NAME=VALUE, are added to its environment.
func KillAt(t testing.TB, dsn, point string, variables ...string) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(append(os.Environ(), killedDSN+"="+dsn, killedPoint+"="+point), variables...)
	output, err := command.CombinedOutput()
	status, ok := command.ProcessState.Sys().(syscall.WaitStatus)
	if err == nil || !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the process ended with %v instead of being killed %s:\n%s", err, point, output)
	}
}
