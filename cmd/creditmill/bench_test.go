package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// benchFormats are the file formats of BenchmarkLoad: the statement that writes the file, ClickHouse's name of the
// format, and the extension of the file.
var benchFormats = []struct{ statement, format, extension string }{
	{"usage", "JSONEachRow", "jsonl"}, {"usage_typed", "Parquet", "parquet"},
}

// BenchmarkLoad compares `creditmill load` with ClickHouse's own INSERT … SELECT FROM file(…) into the same table, in
// turn on one engine that runs already, until the ratio is settled, and prints both. make bench runs it; ROWS says how
// many rows, BENCH_DIR a directory that keeps the files for the next time. Memory and the engine's CPU are read from
// /proc, so they are missing elsewhere than on Linux.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		bench := newLoadBench(b)
		for _, each := range benchFormats {
			file := bench.generate(b, each.statement, each.format, each.extension, clickhouse.Parameters{
				"rows": strconv.FormatUint(bench.rows, 10),
			})
			var ours, theirs []benchRun
			warehousetest.Settle(b, func(round int) []float64 {
				us := func() {
					ours = append(ours, bench.creditmill(b, fmt.Sprintf("ours_%s_%d", each.extension, round), file, true))
				}
				them := func() {
					database := fmt.Sprintf("theirs_%s_%d", each.extension, round)
					theirs = append(theirs, bench.clickhouse(b, database, file, each.format))
				}
				inTurn(round, us, them)
				return []float64{wallRatio(ours[round], theirs[round])}
			})
			bench.printAgainst(b, "load "+each.extension, file, ours, "ClickHouse", theirs)
		}
	}
}

// BenchmarkLoadUnits compares a log of twelve units and two dimensions with one of the five pools, of as many rows, in
// turn on one engine, and prints the medians and their ratios.
func BenchmarkLoadUnits(b *testing.B) {
	for b.Loop() {
		bench := newLoadBench(b)
		var files [2]string
		for i, statement := range []string{"usage_units", "usage"} {
			files[i] = bench.generate(b, statement, "JSONEachRow", "jsonl", clickhouse.Parameters{
				"rows": strconv.FormatUint(bench.rows, 10),
			})
		}
		var runs [2][]benchRun
		load := func(i, round int) func() {
			return func() {
				runs[i] = append(runs[i], bench.creditmill(b, fmt.Sprintf("units_%d_%d", i, round), files[i], true))
			}
		}
		warehousetest.Settle(b, func(round int) []float64 {
			inTurn(round, load(0, round), load(1, round))
			return []float64{wallRatio(runs[0][round], runs[1][round])}
		})
		bench.printAgainst(b, "load of 12 units and 2 dimensions", files[0], runs[0], "five pools", runs[1])
	}
}

// BenchmarkIdentity loads a file of ROWS rows with random ids, then one of a tenth of the rows of which each tenth was
// in the first: the path where ids prove nothing by their order and every row is looked up in what was loaded before.
func BenchmarkIdentity(b *testing.B) {
	for b.Loop() {
		bench := newLoadBench(b)
		few := bench.rows / 10
		number := func(n uint64) string { return strconv.FormatUint(n, 10) }
		existing := bench.generate(b, "random_ids", "JSONEachRow", "jsonl",
			clickhouse.Parameters{"first": "0", "rows": number(bench.rows)})
		added := bench.generate(b, "random_ids", "JSONEachRow", "more.jsonl",
			clickhouse.Parameters{"first": number(bench.rows - few/10), "rows": number(few)})
		first := bench.creditmill(b, "identity", existing, false)
		second := bench.creditmill(b, "identity", added, true)
		if want := few / 10; second.result.RowsDuplicate != want || second.result.RowsConflict != 0 {
			b.Fatalf("%d duplicates and %d conflicts, want %d and none",
				second.result.RowsDuplicate, second.result.RowsConflict, want)
		}
		bench.printAgainst(b, "first load, random ids", existing, []benchRun{first}, "", nil)
		bench.printAgainst(b, "second load, a tenth of it known", added, []benchRun{second}, "", nil)
	}
}

// loadBench is an engine and the place for the files.
type loadBench struct {
	directory string
	rows      uint64
	holder    *warehouse.Warehouse
	enginePID int
}

func newLoadBench(b *testing.B) *loadBench {
	b.Helper()
	bench := &loadBench{directory: os.Getenv("BENCH_DIR")}
	if bench.directory == "" {
		bench.directory = b.TempDir()
	}
	bench.rows = max(100, number(b, "ROWS", 10_000_000))
	var err error
	bench.directory, err = filepath.Abs(bench.directory)
	if err != nil {
		b.Fatal(err)
	}
	library, err := engineLibrary()
	if err != nil {
		b.Fatal(err)
	}
	b.Setenv("CREDITMILL_ENGINE_LIBRARY", library)
	holder, err := warehouse.Connect(b.Context(), warehouse.Config{DSN: bench.dsn("holder"), Library: library})
	if err != nil {
		b.Fatal(err)
	}
	bench.holder = holder
	b.Cleanup(func() {
		if err := holder.Close(); err != nil {
			b.Error(err)
		}
	})
	bench.enginePID = enginePID(b, filepath.Join(bench.directory, "warehouse"))
	return bench
}

func (l *loadBench) dsn(database string) string {
	return "embedded:" + filepath.Join(l.directory, "warehouse") + "?database=" + database
}

