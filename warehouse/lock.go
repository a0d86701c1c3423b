package warehouse

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gofrs/flock"
)

var lockName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// holder is who has a lock, for the message to the one who wants it.
type holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
	// IsBrief: it is held for moments only, and worth waiting for.
	IsBrief bool `json:"brief,omitempty"`
}

func (h holder) String() string {
	text := fmt.Sprintf("process %d on %s", h.PID, h.Host)
	if !h.Since.IsZero() {
		text += " since " + h.Since.UTC().Format(time.RFC3339)
	}
	return text
}

// thisProcess names this process as a holder. A nil clock leaves the time out.
func thisProcess(now func() time.Time) holder {
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	h := holder{PID: os.Getpid(), Host: host}
	if now != nil {
		h.Since = now().UTC()
	}
	return h
}

// The locks of creditmill.
const (
	// WriterLock is held by whatever changes what is stored: one command at a time.
	WriterLock = "writer"
	// RunLock is held by `creditmill run`, so that two crons do not do the same jobs.
	RunLock = "run"
	// TransferLock is held by who has a backup on its way to or from elsewhere (Transfer).
	TransferLock = "transfer"
)

// lockedError says who holds a lock. It is ErrLocked.
type lockedError struct {
	name    string
	holder  string
	isBrief bool // held by LockPatiently
	isLease bool
}

func (e *lockedError) Error() string {
	ends := ""
	if e.isLease {
		ends = fmt.Sprintf(" (a lock of a process that died ends within %s)", leaseLife)
	}
	return fmt.Sprintf("%q is held by %s; try again when it is done%s: %v", e.name, e.holder, ends, ErrLocked)
}

func (e *lockedError) Unwrap() error { return ErrLocked }

// How long Lock waits for who holds the lock briefly, and how often it looks.
const (
	briefPatience  = 30 * time.Second
	lookAtLock     = 20 * time.Millisecond
	lookAtLockMost = 500 * time.Millisecond
	tellWaiting    = 5 * time.Second
)

// Lock makes this process the only one that does the named work on the warehouse, until release is called or the
// process ends. It does not wait, but for moments for a load that commits: when another run holds the lock, ErrLocked
// says which process, on which host, since when.
//
// In the directory of an embedded warehouse it is a lock of the system, which ends with the process. On a server it
// is a claim (claim.go) that is renewed while it is held; should that fail for too long, another may take it, and
// until it is released Exec of this Warehouse refuses to run anything.
//
// A statement outlives the process that sent it, so what an earlier holder's statements still do is ended before Lock
// returns (see StatementID).
func (w *Warehouse) Lock(ctx context.Context, name string) (release func(), err error) {
	return w.lockWithin(ctx, name, lockTerms{lose: func() {}}, briefly)
}

// LockFor is Lock for the whole life of a process that has others do its writing: the context that it returns ends when
// the lock is lost, and its cause says so.
func (w *Warehouse) LockFor(ctx context.Context, name string) (held context.Context, release func(), err error) {
	held, end := context.WithCancelCause(ctx)
	free, err := w.lockWithin(ctx, name, lockTerms{lose: func() { end(lostLock(name)) }}, briefly)
	if err != nil {
		end(err)
		return nil, nil, err
	}
	return held, func() {
		free()
		end(nil)
	}, nil
}

// briefly waits for those who hold a lock for moments.
func briefly(e *lockedError) time.Duration {
	if e.isBrief {
		return briefPatience
	}
	return 0
}

// LockPatiently is Lock for work that is done in moments, such as the commit of a load: it waits for whoever holds the
// lock, and others wait for it.
func (w *Warehouse) LockPatiently(
	ctx context.Context, name string, patience time.Duration,
) (release func(), err error) {
	return w.lockWithin(ctx, name, lockTerms{isBrief: true, lose: func() {}},
		func(*lockedError) time.Duration { return patience })
}

// lockTerms are how a lock is held: for moments, and what is called when it is lost.
type lockTerms struct {
	isBrief bool
	lose    func()
}

// heldLock is a lock that this process has, on a server by a claim.
type heldLock struct {
	name  string
	claim *keptClaim // nil in a directory
}

// lockWithin takes the lock, and where it is held looks again, as long as a holder is worth waiting for.
func (w *Warehouse) lockWithin(
	ctx context.Context, name string, terms lockTerms, patience func(*lockedError) time.Duration,
) (release func(), err error) {
	if !lockName.MatchString(name) {
		return nil, fmt.Errorf("lock %q: want small letters, digits, - and _", name)
	}
	waited, pause := time.Duration(0), lookAtLock
	for {
		release, err = w.tryLock(ctx, name, terms)
		var held *lockedError
		if !errors.As(err, &held) || waited >= patience(held) {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for lock: %w: %w", context.Cause(ctx), err)
		case <-time.After(pause):
		}
		if waited < tellWaiting && waited+pause >= tellWaiting {
			w.config.Log.Info().Str("lock", name).Str("holder", held.holder).Msg("waits_for_lock")
		}
		waited += pause
		pause = min(2*pause, lookAtLockMost)
	}
}

