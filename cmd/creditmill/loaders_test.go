package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/warehouse"
)

// loadedFile is a file by what it does when it is loaded: rows of an id and its tokens; an empty id is a bad row.
type loadedFile struct {
	path string
	rows []struct {
		id     string
		tokens uint64
	}
}

func (f *loadedFile) add(id string, tokens uint64) {
	f.rows = append(f.rows, struct {
		id     string
		tokens uint64
	}{id, tokens})
}

func (f *loadedFile) write(t *testing.T) {
	t.Helper()
	var text bytes.Buffer
	for _, row := range f.rows {
		if row.id == "" {
			text.WriteString("{\"event_id\": \n")
			continue
		}
		fmt.Fprintf(&text, `{"event_id":%q,"occurred_at":"2026-10-01T00:00:00Z","customer_id":"cus_%d","model":"m",`+
			`"input_tokens":%d}`+"\n", row.id, len(row.id), row.tokens)
	}
	if err := os.WriteFile(f.path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// stored is what a load did with its rows.
type stored struct{ Loaded, Duplicate, Conflict, Rejected, Tokens uint64 }

// loadAfter is what the file does when it is loaded after others, whose events are known.
func (f *loadedFile) loadAfter(known map[string]uint64) (s stored) {
	for _, row := range f.rows {
		tokens, isKnown := known[row.id]
		switch {
		case row.id == "":
			s.Rejected++
		case !isKnown:
			known[row.id] = row.tokens
			s.Loaded++
			s.Tokens += row.tokens
		case tokens == row.tokens:
			s.Duplicate++
		default:
			s.Conflict++
		}
	}
	return s
}

// fleet is many loaders on one warehouse.
type fleet struct {
	*program
	t      *testing.T
	w      *warehouse.Warehouse
	random *rand.Rand
	files  map[string]*loadedFile // by name
	copies map[string]bool        // names whose content another file has
	ids    []string               // of all files, and their tokens
	tokens map[string]uint64
}

// newFiles are those of a round: apart from each other, with events in common, some of them contradicting, and one with
// the content of another.
func (f *fleet) newFiles(round uint64, rows int) (paths []string) {
	for i := range 4 {
		path := filepath.Join(f.directory+"-files", fmt.Sprintf("%d-%d.jsonl", round, i))
		file := &loadedFile{path: path}
		for range rows {
			id, kind := strconv.FormatUint(f.random.Uint64(), 36), f.random.IntN(100)
			tokens := f.random.Uint64N(1000)
			if kind < 15 && len(f.ids) > 0 { // most of them of this round, whose files are loaded at once
				id = f.ids[max(0, len(f.ids)-1-f.random.IntN(3*rows))]
				tokens = f.tokens[id]
			}
			switch {
			case kind < 2:
				file.add("", 0)
				continue
			case kind < 5:
				tokens++
			}
			if _, isKnown := f.tokens[id]; !isKnown {
				f.ids, f.tokens[id] = append(f.ids, id), tokens
			}
			file.add(id, tokens)
		}
		file.write(f.t)
		f.files[path] = file
		paths = append(paths, path)
	}
	copied := *f.files[paths[0]]
	copied.path = strings.Replace(copied.path, "-0.jsonl", "-4.jsonl", 1)
	copied.write(f.t)
	f.files[copied.path] = &copied
	f.copies[copied.path], f.copies[paths[0]] = true, true
	return append(paths, copied.path)
}

// start starts a loader of each file, and a command that clears away what killed ones left behind.
func (f *fleet) start(paths []string) []*exec.Cmd {
	var commands []*exec.Cmd
	for _, path := range paths {
		commands = append(commands, f.command(f.t, f.dsn, "load", "--json", path))
	}
	commands = append(commands, f.command(f.t, f.dsn, "unload", "ld_999999"))
	for _, command := range commands {
		if err := command.Start(); err != nil {
			f.t.Fatal(err)
		}
	}
	return commands
}

// finish loads files until each is loaded, and says how often that took another try.
func (f *fleet) finish(paths []string) (again int) {
	for try := 0; len(paths) > 0; try++ {
		if try == 10 {
			f.t.Fatalf("%v are not loaded after %d tries", paths, try)
		}
		commands := f.start(paths)
		var left []string
		for i, command := range commands {
			command.Wait() //nolint:errcheck // its exit code is looked at
			if i == len(paths) {
				continue
			}
			switch code := command.ProcessState.ExitCode(); code {
			case exitOK, exitPartial:
			case exitError, exitWarehouse: // an engine that was killed, or that a killed client took along
				left = append(left, paths[i])
			default:
				f.t.Fatalf("load %s: exit code %d\n%s", paths[i], code, command.Stderr)
			}
		}
		again, paths = again+len(left), left
	}
	return again
}

// wantOneAfterTheOther checks that every file is committed once, and did what it does when the files are loaded one
// after the other, in the order in which they were committed.
func (f *fleet) wantOneAfterTheOther() {
	f.t.Helper()
	rows, err := f.w.Conn().Query(f.t.Context(), `SELECT file, rows_loaded, rows_duplicate, rows_conflict, rows_rejected,
		toUInt64(quantities['input']), kept.rows
		FROM (SELECT * FROM loads FINAL) AS loads
		LEFT JOIN (SELECT load_seq, count() AS rows FROM usage_events GROUP BY load_seq) AS kept
			ON kept.load_seq = loads.load_seq
		WHERE status = 'committed' ORDER BY changed_at`)
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	known := map[string]uint64{}
	loaded := map[string]bool{}
	for rows.Next() {
		var name string
		var got stored
		var kept uint64
		err := rows.Scan(&name, &got.Loaded, &got.Duplicate, &got.Conflict, &got.Rejected, &got.Tokens, &kept)
		if err != nil {
			f.t.Fatal(err)
		}
		if diff := cmp.Diff(f.files[name].loadAfter(known), got); diff != "" || loaded[name] || kept != got.Loaded {
			f.t.Fatalf("load of %s (%d rows kept, before: %v), want - got +:\n%s", name, kept, loaded[name], diff)
		}
		loaded[name] = true
	}
	if err := rows.Err(); err != nil {
		f.t.Fatal(err)
	}
	once := 0
	for name := range f.files {
		if !f.copies[name] && !loaded[name] {
			f.t.Errorf("%s is not loaded", name)
		}
		if f.copies[name] && loaded[name] {
			once++
		}
	}
	if once != len(f.copies)/2 {
		f.t.Errorf("%d of pairs of equal files are loaded, want one of each of %d pairs", once, len(f.copies)/2)
	}
	f.wantNoRemains(known)
}

func (f *fleet) wantNoRemains(known map[string]uint64) {
	f.t.Helper()
	tokens := uint64(0)
	for _, n := range known {
		tokens += n
	}
	var got struct{ events, tokens, remains uint64 }
	err := f.w.Conn().QueryRow(f.t.Context(), `WITH
		(SELECT groupArray(load_seq) FROM loads FINAL WHERE status = 'committed') AS committed
		SELECT (SELECT count() FROM v_events), (SELECT sum(input_tokens) FROM v_events),
		(SELECT count() FROM loads FINAL WHERE status = 'loading')
		+ (SELECT count() FROM usage_events WHERE NOT has(committed, load_seq))
		+ (SELECT count() FROM duplicate_events WHERE NOT has(committed, load_seq))
		+ (SELECT count() FROM rejects WHERE NOT has(committed, load_seq))`).Scan(&got.events, &got.tokens, &got.remains)
	if err != nil {
		f.t.Fatal(err)
	}
	if got.events != uint64(len(known)) || got.tokens != tokens || got.remains != 0 {
		f.t.Fatalf("the warehouse holds %+v, want %d events, %d tokens and no remains", got, len(known), tokens)
	}
}

// TestManyLoaders has five processes load at once, again and again: files of their own, with events in common, and with
// the same content. Loaders, and now and then the engine, are killed at random moments. In the end every file must have
// done what it does when one is loaded after the other. LOADER_KILLS says how often, SEED repeats a run.
func TestManyLoaders(t *testing.T) {
	kills, seed := number(t, "LOADER_KILLS", 60), number(t, "SEED", uint64(time.Now().UnixNano()))
	t.Logf("LOADER_KILLS=%d SEED=%d", kills, seed)
	p, w := newProgram(t)
	f := &fleet{
		program: p, t: t, w: w, random: rand.New(rand.NewPCG(seed, 0)), files: map[string]*loadedFile{},
		copies: map[string]bool{}, tokens: map[string]uint64{},
	}
	if err := os.Mkdir(f.directory+"-files", 0o700); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	f.finish(f.newFiles(0, 400)) // undisturbed
	usual := time.Since(started)
	f.wantOneAfterTheOther()
	killed, again := uint64(0), 0
	for round := uint64(1); killed < kills; round++ {
		paths := f.newFiles(round, 400)
		commands := f.start(paths)
		for _, victim := range f.random.Perm(len(commands))[:4] {
			time.Sleep(time.Duration(f.random.Int64N(int64(usual / 5))))
			commands[victim].Process.Kill() //nolint:errcheck // it may have ended
		}
		if round%5 == 0 {
			syscall.Kill(enginePID(t, f.directory), syscall.SIGKILL) //nolint:errcheck // it may be gone
		}
		for _, command := range commands {
			command.Wait() //nolint:errcheck // looked at next
			if command.ProcessState.ExitCode() == -1 {
				killed++
			}
		}
		started := time.Now()
		again += f.finish(paths)
		usual = (3*usual + time.Since(started)) / 4
		if _, stderr, code := p.run(t, p.dsn, "unload", "ld_999999"); code != exitError {
			t.Fatalf("unload: exit code %d\n%s", code, stderr)
		}
		f.wantOneAfterTheOther()
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%d processes were killed; five loaders take %v; %d files were tried again", killed, usual, again)
}

// TestStoppedProcess stops a loader while it reads, for longer than its lease on a server lives, and loads the same
// events meanwhile. When it goes on it must not commit.
func TestStoppedProcess(t *testing.T) {
	p, w := newProgram(t)
	address, _, user, password, _ := w.Options()
	server := "clickhouse://" + user + ":" + password + "@" + address + "/creditmill"
	file := &loadedFile{path: filepath.Join(t.TempDir(), "usage.jsonl")}
	for i := range 100 {
		file.add(strconv.Itoa(i%90), 7)
	}
	file.write(t)
	text, err := os.ReadFile(file.path)
	if err != nil {
		t.Fatal(err)
	}
	begun := p.begun(t, w)
	command := p.command(t, server, "load", "-")
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill() }) //nolint:errcheck // it has ended, or the test failed
	begun()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(command.Process.Signal(syscall.SIGSTOP))
	must(w.Conn().Exec(t.Context(), "INSERT INTO locks SELECT * REPLACE(now64(6, 'UTC') AS expires_at, "+
		"now64(6, 'UTC') AS revision) FROM locks FINAL WHERE NOT released")) // what a minute does
	if _, stderr, code := p.run(t, server, "load", file.path); code != exitOK {
		t.Fatalf("load beside the stopped one: exit code %d\n%s", code, stderr)
	}
	must(command.Process.Signal(syscall.SIGCONT))
	_, err = io.Copy(stdin, bytes.NewReader(text))
	must(err)
	must(stdin.Close())
	command.Wait() //nolint:errcheck // its exit code is looked at
	if code := command.ProcessState.ExitCode(); code != exitLocked {
		t.Errorf("the stopped load: exit code %d, want %d\n%s", code, exitLocked, command.Stderr)
	}
	var loads []string
	rows, err := w.Conn().Query(t.Context(),
		"SELECT concat(status, ' ', toString(rows_loaded)) FROM loads FINAL ORDER BY load_seq")
	must(err)
	defer rows.Close()
	for rows.Next() {
		var load string
		must(rows.Scan(&load))
		loads = append(loads, load)
	}
	must(rows.Err())
	if want := []string{"discarded 0", "committed 90"}; !slices.Equal(loads, want) {
		t.Errorf("loads: %v, want %v", loads, want)
	}
}
