package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/creditmill/creditmill/warehouse"
)

func TestLockOfADirectory(t *testing.T) {
	directory := t.TempDir()
	w := open(t, directory)
	defer func() { check(t, w.Close()) }()
	ctx := context.Background()

	release, err := w.Lock(ctx, "load")
	check(t, err)
	_, err = w.Lock(ctx, "load")
	if !errors.Is(err, warehouse.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on ", os.Getpid())) {
		t.Errorf("a second lock: %v, want ErrLocked naming this process", err)
	}
	other, err := w.Lock(ctx, "aggregate")
	check(t, err)
	other()
	release()

	locker := start(t, lockerVerb, directory)
	if got := locker.line(); got != "locked" {
		t.Fatalf("the other process says %q", got)
	}
	_, err = w.Lock(ctx, "load")
	if !errors.Is(err, warehouse.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint(locker.command.Process.Pid)) {
		t.Errorf("another process holds the lock: %v, want ErrLocked naming it", err)
	}
	locker.kill()
	release, err = w.Lock(ctx, "load")
	check(t, err)
	release()
}

func TestLockName(t *testing.T) {
	w := open(t, t.TempDir())
	defer func() { check(t, w.Close()) }()
	for _, name := range []string{"", "../x", "Load", "a b"} {
		if _, err := w.Lock(context.Background(), name); err == nil {
			t.Errorf("%q is taken as the name of a lock", name)
		}
	}
}

// TestLeaseOnAServer lets several contenders ask for one lock at the same time, again and again: never two of them
// hold it.
func TestLeaseOnAServer(t *testing.T) {
	dsn, password := serverDSN(t, "leases")
	ctx := context.Background()
	const contenders, rounds = 6, 3
	var holders, wins, refusals atomic.Int64
	var group sync.WaitGroup
	for i := range contenders {
		w, err := warehouse.Open(ctx, warehouse.Config{DSN: dsn, Password: password, Migrate: i == 0})
		check(t, err)
		defer func() { check(t, w.Close()) }()
		group.Go(func() {
			for range rounds {
				release, err := w.Lock(ctx, "load")
				if err != nil {
					// A server too busy to take the announcement in time is no reason to go on without the lock either.
					late := errors.Is(err, context.DeadlineExceeded)
					if !late && (!errors.Is(err, warehouse.ErrLocked) || !strings.Contains(err.Error(), "process ")) {
						t.Errorf("lock: %v, want ErrLocked naming a process", err)
					}
					refusals.Add(1)
					continue
				}
				if holders.Add(1) != 1 {
					t.Error("two hold the lock at once")
				}
				wins.Add(1)
				holders.Add(-1)
				release()
			}
		})
	}
	group.Wait()
	if wins.Load() == 0 || refusals.Load() == 0 {
		t.Errorf("%d times taken, %d times refused: want both to happen", wins.Load(), refusals.Load())
	}
}

// TestLockEndsOrphans takes a lock whose last holder left a statement running: it is done before the lock is there,
// and stores nothing afterwards. Statements under other locks go on.
func TestLockEndsOrphans(t *testing.T) {
	directory := t.TempDir()
	first, next := open(t, directory), open(t, directory)
	defer func() { check(t, errors.Join(first.Close(), next.Close())) }()
	ctx := context.Background()
	check(t, first.Conn().Exec(ctx, "CREATE TABLE slow (n UInt64) ENGINE = MergeTree ORDER BY n"))

	leave := func(lock string, rows int) chan error {
		release, err := first.Lock(ctx, lock)
		check(t, err)
		marked, ended := first.Marked(ctx), make(chan error, 1)
		release()
		go func() {
			ended <- first.Conn().Exec(marked, fmt.Sprintf("INSERT INTO slow SELECT number FROM numbers(%d) "+
				"WHERE NOT ignore(sleepEachRow(0.05)) SETTINGS max_block_size = 1", rows))
		}()
		eventually(t, "the statement runs", func() bool {
			var running uint64
			check(t, next.Conn().QueryRow(ctx, "SELECT count() FROM system.processes WHERE query_id LIKE '%/"+lock+"/%'").
				Scan(&running))
			return running == 1
		})
		return ended
	}
	other, orphan := leave("other", 20), leave("writer", 1_000_000)
	release, err := next.Lock(ctx, "writer")
	check(t, err)
	defer release()
	var left, rows uint64
	check(t, next.Conn().QueryRow(ctx, "SELECT countIf(query_id LIKE '%/writer/%') FROM system.processes").Scan(&left))
	if err := <-orphan; left != 0 || err == nil {
		t.Errorf("the last holder's statement: %d still run, error %v; want it ended", left, err)
	}
	if err := <-other; err != nil {
		t.Errorf("a statement under another lock was ended: %v", err)
	}
	check(t, next.Conn().QueryRow(ctx, "SELECT count() FROM slow").Scan(&rows))
	if rows < 20 { // what the ended one had stored before is its remains
		t.Errorf("%d rows, want those of the statement under another lock", rows)
	}
}
