package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creditmill/creditmill/warehouse"
)

// program runs creditmill as processes of its own on one embedded warehouse.
type program struct {
	directory string
	dsn       string
}

// newProgram starts an engine that stays until the test ends.
func newProgram(t *testing.T) (*program, *warehouse.Warehouse) {
	t.Helper()
	library, err := engineLibrary()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDITMILL_ENGINE_LIBRARY", library)
	p := &program{directory: filepath.Join(t.TempDir(), "warehouse")}
	p.dsn = "embedded:" + p.directory
	return p, p.open(t, 0)
}

// open starts the engine where none runs, or joins it. Zero bytes of memory: as much as it takes.
func (p *program) open(t *testing.T, memoryLimitBytes uint64) *warehouse.Warehouse {
	t.Helper()
	w, err := warehouse.Open(t.Context(), warehouse.Config{
		DSN: p.dsn, Now: time.Now, Library: os.Getenv("CREDITMILL_ENGINE_LIBRARY"), MemoryLimitBytes: memoryLimitBytes,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() }) //nolint:errcheck // may be closed by then
	return w
}

// command prepares a process of the program.
func (p *program) command(t *testing.T, dsn string, arguments ...string) *exec.Cmd {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(executable, append(arguments, "--warehouse", dsn)...)
	command.Args[0] = "creditmill" // as which the test binary is the program: see TestMain
	command.Dir = filepath.Dir(p.directory)
	command.Stderr = new(bytes.Buffer)
	return command
}

// run runs a command to its end and returns what it wrote and its exit code.
func (p *program) run(t *testing.T, dsn string, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	command := p.command(t, dsn, arguments...)
	output, err := command.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return string(output), command.Stderr.(*bytes.Buffer).String(), command.ProcessState.ExitCode()
}

// usageFile is a log file that is awkward to load: ids in no order, some rows there before, some contradicting, some
// bad.
type usageFile struct {
	path                                        string
	rows, loaded, duplicate, conflict, rejected uint64
	tokens                                      uint64 // of the loaded rows
}

