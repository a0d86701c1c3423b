package warehouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

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

// Lock makes this process the only one that does the named work on the warehouse, until release is called or the
// process ends. It does not wait: when another run holds the lock, ErrLocked says which process, on which host,
// since when.
//
// In the directory of an embedded warehouse it is a lock of the system, which ends with the process. On a server it
// is a lease (lease.go) that is renewed while it is held; should that fail for too long, another may take it, and
// from then on Exec of this Warehouse refuses to run anything.
func (w *Warehouse) Lock(ctx context.Context, name string) (release func(), err error) {
	if !lockName.MatchString(name) {
		return nil, fmt.Errorf("lock %q: want small letters, digits, - and _", name)
	}
	if w.target.embedded() {
		// Databases of one directory are warehouses of their own.
		return lockFile(filepath.Join(w.target.directory, "locks", w.target.database), name, w.config.Now)
	}
	return w.lease(ctx, name)
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
