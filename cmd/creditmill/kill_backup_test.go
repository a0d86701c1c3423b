package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/ingest/objects/objectstest"
	"github.com/creditmill/creditmill/warehouse"
)

// backedUpEvents are in the warehouse that is backed up.
const backedUpEvents = 300

// keeper is a warehouse to be backed up, the program, and object storage.
type keeper struct {
	*program
	*testing.T
	store *objectstest.Server
	kills int
}

func newKeeper(t *testing.T) *keeper {
	t.Helper()
	k := &keeper{T: t}
	k.program, _ = newProgram(t)
	store, err := objectstest.New("logs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	k.store = store
	t.Setenv("AWS_ENDPOINT_URL", store.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDKILL")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
	var rows strings.Builder
	for n := range backedUpEvents {
		fmt.Fprintf(&rows, `{"event_id":"k%d","occurred_at":"2026-10-06T10:00:00Z","customer_id":"acme",`+
			`"model":"small-model","input_tokens":1}`+"\n", n)
	}
	file := filepath.Join(t.TempDir(), "usage.jsonl")
	if err := os.WriteFile(file, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	k.must(k.dsn, "load", file)
	return k
}

// must runs a command that does its work, and returns what it wrote.
func (k *keeper) must(dsn string, arguments ...string) string {
	k.Helper()
	stdout, stderr, code := k.run(k.T, dsn, arguments...)
	if code != exitOK {
		k.Fatalf("%q: exit code %d\n%s", arguments, code, stderr)
	}
	return stdout
}

// kill runs a command that kills itself at a point.
func (k *keeper) kill(point, dsn string, arguments ...string) {
	k.Helper()
	command := k.command(k.T, dsn, arguments...)
	command.Env = append(os.Environ(), crashVariable+"="+point)
	if err := command.Run(); err == nil || command.ProcessState.ExitCode() != -1 {
		k.Fatalf("%q is not killed at %q: %v\n%s", arguments, point, err, command.Stderr.(*bytes.Buffer))
	}
	k.kills++
}

// killWithin kills a command from outside once so many files are below a folder, which is in the middle of what the
// engine does. It may be too late: then the command has done its work.
func (k *keeper) killWithin(folder string, files int, dsn string, arguments ...string) {
	k.Helper()
	command := k.command(k.T, dsn, arguments...)
	if err := command.Start(); err != nil {
		k.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if command.Wait() != nil {
			k.kills++
		}
	}()
	for found := 0; found < files; {
		select {
		case <-ended:
			return
		default:
		}
		found = 0
		filepath.WalkDir(folder, func(_ string, _ os.DirEntry, err error) error { //nolint:errcheck // it may not be there
			if err == nil {
				found++
			}
			return nil
		})
	}
	command.Process.Kill() //nolint:errcheck // it may have ended
	<-ended
}

// events are those of a warehouse.
func (k *keeper) events(dsn string) uint64 {
	k.Helper()
	var state struct{ Events uint64 }
	if err := json.Unmarshal([]byte(k.must(dsn, "status", "--json")), &state); err != nil {
		k.Fatal(err)
	}
	return state.Events
}

func (k *keeper) fresh() (folder, dsn string) {
	k.Helper()
	folder = filepath.Join(k.TempDir(), "fresh")
	return folder, "embedded:" + folder
}

// wantNone: of a backup that was cut short nothing is restored, and no warehouse is made for it.
func (k *keeper) wantNone(point, from string) {
	k.Helper()
	folder, dsn := k.fresh()
	_, stderr, code := k.run(k.T, dsn, "restore", from)
	if code != exitError || !strings.Contains(stderr, "it was not finished") {
		k.Errorf("killed at %q: restore ends with %d\n%s", point, code, stderr)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		k.Errorf("killed at %q: restore makes a warehouse (%v)", point, err)
	}
}

// wantAll: the backup is whole.
func (k *keeper) wantAll(point, from string) {
	k.Helper()
	_, dsn := k.fresh()
	k.must(dsn, "restore", from)
	if n := k.events(dsn); n != backedUpEvents {
		k.Errorf("killed at %q: %d events came back", point, n)
	}
}

// TestBackupKilled: a backup that is killed at any step is none, unless its manifest was written, and the next one
// works. A restore that is killed at any step leaves nothing or a warehouse that is refused, until it is begun again.
func TestBackupKilled(t *testing.T) {
	k := newKeeper(t)
	whole := filepath.Join(t.TempDir(), "whole")
	k.must(k.dsn, "backup", whole)
	var sent backupResult
	if err := json.Unmarshal([]byte(k.must(k.dsn, "backup", "s3://logs/whole", "--json")), &sent); err != nil {
		t.Fatal(err)
	}
	k.killBackups()
	k.killRestores(whole, sent.Files)
	if k.kills < 30 {
		t.Errorf("killed %d times, want at least 30", k.kills)
	}
	t.Logf("%d kills, a backup of %d files", k.kills, sent.Files)
}

func (k *keeper) killBackups() {
	points := []string{"backup described", "backup folder made", "backup copied", "backup synced", "backup finished"}
	for _, point := range points {
		to := filepath.Join(k.TempDir(), "b")
		k.kill(point, k.dsn, "backup", to)
		if point == "backup finished" {
			k.wantAll(point, to)
			continue
		}
		k.wantNone(point, to)
	}
	for _, files := range []int{3, 20, 60, 120} {
		to := filepath.Join(k.TempDir(), "b")
		k.killWithin(to, files, k.dsn, "backup", to)
		point := fmt.Sprintf("%d files", files)
		if _, err := os.Stat(filepath.Join(to, warehouse.ManifestFile)); err == nil {
			k.wantAll(point, to)
			continue
		}
		k.wantNone(point, to)
	}
	for _, nth := range []int{1, 2, 3, 5, 8, 13, 21, 34, 55} {
		points = append(points, fmt.Sprintf("backup file sent:%d", nth))
	}
	last := "backup manifest sent"
	for n, point := range append(points, "backup files sent", last) {
		to := fmt.Sprintf("s3://logs/b%d", n)
		k.kill(point, k.dsn, "backup", to)
		if point == last {
			k.wantAll(point, to)
			continue
		}
		k.wantNone(point, to)
	}
	if n := k.events(k.dsn); n != backedUpEvents {
		k.Errorf("after killed backups there are %d events", n)
	}
	k.must(k.dsn, "backup", "s3://logs/after")
	k.wantAll("none", "s3://logs/after")
	if left, err := filepath.Glob(filepath.Join(k.directory, "transfer")); err != nil || len(left) > 0 {
		k.Errorf("left beside the data: %q (%v)", left, err)
	}
}

func (k *keeper) killRestores(whole string, files int) {
	points := []string{
		"restore begun", "restore dropped", "restore copied", "restore migrated", "restore counted", "restore marked",
	}
	for _, point := range points {
		k.killRestore(point, whole)
	}
	for _, nth := range []int{1, 2, files / 2, files, files + 1} { // the manifest is the first
		points = append(points, fmt.Sprintf("restore file fetched:%d", nth))
	}
	for _, point := range points {
		k.killRestore(point, "s3://logs/whole")
	}
	for _, files := range []int{60, 150, 300} {
		folder, dsn := k.fresh()
		k.killWithin(filepath.Join(folder, "data"), files, dsn, "restore", whole)
		// What the engine still does of the killed one may get in the way of the next: then that says so, and not half of it.
		if _, stderr, code := k.run(k.T, dsn, "restore", whole); code != exitOK {
			k.Logf("killed at %d files: restore ends with %d\n%s", files, code, stderr)
			k.wantRefused("restored in vain", dsn)
			k.must(dsn, "restore", whole)
		}
		if n := k.events(dsn); n != backedUpEvents {
			k.Errorf("killed at %d files and restored again: %d events", files, n)
		}
	}
}

// wantRefused: nobody uses a warehouse that is half restored.
func (k *keeper) wantRefused(point, dsn string) {
	k.Helper()
	stdout, stderr, code := k.run(k.T, dsn, "load", os.DevNull, "--json")
	if code == exitOK || !strings.Contains(stderr, "a restore was cut short in it; run restore again") {
		k.Errorf("killed at %q: load ends with %d\n%s%s", point, code, stdout, stderr)
	}
}

func (k *keeper) killRestore(point, from string) {
	k.Helper()
	_, dsn := k.fresh()
	k.kill(point, dsn, "restore", from)
	if !strings.HasPrefix(point, "restore file") {
		k.wantRefused(point, dsn)
	} else if n := k.events(dsn); n != 0 { // nothing was touched yet
		k.Errorf("killed at %q: there are %d events", point, n)
	}
	k.must(dsn, "restore", from)
	if n := k.events(dsn); n != backedUpEvents {
		k.Errorf("killed at %q and restored again: %d events", point, n)
	}
}