func (w *Warehouse) tryLock(ctx context.Context, name string, terms lockTerms) (release func(), err error) {
	lock := &heldLock{name: name}
	var free func()
	if w.target.embedded() {
		free, err = lockFile(w.lockFolder(), name, terms.isBrief, w.config.Now)
	} else {
		lock.claim, free, err = w.claimLock(ctx, name, terms)
	}
	if err != nil {
		return nil, err
	}
	if err := w.OutliveEngine(ctx, func() error { return w.endOrphans(ctx, name) }); err != nil {
		free()
		return nil, err
	}
	w.hold(lock)
	return func() {
		w.letGo(lock)
		free()
	}, nil
}

// endOrphans ends the statements that an earlier holder of the lock left running.
func (w *Warehouse) endOrphans(ctx context.Context, name string) error {
	ctx = withParams(ctx, Params{"prefix": w.statementPrefix(name)})
	err := w.eachPlace(func(_ uint32, conn driver.Conn) error {
		var running uint64
		err := conn.QueryRow(ctx, text("warehouse/count_orphans.sql")).Scan(&running)
		if err == nil && running > 0 {
			w.config.Log.Info().Str("lock", name).Uint64("statements", running).Msg("orphans_ended")
			err = conn.Exec(ctx, text("warehouse/end_orphans.sql"))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("end what an earlier holder of the lock %q left running: %w", name, err)
	}
	return nil
}

// StatementID names the next statement to the server, by the lease or lock under which it is sent: the lease that the
// context is under, else the last one taken of the locks held. Every statement that writes has one, so that the next
// holder can end it should this process die.
func (w *Warehouse) StatementID(ctx context.Context) string {
	if l := leaseOf(ctx); l != nil {
		return w.statementPrefix(l.name) + rand.Text()
	}
	if ctx.Value(claiming{}) != nil {
		return w.statementPrefix("claims") + rand.Text()
	}
	w.holding.Lock()
	defer w.holding.Unlock()
	name := "none"
	if len(w.held) > 0 {
		name = w.held[len(w.held)-1].name
	}
	return w.statementPrefix(name) + rand.Text()
}

// statementPrefix tells the statements of this database under this lock from all others on the server.
func (w *Warehouse) statementPrefix(lock string) string {
	return "creditmill/" + w.target.database + "/" + lock + "/"
}

// Marked is the context for a statement that writes and goes through Conn.
func (w *Warehouse) Marked(ctx context.Context) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithQueryID(w.StatementID(ctx)))
}

func (w *Warehouse) hold(lock *heldLock) {
	w.holding.Lock()
	defer w.holding.Unlock()
	w.held = append(w.held, lock)
}

func (w *Warehouse) letGo(lock *heldLock) {
	w.holding.Lock()
	defer w.holding.Unlock()
	if i := slices.Index(w.held, lock); i >= 0 {
		w.held = slices.Delete(w.held, i, i+1)
	}
}

func lockFile(directory, name string, isBrief bool, now func() time.Time) (release func(), err error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, fmt.Errorf("lock %q: %w", name, err)
	}
	lock := flock.New(filepath.Join(directory, name+".lock"), flock.SetPermissions(0o600))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %q: %w", name, err)
	}
	told := filepath.Join(directory, name+".holder.json")
	if !taken {
		if err := lock.Close(); err != nil {
			return nil, fmt.Errorf("lock %q: %w", name, err)
		}
		return nil, readHolder(told, name)
	}
	self := thisProcess(now)
	self.IsBrief = isBrief
	if err := writePrivateJSON(told, self); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %q: %w", name, err), lock.Close())
	}
	return func() {
		_ = os.Remove(told)
		_ = lock.Close() // the system frees it at the latest with the process
	}, nil
}

// readHolder returns what the lock's owner wrote about itself. The lock alone decides; this is only for people, and for
// whether it is worth waiting. An owner that has written nothing yet, or nothing any more, is.
func readHolder(path, name string) *lockedError {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &lockedError{name: name, holder: "a process that just started", isBrief: true}
	}
	var found holder
	if err == nil {
		err = json.Unmarshal(text, &found)
	}
	if err != nil {
		return &lockedError{name: name, holder: "another process (" + err.Error() + ")"}
	}
	return &lockedError{name: name, holder: found.String(), isBrief: found.IsBrief}
}