// writeUsage writes a file. known holds every event written so far, by id; the file repeats some of them.
func writeUsage(
	t *testing.T, path string, rows int, random *rand.Rand, known map[string]uint64, ids *[]string,
) usageFile {
	t.Helper()
	f := usageFile{path: path, rows: uint64(rows)}
	var text bytes.Buffer
	for range rows {
		kind := random.IntN(100)
		if kind < 2 {
			text.WriteString("{\"event_id\": \n")
			f.rejected++
			continue
		}
		id := strconv.FormatUint(random.Uint64(), 36)
		tokens := random.Uint64N(1000)
		switch {
		case kind < 7 && len(*ids) > 0:
			id = (*ids)[random.IntN(len(*ids))]
			tokens = known[id]
			f.duplicate++
		case kind < 9 && len(*ids) > 0:
			id = (*ids)[random.IntN(len(*ids))]
			tokens = known[id] + 1
			f.conflict++
		default:
			known[id] = tokens
			*ids = append(*ids, id)
			f.loaded++
			f.tokens += tokens
		}
		fmt.Fprintf(&text, `{"event_id":%q,"occurred_at":"2026-10-01T00:00:00Z","customer_id":"cus_%d","model":"m",`+
			`"input_tokens":%d}`+"\n", id, len(id), tokens)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

// wantLoaded loads the file, or finds that it is loaded, and checks the figures of the load in the warehouse.
func (p *program) wantLoaded(t *testing.T, f usageFile) {
	t.Helper()
	stdout, stderr, code := p.run(t, p.dsn, "load", "--json", f.path)
	if code != exitPartial && code != exitOK {
		t.Fatalf("load after the fault: exit code %d\n%s", code, stderr)
	}
	var result struct {
		Status                                                          string
		RowsRead, RowsLoaded, RowsDuplicate, RowsConflict, RowsRejected uint64
	}
	stdout = strings.ReplaceAll(stdout, "rows_", "rows")
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	got := []uint64{result.RowsRead, result.RowsLoaded, result.RowsDuplicate, result.RowsConflict, result.RowsRejected}
	want := []uint64{f.rows, f.loaded, f.duplicate, f.conflict, f.rejected}
	if result.Status == "already_loaded" {
		return
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("load after the fault: read, loaded, duplicate, conflict, rejected %v, want %v", got, want)
	}
}

// wantExactly checks that these files count, each once, and that nothing is left of any other load.
func wantExactly(t *testing.T, w *warehouse.Warehouse, files []usageFile) {
	t.Helper()
	var want, got usageFile
	for _, f := range files {
		want.loaded += f.loaded
		want.tokens += f.tokens
		want.duplicate += f.duplicate
		want.conflict += f.conflict
		want.rejected += f.rejected
	}
	var loads, remains uint64
	err := w.Conn().QueryRow(t.Context(), `WITH (SELECT groupArray(load_seq) FROM loads FINAL WHERE status = 'committed')
		AS committed SELECT
		(SELECT count() FROM v_events), (SELECT sum(input_tokens) FROM v_events),
		(SELECT countIf(kind = 'duplicate') FROM v_duplicates), (SELECT countIf(kind = 'conflict') FROM v_duplicates),
		(SELECT count() FROM rejects), length(committed),
		(SELECT count() FROM loads FINAL WHERE status = 'loading')
		+ (SELECT count() FROM usage_events WHERE NOT has(committed, load_seq))
		+ (SELECT count() FROM duplicate_events WHERE NOT has(committed, load_seq))
		+ (SELECT count() FROM rejects WHERE NOT has(committed, load_seq))`).
		Scan(&got.loaded, &got.tokens, &got.duplicate, &got.conflict, &got.rejected, &loads, &remains)
	if err != nil {
		t.Fatal(err)
	}
	if got != want || loads != uint64(len(files)) || remains != 0 {
		t.Fatalf("the warehouse holds %+v in %d loads and %d remains, want %+v in %d and none",
			got, loads, remains, want, len(files))
	}
}

// TestKilledAtRandom kills the program, its engine, or both, at random moments of a load. Any next command must clear
// the remains, and loading again must bring every row and token exactly once. Now and then a backup is restored, and a
// load of what came after it is killed, too. KILLS says how often, SEED repeats a run.
func TestKilledAtRandom(t *testing.T) {
	kills, seed := number(t, "KILLS", 12), number(t, "SEED", uint64(time.Now().UnixNano()))
	t.Logf("KILLS=%d SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	p, w := newProgram(t)
	known, ids := map[string]uint64{}, []string{}
	folder := t.TempDir()
	next := func(i uint64) usageFile {
		return writeUsage(t, filepath.Join(folder, fmt.Sprintf("%d.jsonl", i)), 3000, random, known, &ids)
	}
	files := []usageFile{next(0)}
	started := time.Now()
	p.wantLoaded(t, files[0])
	usual := time.Since(started) // of a whole load, what the moments are spread over
	outcomes := map[string]int{}
	var backup restorePoint
	for i := range kills {
		f := next(i + 1)
		victim := []string{"program", "engine", "both"}[i%3]
		moment := time.Duration(random.Int64N(int64(usual)))
		outcomes[victim+" "+p.killDuring(t, f.path, victim, func() { time.Sleep(moment) })]++
		if i%2 == 0 { // any command that writes clears up, not only the next load
			if _, stderr, code := p.run(t, p.dsn, "unload", "ld_999999"); code != exitError {
				t.Fatalf("kill %d of the %s after %v: unload: exit code %d\n%s", i, victim, moment, code, stderr)
			}
		}
		started := time.Now()
		p.wantLoaded(t, f)
		usual = (3*usual + time.Since(started)) / 4
		files = append(files, f)
		wantExactly(t, w, files)
		switch i % 8 {
		case 2:
			backup = p.backUp(t, len(files))
		case 6:
			w = p.restore(t, w, backup)
			wantExactly(t, w, files[:backup.files])
			begun := p.begun(t, w) // by time alone, every load after a restore had ended before
			outcomes["restored "+p.killDuring(t, files[backup.files].path, victim, func() {
				begun()
				time.Sleep(moment / 8)
			})]++
			for _, later := range files[backup.files:] {
				p.wantLoaded(t, later)
			}
			wantExactly(t, w, files)
		}
		if t.Failed() {
			t.Fatalf("kill %d of the %s after %v", i, victim, moment)
		}
	}
	t.Logf("a load takes %v; outcomes: %v", usual, outcomes)
	hit := outcomes["restored killed"] + outcomes["restored error"]
	if restored := hit + outcomes["restored done"]; restored > 0 && hit == 0 {
		t.Errorf("none of %d loads after a restored backup was killed under way", restored)
	}
}

// begun returns a function that waits until a load has begun that comes after those of now.
func (p *program) begun(t *testing.T, w *warehouse.Warehouse) func() {
	t.Helper()
	latest := func() (seq uint64, err error) {
		err = w.Conn().QueryRow(t.Context(), "SELECT max(load_seq) FROM loads").Scan(&seq)
		return seq, err
	}
	before, err := latest()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			seq, err := latest()
			if err != nil {
				t.Fatal(err)
			}
			if seq > before {
				return
			}
		}
		t.Fatal("no load has begun within a minute")
	}
}

// killDuring starts a load and kills the victim when wait returns. It says how the load ended.
func (p *program) killDuring(t *testing.T, path, victim string, wait func()) string {
	t.Helper()
	command := p.command(t, p.dsn, "load", "--json", path)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	wait()
	if victim != "program" {
		syscall.Kill(enginePID(t, p.directory), syscall.SIGKILL) //nolint:errcheck // it may be gone
	}
	if victim != "engine" {
		command.Process.Kill() //nolint:errcheck // it may have ended
	}
	ended := make(chan struct{})
	go func() {
		command.Wait() //nolint:errcheck // its exit code is looked at below
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(2 * time.Minute):
		command.Process.Kill() //nolint:errcheck // the test fails either way
		t.Fatalf("the load hangs after the %s was killed", victim)
	}
	switch code := command.ProcessState.ExitCode(); code {
	case -1:
		return "killed"
	case exitOK, exitPartial:
		return "done"
	default:
		if message := command.Stderr.(*bytes.Buffer).String(); !strings.Contains(message, `"error"`) {
			t.Errorf("the %s was killed: exit code %d without a message: %q", victim, code, message)
		}
		return "error"
	}
}

// number reads a number from the environment.
func number(t testing.TB, variable string, unset uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return unset
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("read %s: %v", variable, err)
	}
	return n
}
