package warehouse

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// A lease is a lock among hosts that share nothing but the server, which has no compare-and-set. So each contender
// announces itself with the server's own time, waits, and reads back: the earliest announcement that is neither
// expired nor released holds the lock. An announcement is cut off after half the wait, so when a contender reads,
// every earlier announcement is there to be seen, and no two can both find themselves first. All times are the
// server's clock.
const (
	leaseWait   = 2 * time.Second
	leaseLife   = 60 * time.Second
	leaseRenew  = 10 * time.Second
	leaseSafety = 10 * time.Second // before its end, the holder stops by itself
)

type leaseRow struct {
	Token       string    `ch:"token"`
	Host        string    `ch:"host"`
	PID         uint64    `ch:"pid"`
	AnnouncedAt time.Time `ch:"announced_at"`
}

func (w *Warehouse) lease(ctx context.Context, name string) (release func(), err error) {
	self := thisProcess(nil)
	params := Params{
		"name": name, "token": rand.Text(), "host": self.Host, "pid": self.PID, "life_seconds": int(leaseLife / time.Second),
	}
	// Asked first, so that in the usual case of a held lock nothing is written.
	if err := w.leaseHeldByOther(ctx, name, params); err != nil {
		return nil, err
	}
	announcing, cancel := context.WithTimeout(ctx, leaseWait/2)
	err = w.Exec(announcing, "warehouse/lease_announce.sql", params)
	cancel()
	if err != nil {
		w.endLease(params)
		return nil, fmt.Errorf("announce lock %q: %w", name, err)
	}
	select {
	case <-ctx.Done():
		w.endLease(params)
		return nil, fmt.Errorf("wait for lock %q: %w", name, context.Cause(ctx))
	case <-time.After(leaseWait):
	}
	if err := w.leaseHeldByOther(ctx, name, params); err != nil {
		w.endLease(params)
		return nil, err
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		w.keepLease(name, params, stop)
	}()
	// The caller may close the warehouse next, so the lease is given back before release returns.
	return func() {
		close(stop)
		<-ended
	}, nil
}

func (w *Warehouse) leaseHeldByOther(ctx context.Context, name string, params Params) error {
	rows, err := Select[leaseRow](ctx, w, "warehouse/lease_holders.sql", Params{"name": name})
	if err != nil {
		return fmt.Errorf("read lock %q: %w", name, err)
	}
	if len(rows) == 0 || rows[0].Token == params["token"] {
		return nil
	}
	first := holder{PID: int(rows[0].PID), Host: rows[0].Host, Since: rows[0].AnnouncedAt} //nolint:gosec // a process id
	return fmt.Errorf("%q is held by %s; try again when it is done (a lock of a process that died ends within %s): %w",
		name, first, leaseLife, ErrLocked)
}

// keepLease renews the lease until stop is closed, then ends it. When no renewal got through in time, the lock
// counts as lost before the server would give it to another.
func (w *Warehouse) keepLease(name string, params Params, stop <-chan struct{}) {
	lose := func() { w.loseLock(name) }
	w.extendLease(name, w.wall())
	defer w.extendLease(name, time.Time{})
	deadline := time.AfterFunc(leaseLife-leaseSafety, lose)
	defer deadline.Stop()
	ticker := time.NewTicker(leaseRenew)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			w.endLease(params)
			return
		case <-ticker.C:
			// The life begins again when the request is sent at the latest, so the deadline is set from there.
			asked := w.wall()
			renewed := time.AfterFunc(leaseLife-leaseSafety, lose)
			ctx, cancel := context.WithTimeout(context.Background(), leaseRenew)
			err := w.Exec(ctx, "warehouse/lease_renew.sql", params)
			cancel()
			if err != nil {
				renewed.Stop()
				w.config.Log.Warn().Str("lock", name).Err(err).Msg("lock_renewal_failed")
				continue
			}
			deadline.Stop()
			deadline = renewed
			w.extendLease(name, asked)
		}
	}
}

// wall is the time by the clock on the wall; zero without a clock.
func (w *Warehouse) wall() time.Time {
	if w.config.Now == nil {
		return time.Time{}
	}
	return w.config.Now().Round(0)
}

func (w *Warehouse) loseLock(name string) {
	w.lostLock.Store(&name)
	w.config.Log.Error().Str("lock", name).Msg("lock_lost")
}

// extendLease notes until when a lease that was asked for at an instant may be relied on, by the clock on the wall:
// timers stand still while the machine sleeps. A zero instant ends that.
func (w *Warehouse) extendLease(name string, asked time.Time) {
	w.holding.Lock()
	defer w.holding.Unlock()
	if asked.IsZero() {
		delete(w.leases, name)
		return
	}
	if w.leases == nil {
		w.leases = map[string]time.Time{}
	}
	w.leases[name] = asked.Add(leaseLife - leaseSafety)
}

// expireLeases loses the locks whose leases have run out at an instant.
func (w *Warehouse) expireLeases(now time.Time) {
	w.holding.Lock()
	defer w.holding.Unlock()
	for name, end := range w.leases {
		if now.After(end) {
			delete(w.leases, name)
			w.loseLock(name)
		}
	}
}

// endLease gives the lease back. If that fails it ends by itself after leaseLife.
func (w *Warehouse) endLease(params Params) {
	ctx, cancel := context.WithTimeout(context.Background(), leaseRenew)
	defer cancel()
	if err := w.Exec(ctx, "warehouse/lease_release.sql", params); err != nil {
		w.config.Log.Warn().Err(err).Msg("lock_release_failed")
	}
}
