package warehouse

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestLeaseEndsByTheWall: a machine that slept longer than a lease lives does not write under it when it wakes, though
// its timers stood still meanwhile.
func TestLeaseEndsByTheWall(t *testing.T) {
	w := &Warehouse{config: Config{Now: time.Now}}
	asked := w.wall()
	if asked.String() != asked.Round(0).String() {
		t.Error("a lease is counted by the monotonic clock")
	}
	told := 0
	lock := &heldLock{"writer", &keptClaim{tell: func() { told++ }}}
	w.hold(lock)
	w.extend(lock.claim, asked)
	w.expireLeases(asked.Add(leaseLife - leaseSafety))
	if err := w.CheckLocks(); err != nil || told != 0 {
		t.Fatalf("the lock was lost before its time: %v, told %d times", err, told)
	}
	w.expireLeases(asked.Add(leaseLife))
	w.hold(&heldLock{name: "another"})
	if err := w.CheckLocks(); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), `"writer"`) || told != 1 {
		t.Fatalf("the lock is still relied on: %v, told %d times", err, told)
	}
	if err := w.Exec(t.Context(), "warehouse/ping.sql", nil); !errors.Is(err, ErrLocked) {
		t.Errorf("Exec: %v, want ErrLocked", err)
	}
	w.letGo(lock)
	if err := w.CheckLocks(); err != nil {
		t.Errorf("the lock that was lost is held no more, and still in the way: %v", err)
	}
}

// TestLostLease: what is done under a lease that is lost ends, and nothing more is written under it; what is done
// beside it goes on.
func TestLostLease(t *testing.T) {
	w := &Warehouse{config: Config{Now: time.Now}}
	lost, other := &Lease{warehouse: w, name: "load-1"}, &Lease{warehouse: w, name: "load-2"}
	asked := w.wall()
	w.extend(&keptClaim{tell: lost.lose}, asked.Add(-leaseLife))
	w.extend(&keptClaim{tell: other.lose}, asked)
	under, done := lost.Under(t.Context())
	defer done()
	beside, doneBeside := other.Under(t.Context())
	defer doneBeside()
	if err := lost.Check(); !errors.Is(err, ErrLeaseLost) || !errors.Is(err, ErrLocked) {
		t.Errorf("Check: %v, want ErrLeaseLost", err)
	}
	if !errors.Is(context.Cause(under), ErrLeaseLost) {
		t.Errorf("what is done under it: %v, want it ended", context.Cause(under))
	}
	if err := w.Exec(under, "warehouse/ping.sql", nil); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("Exec: %v, want ErrLeaseLost", err)
	}
	if err := errors.Join(other.Check(), beside.Err(), w.CheckLocks()); err != nil {
		t.Errorf("what is done beside it: %v", err)
	}
}
