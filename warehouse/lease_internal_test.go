package warehouse

import (
	"context"
	"errors"
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
	w.extend(&keptClaim{tell: func() { w.loseLock("writer") }}, asked)
	w.expireLeases(asked.Add(leaseLife - leaseSafety))
	if w.lostLock.Load() != nil {
		t.Fatal("the lock was lost before its time")
	}
	w.expireLeases(asked.Add(leaseLife))
	if owner := w.lostLock.Load(); owner == nil || *owner != "writer" {
		t.Fatal("the lock is still relied on")
	}
	if err := w.Exec(t.Context(), "warehouse/ping.sql", nil); !errors.Is(err, ErrLocked) {
		t.Errorf("Exec: %v, want ErrLocked", err)
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
	if err := errors.Join(other.Check(), beside.Err()); err != nil || w.lostLock.Load() != nil {
		t.Errorf("what is done beside it: %v", err)
	}
}
