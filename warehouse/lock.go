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
	"github.com/gofrs/flock"
)

var lockName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// holder is who has a lock, for the message to the one who wants it.
type holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
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
)

// Lock makes this process the only one that does the named work on the warehouse, until release is called or the
// process ends. It does not wait: when another run holds the lock, ErrLocked says which process, on which host,
// since when.
//
// In the directory of an embedded warehouse it is a lock of the system, which ends with the process. On a server it
// is a lease (lease.go) that is renewed while it is held; should that fail for too long, another may take it, and
// from then on Exec of this Warehouse refuses to run anything.
//
// A statement outlives the process that sent it, so what an earlier holder's statements still do is ended before Lock
// returns (see StatementID).
func (w *Warehouse) Lock(ctx context.Context, name string) (release func(), err error) {
	if !lockName.MatchString(name) {
		return nil, fmt.Errorf("lock %q: want small letters, digits, - and _", name)
	}
	var free func()
	if w.target.embedded() {
		// Databases of one directory are warehouses of their own.
		free, err = lockFile(filepath.Join(w.target.directory, "locks", w.target.database), name, w.config.Now)
	} else {
		free, err = w.lease(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	if err := w.OutliveEngine(ctx, func() error { return w.endOrphans(ctx, name) }); err != nil {
		free()
		return nil, err
	}
	w.hold(name)
	return func() {
		w.letGo(name)
		free()
	}, nil
}

// endOrphans ends the statements that an earlier holder of the lock left running.
func (w *Warehouse) endOrphans(ctx context.Context, name string) error {
	var running uint64
	params := Params{"prefix": w.statementPrefix(name)}
	err := w.QueryRow(ctx, "warehouse/count_orphans.sql", params, &running)
	if err == nil && running > 0 {
		w.config.Log.Info().Str("lock", name).Uint64("statements", running).Msg("orphans_ended")
		err = w.conn.Exec(withParams(ctx, params), text("warehouse/end_orphans.sql"))
	}
	if err != nil {
		return fmt.Errorf("end what an earlier holder of the lock %q left running: %w", name, err)
	}
	return nil
}

// StatementID names the next statement to the server, by the lock under which it is sent: the last one taken of those
// held. Every statement that writes has one, so that the next holder can end it should this process die.
func (w *Warehouse) StatementID() string {
	w.holding.Lock()
	defer w.holding.Unlock()
	name := "none"
	if len(w.held) > 0 {
		name = w.held[len(w.held)-1]
	}
	return w.statementPrefix(name) + rand.Text()
}

// statementPrefix tells the statements of this database under this lock from all others on the server.
func (w *Warehouse) statementPrefix(lock string) string {
	return "creditmill/" + w.target.database + "/" + lock + "/"
}

// Marked is the context for a statement that writes and goes through Conn.
func (w *Warehouse) Marked(ctx context.Context) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithQueryID(w.StatementID()))
}

func (w *Warehouse) hold(name string) {
	w.holding.Lock()
	defer w.holding.Unlock()
	w.held = append(w.held, name)
}

func (w *Warehouse) letGo(name string) {
	w.holding.Lock()
	defer w.holding.Unlock()
	if i := slices.Index(w.held, name); i >= 0 {
		w.held = slices.Delete(w.held, i, i+1)
	}
}

func lockFile(directory, name string, now func() time.Time) (release func(), err error) {
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
		held := fmt.Errorf("%q is held by %s; try again when it is done: %w", name, readHolder(told), ErrLocked)
		return nil, errors.Join(held, lock.Close())
	}
	if err := writePrivateJSON(told, thisProcess(now)); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %q: %w", name, err), lock.Close())
	}
	return func() { _ = lock.Close() }, nil // the system frees it at the latest with the process
}

// readHolder returns what the lock's owner wrote about itself. The lock alone decides; this is only for people.
func readHolder(name string) string {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "a process that just started"
	}
	var found holder
	if err == nil {
		err = json.Unmarshal(text, &found)
	}
	if err != nil {
		return "another process (" + err.Error() + ")"
	}
	return found.String()
}
