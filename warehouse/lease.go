package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

const (
	leaseLife   = 60 * time.Second
	leaseRenew  = 10 * time.Second
	leaseSafety = 10 * time.Second // before its end, the holder stops by itself
)

// ErrLeaseLost is returned when a lease was not renewed in time, or another process has taken over what was done under
// it. It is an ErrLocked.
var ErrLeaseLost = fmt.Errorf("%w: the lease was lost while it was held, nothing more is written", ErrLocked)

// LoadSeries are the numbers of loads.
const LoadSeries = "load"

// Lease is a number that this process alone has taken of a series, and a sign that the process lives: others leave
// alone what is done under it (LeaseEnded). In the directory of an embedded warehouse the sign is a lock of the system,
// which ends with the process; on a server it is a claim that is renewed.
type Lease struct {
	Number uint64

	warehouse *Warehouse
	name      string // as which statements and messages know it
	release   func()
	lost      atomic.Bool
	stop      sync.Map // context.CancelCauseFunc of what is done under it
}

// TakeNumber takes the next number of a series above one, and a lease on it. No two processes are ever given the same
// number, however many ask at once.
func (w *Warehouse) TakeNumber(ctx context.Context, series string, above uint64) (*Lease, error) {
	for {
		latest, err := w.latestClaim(ctx, series, 0)
		if err != nil {
			return nil, err
		}
		above = max(above, latest.Epoch)
		l := &Lease{Number: above + 1, warehouse: w, name: leaseName(series, above+1)}
		asked := w.wall()
		won, isOurs, err := w.tryClaim(ctx, newClaim(series, l.Number, false))
		if err != nil {
			return nil, err
		}
		if !isOurs {
			above = l.Number
			continue
		}
		if w.target.embedded() {
			l.release, err = w.signOfLife(l.name)
			return l, err
		}
		won.name = series
		_, l.release = w.keep(won, asked, l.lose)
		return l, nil
	}
}

func leaseName(series string, number uint64) string {
	return series + "-" + strconv.FormatUint(number, 10)
}

// Release says that nothing more is done under the lease.
func (l *Lease) Release() { l.release() }

func (l *Lease) lose() {
	l.lost.Store(true)
	l.warehouse.config.Log.Error().Str("lease", l.name).Msg("lease_lost")
	l.stop.Range(func(key, stop any) bool {
		stop.(context.CancelCauseFunc)(fmt.Errorf("lease %s: %w", l.name, ErrLeaseLost))
		return true
	})
}

// Check returns ErrLeaseLost where the lease may not be relied on any more.
func (l *Lease) Check() error {
	l.warehouse.expireLeases(l.warehouse.wall())
	if l.lost.Load() {
		return fmt.Errorf("lease %s: %w", l.name, ErrLeaseLost)
	}
	return nil
}

type underLease struct{}

// Under is a context for what is done under the lease: its statements carry the lease's name, so that whoever finds the
// lease ended can end them, and it ends with ErrLeaseLost as its cause when the lease is lost. The caller calls done.
func (l *Lease) Under(ctx context.Context) (under context.Context, done func()) {
	under, cancel := context.WithCancelCause(context.WithValue(ctx, underLease{}, l))
	key := new(byte)
	l.stop.Store(key, cancel)
	if l.lost.Load() {
		cancel(fmt.Errorf("lease %s: %w", l.name, ErrLeaseLost))
	}
	return under, func() {
		l.stop.Delete(key)
		cancel(nil)
	}
}

func leaseOf(ctx context.Context) *Lease {
	l, _ := ctx.Value(underLease{}).(*Lease)
	return l
}

// LeaseEnded tells whether nobody works any more under the lease of a number. Then it has ended the statements that
// were left running under it, and none will come but those that the server had not read yet.
func (w *Warehouse) LeaseEnded(ctx context.Context, series string, number uint64) (bool, error) {
	name := leaseName(series, number)
	if w.target.embedded() {
		if ended, err := w.signOfLifeEnded(name); err != nil || !ended {
			return false, err
		}
	} else {
		of, err := w.latestClaim(ctx, series, number)
		if err != nil || of.Holds {
			return false, err
		}
	}
	return true, w.endOrphans(ctx, name)
}

// IsShared tells whether writers on several hosts may use the warehouse, whose locks are leases then.
func (w *Warehouse) IsShared() bool { return !w.target.embedded() }

func (w *Warehouse) lockFolder() string {
	// Databases of one directory are warehouses of their own.
	return filepath.Join(w.target.directory, "locks", w.target.database)
}

