package warehouse

import (
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
	w.extendLease("writer", asked)
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