// enginePID reads which process is the engine of a warehouse directory.
func enginePID(t testing.TB, directory string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(directory, "engine", "running.json"))
	if err != nil {
		t.Fatal(err)
	}
	var running struct{ PID int }
	if err := json.Unmarshal(text, &running); err != nil {
		t.Fatal(err)
	}
	return running.PID
}

// benchStatement reads a statement of testdata/bench.
func benchStatement(b *testing.B, name string) string {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "bench", name+".sql"))
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// generate has the engine write a file of events, unless it is there from an earlier run.
func (l *loadBench) generate(b *testing.B, statement, format, extension string, values clickhouse.Parameters) string {
	b.Helper()
	file := filepath.Join(l.directory, fmt.Sprintf("%s_%d.%s", statement, l.rows, extension))
	if _, err := os.Stat(file); err == nil {
		return file
	}
	values["file"], values["format"] = file, format
	l.local(b, b.TempDir(), benchStatement(b, statement), values)
	return file
}

// benchRun is what one process took.
type benchRun struct {
	wall                time.Duration
	own, engine         benchUsage
	ownPeak, enginePeak uint64 // bytes of resident memory; 0: not known
	result              benchLoad
}

// benchLoad is what of a load's JSON is looked at.
type benchLoad struct {
	RowsLoaded    uint64      `json:"rows_loaded"`
	RowsDuplicate uint64      `json:"rows_duplicate"`
	RowsConflict  uint64      `json:"rows_conflict"`
	Tokens        benchTokens `json:"tokens"`
}

// benchTokens are the sums of the pools that benchmark events have.
type benchTokens struct {
	Input       uint64 `json:"input"`
	CachedInput uint64 `json:"cached_input"`
	Output      uint64 `json:"output"`
}

// creditmill loads the file by a process of its own into a database that is made before and, if asked, dropped after.
func (l *loadBench) creditmill(b *testing.B, database, file string, drop bool) (run benchRun) {
	b.Helper()
	l.inDatabase(b, database, drop, func(*warehouse.Warehouse) {
		var loaded benchLoad
		run = l.program(b, database, &loaded, "load", file)
		run.result = loaded
	})
	return run
}

// program runs a command of creditmill on a database by a process of its own, and reads its JSON into result.
func (l *loadBench) program(b *testing.B, database string, result any, args ...string) benchRun {
	b.Helper()
	executable, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	args = append(args, "--quiet", "--json", "--warehouse", l.dsn(database))
	command := exec.CommandContext(b.Context(), executable, args...)
	command.Args[0] = "creditmill" // as which the test binary is the program: see TestMain
	engine := l.startEngineMeter(b)
	run := runProcess(b, command, result)
	run.engine, run.enginePeak = engine()
	return run
}

// runProcess measures a process and reads its JSON into result.
func runProcess(b *testing.B, command *exec.Cmd, result any) (run benchRun) {
	b.Helper()
	command.Stderr = os.Stderr
	output, run, err := measured(command)
	if err != nil {
		b.Fatalf("run %s: %v\n%s", strings.Join(command.Args, " "), err, output)
	}
	if err := json.Unmarshal(output, result); err != nil {
		b.Fatal(err)
	}
	return run
}

// clickhouse loads the file by ClickHouse alone: the same library in a process of its own, which may read files, into a
// table made as creditmill's is. What the process takes to start is taken away.
func (l *loadBench) clickhouse(b *testing.B, database, file, format string) (run benchRun) {
	b.Helper()
	var table string
	l.inDatabase(b, database, true, func(w *warehouse.Warehouse) {
		if err := w.Conn().QueryRow(b.Context(), "SHOW CREATE TABLE usage_events").Scan(&table); err != nil {
			b.Fatal(err)
		}
	})
	table = strings.Replace(table, database+".usage_events", "usage_events", 1)
	data := b.TempDir()
	counted := filepath.Join(data, "counted.tsv")
	l.local(b, data, table, nil)
	start := l.local(b, data, "SELECT count() FROM usage_events", nil)
	run = l.local(b, data, benchStatement(b, "clickhouse_load"), clickhouse.Parameters{"file": file, "format": format})
	run.wall, run.engine, run.enginePeak = run.wall-start.wall, run.own.minus(start.own), run.ownPeak
	run.own, run.ownPeak = benchUsage{}, 0
	l.local(b, data, "INSERT INTO FUNCTION file({file:String}, 'TSV') SELECT count() FROM usage_events",
		clickhouse.Parameters{"file": counted})
	output, err := os.ReadFile(counted)
	if err != nil {
		b.Fatal(err)
	}
	if run.result.RowsLoaded, err = strconv.ParseUint(strings.TrimSpace(string(output)), 10, 64); err != nil {
		b.Fatal(err)
	}
	if err := os.RemoveAll(data); err != nil {
		b.Fatal(err)
	}
	return run
}

// inDatabase runs the step in a migrated database.
func (l *loadBench) inDatabase(b *testing.B, name string, drop bool, step func(*warehouse.Warehouse)) {
	b.Helper()
	w, err := warehouse.Open(b.Context(), warehouse.Config{DSN: l.dsn(name), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	step(w)
	if drop {
		err = w.Conn().Exec(b.Context(), "DROP DATABASE {name:Identifier} SYNC", clickhouse.Named("name", name))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		b.Fatal(err)
	}
}
