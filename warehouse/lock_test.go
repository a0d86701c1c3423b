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
	"time"

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

// TestLostLockIsTakenAgain: a lock that was not renewed in time ends what is done under it, and nothing more is written
// until it is released. From then on the process may take it again.
func TestLostLockIsTakenAgain(t *testing.T) {
	dsn, password := serverDSN(t, "lost")
	var late atomic.Int64
	w, err := warehouse.Open(t.Context(), warehouse.Config{
		DSN: dsn, Password: password, Migrate: true,
		Now: func() time.Time { return time.Now().Add(time.Duration(late.Load())) },
	})
	check(t, err)
	defer func() { check(t, w.Close()) }()
	held, release, err := w.LockFor(t.Context(), warehouse.RunLock)
	check(t, err)
	late.Store(int64(time.Hour))
	if err := w.Exec(t.Context(), "warehouse/ping.sql", nil); !errors.Is(err, warehouse.ErrLocked) {
		t.Errorf("Exec under a lock that was lost: %v, want ErrLocked", err)
	}
	if cause := context.Cause(held); !errors.Is(cause, warehouse.ErrLocked) {
		t.Errorf("what is done under it ended with %v, want ErrLocked", cause)
	}
	release()
	held, release, err = w.LockFor(t.Context(), warehouse.RunLock)
	check(t, err)
	check(t, w.Exec(t.Context(), "warehouse/ping.sql", nil))
	check(t, held.Err())
	release()
	if cause := context.Cause(held); !errors.Is(cause, context.Canceled) {
		t.Errorf("a lock that was released ended with %v", cause)
	}
}

// TestDroppedClaim: the server knows the token of a claim and has no row of it. Contenders pass over that epoch, and
// one at a time holds the lock.
func TestDroppedClaim(t *testing.T) {
	dsn, password := serverDSN(t, "dropped")
	w, err := warehouse.Open(t.Context(), warehouse.Config{DSN: dsn, Password: password, Migrate: true})
	check(t, err)
	defer func() { check(t, w.Close()) }()
	for range 2 {
		release, err := w.Lock(t.Context(), warehouse.WriterLock)
		check(t, err)
		release()
	}
	check(t, w.Conn().Exec(t.Context(), "ALTER TABLE locks DELETE WHERE name = 'writer' SETTINGS mutations_sync = 2"))
	release, err := w.Lock(t.Context(), warehouse.WriterLock)
	check(t, err)
	if _, err := w.Lock(t.Context(), warehouse.WriterLock); !errors.Is(err, warehouse.ErrLocked) {
		t.Errorf("a second lock: %v, want ErrLocked", err)
	}
	var epoch uint64
	check(t, w.Conn().QueryRow(t.Context(), "SELECT max(epoch) FROM locks WHERE name = 'writer'").Scan(&epoch))
	if epoch != 3 {
		t.Errorf("the lock has epoch %d, want 3: the first two have no row", epoch)
	}
	release()
}
