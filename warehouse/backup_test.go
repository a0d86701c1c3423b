package warehouse_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/warehouse"
)

// backedUp is a warehouse with a row in each of three tables, and a backup of it.
func backedUp(t *testing.T) (w *warehouse.Warehouse, folder string, made warehouse.Manifest) {
	t.Helper()
	ctx := context.Background()
	w, err := warehouse.Open(ctx, warehouse.Config{DSN: "embedded:" + t.TempDir(), Now: time.Now})
	check(t, err)
	t.Cleanup(func() { check(t, w.Close()) })
	exec1(t, w, "INSERT INTO catalogs VALUES ('sha', 'text', '2026-10-01 00:00:00')")
	exec1(t, w, "INSERT INTO charge_event VALUES ('oc_1', 'ii', 1, 'ACK', '2026-11-01 00:00:01', 'run', 200, 'ii_1', "+
		"'req', 0, '', 10000)")
	exec1(t, w, "INSERT INTO job_runs (job, revision) VALUES ('aggregate', 1)")
	folder = filepath.Join(t.TempDir(), "new", "backup")
	written := 0
	made, err = w.BackUp(ctx, folder, func() { written++ })
	check(t, err)
	if written != 1 {
		t.Errorf("the lock was given back %d times", written)
	}
	return w, folder, made
}

func restored(t *testing.T, dsn, folder string) (*warehouse.Warehouse, warehouse.Manifest, error) {
	t.Helper()
	w, err := warehouse.Connect(context.Background(), warehouse.Config{DSN: dsn, Now: time.Now})
	check(t, err)
	t.Cleanup(func() { check(t, w.Close()) })
	m, err := w.Restore(context.Background(), folder, time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
	return w, m, err
}

// TestBackup: what was stored comes back, once and again. It is marked restored until somebody says that it has
// caught up.
func TestBackup(t *testing.T) {
	ctx := context.Background()
	w, folder, made := backedUp(t)
	last := made.LastChargeEvent
	if last == nil || last.ChargeID != "oc_1" || last.Kind != "ACK" || made.Rows["charge_event"] != 1 ||
		made.Rows["catalogs"] != 1 || made.Schema == 0 || made.Bytes == 0 {
		t.Errorf("schema %d, %d bytes, rows %v, the last charge event is %+v", made.Schema, made.Bytes, made.Rows, last)
	}
	for _, table := range warehouse.TablesLookedAt() {
		if _, counted := made.Rows[table]; !counted {
			t.Errorf("stored_rows.sql does not count %s", table)
		}
	}
	if made.Rows["job_runs"] != 0 {
		t.Errorf("%d runs of jobs must come back: one that begins while the backup is written is in it as well",
			made.Rows["job_runs"])
	}
	read, err := warehouse.CheckBackup(folder)
	check(t, err)
	if read.SHA256 != made.SHA256 {
		t.Errorf("it is read as %s, and was made as %s", read.SHA256, made.SHA256)
	}
	exec1(t, w, "INSERT INTO catalogs VALUES ('later', 'text', '2026-10-02 00:00:00')")
	if at, err := w.Restored(ctx); err != nil || !at.IsZero() {
		t.Errorf("it was restored at %s (%v), want never", at, err)
	}
	for range 2 {
		again, _, err := restored(t, "embedded:"+t.TempDir(), folder)
		check(t, err)
		if n := count(t, again, "SELECT count() FROM catalogs"); n != 1 {
			t.Errorf("%d catalogs came back, want the 1 that was backed up", n)
		}
		if n := count(t, again, "SELECT count() FROM job_runs"); n != 1 {
			t.Errorf("%d runs of jobs came back, want 1", n)
		}
		if n := count(t, again, "SELECT count() FROM v_charges"); n != 0 {
			t.Errorf("a view shows %d rows", n)
		}
		at, err := again.Restored(ctx)
		check(t, err)
		if at.Format(time.DateOnly) != "2026-11-02" {
			t.Errorf("it was restored at %s", at)
		}
		check(t, again.MarkCaughtUp(ctx, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))) // by a clock that is behind
		if at, err := again.Restored(ctx); err != nil || !at.IsZero() {
			t.Errorf("it has caught up, and is said to be restored at %s (%v)", at, err)
		}
	}
}

// TestBackupIsRefused: a backup that lacks anything, or has a byte more or another one, is not restored, and what is
// in the way is named. Nothing is made in the warehouse then.
func TestBackupIsRefused(t *testing.T) {
	_, folder, made := backedUp(t)
	name := filepath.Join(folder, "data", filepath.FromSlash(made.Files[len(made.Files)-1].Path))
	content, err := os.ReadFile(name)
	check(t, err)
	manifest := filepath.Join(folder, "manifest.json")
	text, err := os.ReadFile(manifest)
	check(t, err)
	other := append([]byte{content[0] ^ 1}, content[1:]...)
	stray := filepath.Join(folder, "data", "stray")
	tests := []struct {
		name string
		harm func() error
		want string
	}{
		{"a byte differs", func() error { return os.WriteFile(name, other, 0o600) }, "its sha256 differs"},
		{"cut", func() error { return os.Truncate(name, 0) }, "has 0 bytes, not"},
		{"missing", func() error { return os.Remove(name) }, "is missing"},
		{"stray", func() error { return os.WriteFile(stray, nil, 0o600) }, "data/stray is not one of it"},
		{"link", func() error { return os.Symlink("/dev/null", stray) }, "is no regular file"},
		{"no manifest", func() error { return os.Remove(manifest) }, "was not finished"},
		{"half a manifest", func() error { return os.Truncate(manifest, 100) }, "manifest.json is damaged"},
		{"other counts", func() error {
			counts := bytes.Replace(text, []byte(`"charge_event": 1`), []byte(`"charge_event": 0`), 1)
			return os.WriteFile(manifest, counts, 0o600)
		}, "is not as it was written"},
		{"other format", func() error {
			return os.WriteFile(manifest, bytes.Replace(text, []byte(`"format": 1`), []byte(`"format": 2`), 1), 0o600)
		}, "its format is 2"},
	}
	target := t.TempDir()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			check(t, test.harm())
			w, _, err := restored(t, "embedded:"+target, folder)
			if !errors.Is(err, warehouse.ErrBackup) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
			if applied, err := w.Applied(context.Background()); err != nil || len(applied) > 0 {
				t.Errorf("the warehouse has %d migrations (%v)", len(applied), err)
			}
			check(t, os.RemoveAll(stray))
			check(t, os.WriteFile(name, content, 0o600))
			check(t, os.WriteFile(manifest, text, 0o600))
		})
	}
	_, _, err = restored(t, "embedded:"+target, folder)
	check(t, err)
}

