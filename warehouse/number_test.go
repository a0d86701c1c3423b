package warehouse_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// eachKind runs a test on an embedded warehouse and on a server.
func eachKind(t *testing.T, database string, test func(t *testing.T, open func() *warehouse.Warehouse)) {
	t.Helper()
	opener := func(t *testing.T, config warehouse.Config) func() *warehouse.Warehouse {
		t.Helper()
		return func() *warehouse.Warehouse {
			w, err := warehouse.Open(t.Context(), config)
			check(t, err)
			t.Cleanup(func() { check(t, w.Close()) })
			return w
		}
	}
	t.Run("embedded", func(t *testing.T) {
		test(t, opener(t, warehouse.Config{DSN: warehousetest.NewDSN(), Now: time.Now}))
	})
	t.Run("server", func(t *testing.T) {
		dsn, password := serverDSN(t, database)
		test(t, opener(t, warehouse.Config{DSN: dsn, Password: password, Migrate: true, Now: time.Now}))
	})
}

// TestNumbersAreOneProcessesOwn has several take numbers of one series at once: none is given twice, and none is below
// what they ask for.
func TestNumbersAreOneProcessesOwn(t *testing.T) {
	eachKind(t, "numbers", func(t *testing.T, open func() *warehouse.Warehouse) {
		const takers, each, above = 4, 5, 41
		var mutex sync.Mutex
		var taken []uint64
		var group sync.WaitGroup
		for range takers {
			w := open()
			group.Go(func() {
				for range each {
					lease, err := w.TakeNumber(context.Background(), warehouse.LoadSeries, above)
					if err != nil {
						t.Error(err)
						return
					}
					mutex.Lock()
					taken = append(taken, lease.Number)
					mutex.Unlock()
					lease.Release()
				}
			})
		}
		group.Wait()
		slices.Sort(taken)
		if n := len(slices.Compact(slices.Clone(taken))); n != takers*each || taken[0] != above+1 {
			t.Errorf("%d numbers were given: %v; want %d from %d on", n, taken, takers*each, above+1)
		}
	})
}

// TestLeaseEnded tells a lease that lives from one that was released or runs out, and from none.
func TestLeaseEnded(t *testing.T) {
	eachKind(t, "ended", func(t *testing.T, open func() *warehouse.Warehouse) {
		ctx := t.Context()
		holder, other := open(), open()
		ended := func(number uint64) bool {
			found, err := other.LeaseEnded(ctx, warehouse.LoadSeries, number)
			check(t, err)
			return found
		}
		first, err := holder.TakeNumber(ctx, warehouse.LoadSeries, 0)
		check(t, err)
		second, err := holder.TakeNumber(ctx, warehouse.LoadSeries, 0)
		check(t, err)
		if first.Number != 1 || second.Number != 2 || ended(1) || ended(2) || !ended(3) {
			t.Fatalf("numbers %d, %d; ended: %v, %v, %v; want only that of 3", first.Number, second.Number, ended(1), ended(2),
				ended(3))
		}
		first.Release()
		if !ended(1) || ended(2) {
			t.Error("the released lease is alive, or the other one is not")
		}
		if other.IsShared() {
			check(t, other.Conn().Exec(ctx, "INSERT INTO locks SELECT * REPLACE(now64(6, 'UTC') AS expires_at, "+
				"now64(6, 'UTC') AS revision) FROM locks FINAL WHERE name = 'load' AND epoch = 2")) // what a minute does
			if !ended(2) {
				t.Error("a lease that has run out is alive")
			}
		}
		second.Release()
		if !ended(2) {
			t.Error("the released lease is alive")
		}
	})
}

// TestLockWaitsForTheBrief: who holds the lock for moments is waited for, anybody else is not.
func TestLockWaitsForTheBrief(t *testing.T) {
	eachKind(t, "brief", func(t *testing.T, open func() *warehouse.Warehouse) {
		ctx := t.Context()
		one, two := open(), open()
		release, err := one.Lock(ctx, warehouse.WriterLock)
		check(t, err)
		if _, err := two.Lock(ctx, warehouse.WriterLock); !errors.Is(err, warehouse.ErrLocked) {
			t.Errorf("a lock that is held: %v, want ErrLocked", err)
		}
		if _, err := two.LockPatiently(ctx, warehouse.WriterLock, time.Millisecond); !errors.Is(err, warehouse.ErrLocked) {
			t.Errorf("a lock that is held for longer than patience: %v, want ErrLocked", err)
		}
		release()
		release, err = one.LockPatiently(ctx, warehouse.WriterLock, time.Minute)
		check(t, err)
		taken := make(chan error)
		go func() {
			free, err := two.Lock(ctx, warehouse.WriterLock)
			if err == nil {
				free()
			}
			taken <- err
		}()
		select {
		case err := <-taken:
			t.Errorf("while it is held briefly: %v, want to wait", err)
		case <-time.After(200 * time.Millisecond):
		}
		release()
		check(t, <-taken)
	})
}
