package warehouse

import (
	"errors"
	"testing"
	"time"
)

// TestLeaseEndsByTheWall: a machine that slept longer than a lease lives does not write under it when it wakes, though
// its timers stood still meanwhile.
func TestLeaseEndsByTheWall(t *testing.T) {
	w := &Warehouse{}
	asked := time.Now()
	w.extendLease("writer", asked)
	w.expireLeases(asked.Add(leaseLife - leaseSafety))
	if w.lostLock.Load() != nil {
		t.Fatal("the lock was lost before its time")
	}
	if end := w.leases["writer"]; end != end.Round(0) {
		t.Error("the end of the lease is counted by the monotonic clock")
	}
	w.expireLeases(asked.Add(leaseLife))
	if owner := w.lostLock.Load(); owner == nil || *owner != "writer" {
		t.Fatal("the lock is still relied on")
	}
	if err := w.Exec(t.Context(), "warehouse/ping.sql", nil); !errors.Is(err, ErrLocked) {
		t.Errorf("Exec: %v, want ErrLocked", err)
	}
}