// TestRestoreIntoEmptyOnly: what is stored already is not lost to a restore, nor is a backup to another one.
func TestRestoreIntoEmptyOnly(t *testing.T) {
	ctx := context.Background()
	w, folder, _ := backedUp(t)
	if _, err := w.Restore(ctx, folder, time.Now()); !errors.Is(err, warehouse.ErrBackup) ||
		!strings.Contains(err.Error(), "is not empty (") {
		t.Errorf("a warehouse with rows: %v", err)
	}
	if n := count(t, w, "SELECT count() FROM catalogs"); n != 1 {
		t.Errorf("%d catalogs are left", n)
	}
	if _, err := w.BackUp(ctx, folder, func() {}); !errors.Is(err, warehouse.ErrBackup) ||
		!strings.Contains(err.Error(), "the folder is not empty") {
		t.Errorf("a folder with a backup: %v", err)
	}
	fresh := t.TempDir()
	migrated, err := warehouse.Open(ctx, warehouse.Config{DSN: "embedded:" + fresh, Now: time.Now})
	check(t, err)
	check(t, migrated.Close())
	_, _, err = restored(t, "embedded:"+fresh, folder)
	check(t, err)
}

// TestRestoreCutShort: what a killed restore left is refused until restore has run again.
func TestRestoreCutShort(t *testing.T) {
	ctx := context.Background()
	_, folder, _ := backedUp(t)
	directory := t.TempDir()
	w, _, err := restored(t, "embedded:"+directory, folder)
	check(t, err)
	check(t, os.WriteFile(filepath.Join(directory, "engine", "restoring"), nil, 0o600))
	_, err = warehouse.Open(ctx, warehouse.Config{DSN: "embedded:" + directory})
	if !errors.Is(err, warehouse.ErrDamaged) || !strings.Contains(err.Error(), "run restore again") {
		t.Errorf("a restore was cut short: %v", err)
	}
	_, err = w.Restore(ctx, folder, time.Now())
	check(t, err)
	again, err := warehouse.Open(ctx, warehouse.Config{DSN: "embedded:" + directory})
	check(t, err)
	check(t, again.Close())
}

// TestBackupUser: only the user backup, whose password no command hands on, may back up; and to no place but
// the folder for it. Others cannot have it write to an object store.
func TestBackupUser(t *testing.T) {
	w, _, _ := backedUp(t)
	directory := w.Directory()
	outside := filepath.Join(t.TempDir(), "outside")
	below := filepath.Join(directory, "backup")
	store := "S3('http://127.0.0.1:1/bucket/x', 'k', 's')"
	places := map[string]bool{
		"File('" + outside + "')": false, "File('" + below + "/../x')": false, "File('../x')": false,
		"Disk('default', 'x')": false, "File('" + below + "/x')": true,
	}
	backup := connectAs(t, w, "backup", w.BackupPassword(), "creditmill")
	analyst, err := w.Analyst()
	check(t, err)
	defer func() { check(t, analyst.Close()) }()
	for place, fits := range places {
		if _, err := readAll(backup, "BACKUP TABLE creditmill.catalogs TO "+place); (err == nil) != fits {
			t.Errorf("backup to %s: %v", place, err)
		}
		for name, conn := range map[string]clickhouse.Conn{"creditmill": w.Conn(), "analyst": analyst} {
			for _, statement := range []string{
				"BACKUP TABLE creditmill.catalogs TO " + place, "BACKUP TABLE creditmill.catalogs TO " + store,
			} {
				if _, err := readAll(conn, statement); !warehouse.IsDenied(err) && !isRefusedBackup(err) {
					t.Errorf("%s: %s: %v", name, statement, err)
				}
			}
		}
	}
	for _, statement := range []string{
		"SELECT count() FROM creditmill.catalogs", "DROP TABLE creditmill.catalogs",
		"CREATE TABLE creditmill.u (a String) ENGINE = URL('http://127.0.0.1:1/', 'CSV')",
	} {
		if _, err := readAll(backup, statement); !warehouse.IsDenied(err) {
			t.Errorf("backup: %s: %v, want access denied", statement, err)
		}
	}
	if _, err := os.Stat(outside); !os.IsNotExist(err) {
		t.Errorf("something was written outside (%v)", err)
	}
}

// isRefusedBackup: the place is refused before the right is looked at.
func isRefusedBackup(err error) bool {
	var refused *clickhouse.Exception
	return errors.As(err, &refused) && (strings.Contains(refused.Message, "not allowed for backups") ||
		strings.Contains(refused.Message, "allowed_disk"))
}