// signOfLife locks a file of the name for as long as the process lives, or until release, which removes it.
func (w *Warehouse) signOfLife(name string) (release func(), err error) {
	if err := os.MkdirAll(w.lockFolder(), 0o700); err != nil {
		return nil, fmt.Errorf("take lease %s: %w", name, err)
	}
	path := filepath.Join(w.lockFolder(), name+".lock")
	lock := flock.New(path, flock.SetPermissions(0o600))
	if taken, err := lock.TryLock(); err != nil || !taken {
		return nil, errors.Join(fmt.Errorf("take lease %s: %w", name, errors.Join(err, ErrLocked)), lock.Close())
	}
	return func() {
		_ = os.Remove(path) // one that stays is removed by whoever looks whether it ended
		_ = lock.Close()
	}, nil
}

// signOfLifeEnded tells whether the process that locked the file is gone.
func (w *Warehouse) signOfLifeEnded(name string) (bool, error) {
	path := filepath.Join(w.lockFolder(), name+".lock")
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	taken, err := lock.TryLock()
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at lease %s: %w", name, errors.Join(err, lock.Close()))
	}
	if taken {
		err = os.Remove(path)
	}
	if err = errors.Join(err, lock.Close()); err != nil {
		return false, fmt.Errorf("look at lease %s: %w", name, err)
	}
	return taken, nil
}

// keptClaim is a claim that this process renews, and relies on until an instant of the clock on the wall: timers stand
// still while the machine sleeps.
type keptClaim struct {
	claim
	end  time.Time // zero without a clock
	lost atomic.Bool
	tell func()
}

func (k *keptClaim) lose() {
	if !k.lost.Swap(true) {
		k.tell()
	}
}

// keep renews a claim that was asked for at an instant until release is called. When no renewal gets through in time,
// the claim counts as lost, which is told, before the server would give it to another.
func (w *Warehouse) keep(c claim, asked time.Time, tell func()) (k *keptClaim, release func()) {
	k = &keptClaim{claim: c, tell: tell}
	stop, ended := make(chan struct{}), make(chan struct{})
	w.extend(k, asked)
	go func() {
		defer close(ended)
		w.renew(k, stop)
	}()
	// The caller may close the warehouse next, so the claim is given back before release returns.
	return k, func() {
		close(stop)
		<-ended
	}
}

func (w *Warehouse) renew(k *keptClaim, stop <-chan struct{}) {
	defer w.forget(k)
	deadline := time.AfterFunc(leaseLife-leaseSafety, k.lose)
	defer func() { deadline.Stop() }()
	ticker := time.NewTicker(leaseRenew)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			w.giveBack(k.claim)
			return
		case <-ticker.C:
			if k.lost.Load() {
				continue // it runs out by itself
			}
			// The life begins again when the request is sent at the latest, so the deadline is set from there.
			asked := w.wall()
			renewed := time.AfterFunc(leaseLife-leaseSafety, k.lose)
			ctx, cancel := context.WithTimeout(context.Background(), leaseRenew)
			err := w.Exec(ctx, "warehouse/lock_renew.sql", k.params(leaseLife))
			cancel()
			// An answer that was read after the end, by a process that slept, may be of a time before another took over.
			w.expireLeases(w.wall())
			if err != nil {
				renewed.Stop()
				w.config.Log.Warn().Str("lock", k.name).Err(err).Msg("lock_renewal_failed")
				continue
			}
			deadline.Stop()
			deadline = renewed
			w.extend(k, asked)
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

// CheckLocks returns ErrLocked where a lock that is held may not be relied on any more. Who lost one lets go of it, and
// may take it again: what was left running is ended then.
func (w *Warehouse) CheckLocks() error {
	w.expireLeases(w.wall())
	w.holding.Lock()
	defer w.holding.Unlock()
	for _, lock := range w.held {
		if lock.claim != nil && lock.claim.lost.Load() {
			return lostLock(lock.name)
		}
	}
	return nil
}

func lostLock(name string) error {
	return fmt.Errorf("the lock %q was lost while it was held, nothing more is written: %w", name, ErrLocked)
}

// extend notes that a claim that was asked for at an instant may be relied on from there.
func (w *Warehouse) extend(k *keptClaim, asked time.Time) {
	w.holding.Lock()
	defer w.holding.Unlock()
	if asked.IsZero() {
		return
	}
	k.end = asked.Add(leaseLife - leaseSafety)
	if w.kept == nil {
		w.kept = map[*keptClaim]bool{}
	}
	w.kept[k] = true
}

func (w *Warehouse) forget(k *keptClaim) {
	w.holding.Lock()
	defer w.holding.Unlock()
	delete(w.kept, k)
}

// expireLeases loses the claims that may not be relied on at an instant.
func (w *Warehouse) expireLeases(now time.Time) {
	w.holding.Lock()
	var ended []*keptClaim
	for k := range w.kept {
		if now.After(k.end) {
			ended = append(ended, k)
		}
	}
	w.holding.Unlock()
	for _, k := range ended {
		k.lose()
	}
}
