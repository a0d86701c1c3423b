package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

const (
	benchCustomers = 20_000 // of testdata/bench/usage.sql
	benchAsOf      = "2026-11-02"
)

// BenchmarkFileToPreview compares load, aggregate and invoice preview of a month, three commands on an engine that runs
// already, with a script on DuckDB that reads the same file, counts each id once and sums by customer, model and day,
// until both ratios are settled, and prints them: once where the script keeps the events in a database as creditmill
// does, and once where it keeps nothing. make bench installs DuckDB and runs it; ROWS and BENCH_DIR are those of
// BenchmarkLoad.
func BenchmarkFileToPreview(b *testing.B) {
	for b.Loop() {
		bench := newLoadBench(b)
		file := bench.generate(b, "usage", "JSONEachRow", "jsonl", clickhouse.Parameters{
			"rows": strconv.FormatUint(bench.rows, 10),
		})
		var ours []previewRun
		var keeping, lean []duckRun
		database := filepath.Join(bench.directory, "usage.duckdb")
		warehousetest.Settle(b, func(round int) []float64 {
			us := func() { ours = append(ours, bench.fileToPreview(b, fmt.Sprintf("preview_%d", round), file)) }
			them := func() {
				keeping = append(keeping, duckDB(b, file, database))
				if err := os.Remove(database); err != nil {
					b.Fatal(err)
				}
				lean = append(lean, duckDB(b, file))
			}
			inTurn(round, us, them)
			ours[round].mustAgree(b, keeping[round])
			ours[round].mustAgree(b, lean[round])
			run := ours[round].benchRun
			return []float64{wallRatio(run, keeping[round].benchRun), wallRatio(run, lean[round].benchRun)}
		})
		var whole, kept, unkept []benchRun
		for i, run := range ours {
			whole = append(whole, run.benchRun)
			kept, unkept = append(kept, keeping[i].benchRun), append(unkept, lean[i].benchRun)
		}
		bench.printAgainst(b, "file to preview", file, whole, "DuckDB, events kept", kept)
		bench.printAgainst(b, "file to preview, nothing kept", file, whole, "DuckDB in memory", unkept)
		printSteps(ours)
	}
}

// previewRun is the way from a file to the preview: its commands, and what came of them.
type previewRun struct {
	benchRun           // all of them
	load               benchRun
	aggregate, preview benchRun
	customers, charges int
}

// fileToPreview loads a file into a fresh database whose customers all have Pro, aggregates, and previews the invoices.
func (l *loadBench) fileToPreview(b *testing.B, database, file string) (run previewRun) {
	b.Helper()
	catalog, err := filepath.Abs(filepath.Join("..", "..", "testdata", "catalogs", "seed.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	customers := l.customersFile(b)
	l.inDatabase(b, database, true, func(*warehouse.Warehouse) {
		var imported json.RawMessage
		l.program(b, database, &imported, "customers", "import", customers, "--catalog", catalog)
		var loaded benchLoad
		run.load = l.program(b, database, &loaded, "load", file)
		run.load.result = loaded
		var aggregated struct{ Customers int }
		run.aggregate = l.program(b, database, &aggregated, "aggregate", "--as-of", benchAsOf, "--catalog", catalog)
		var plan struct{ Charges []json.RawMessage }
		run.preview = l.program(b, database, &plan, "invoice", "preview", "--as-of", benchAsOf, "--catalog", catalog)
		run.customers, run.charges = aggregated.Customers, len(plan.Charges)
	})
	run.result = run.load.result
	for _, each := range []benchRun{run.load, run.aggregate, run.preview} {
		run.wall += each.wall
		run.own, run.engine = run.own.plus(each.own), run.engine.plus(each.engine)
		run.ownPeak = max(run.ownPeak, each.ownPeak)
		run.enginePeak = max(run.enginePeak, each.enginePeak)
	}
	if run.charges == 0 || run.result.RowsLoaded != l.rows {
		b.Fatalf("%d charges from %d rows", run.charges, run.result.RowsLoaded)
	}
	return run
}

// customersFile writes the customers' subscriptions: all have Pro.
func (l *loadBench) customersFile(b *testing.B) string {
	b.Helper()
	var text strings.Builder
	text.WriteString("customer_id,product,starts_at,stripe_customer\n")
	for i := range benchCustomers {
		fmt.Fprintf(&text, "cus_%06d,pro,2026-10-01,cus_stripe_%06d\n", i, i)
	}
	file := filepath.Join(l.directory, "customers.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return file
}

// duckRun is a run of the script on DuckDB.
type duckRun struct {
	benchRun
	customers int
}

func duckDB(b *testing.B, arguments ...string) (run duckRun) {
	b.Helper()
	var found struct {
		benchLoad
		Customers int `json:"customers"`
	}
	script := filepath.Join("..", "..", "testdata", "bench", "duckdb.mjs")
	command := exec.CommandContext(b.Context(), "node", append([]string{script}, arguments...)...)
	run.benchRun, run.customers = runProcess(b, command, &found), found.Customers
	run.result = found.benchLoad
	return run
}

// mustAgree: DuckDB must find what creditmill found, which knows customers without usage, too.
func (p previewRun) mustAgree(b *testing.B, found duckRun) {
	b.Helper()
	if found.result != p.result || found.customers > p.customers {
		b.Fatalf("DuckDB finds %+v of %d customers, creditmill %+v of %d",
			found.result, found.customers, p.result, p.customers)
	}
}

// printSteps writes the medians of each command.
func printSteps(runs []previewRun) {
	t := newTable(os.Stdout, "step", "wall s", "each", "CPU s", "kernel s", "page faults", "own peak MB", "engine peak MB")
	for _, step := range []struct {
		name string
		of   func(previewRun) benchRun
	}{
		{"load", func(run previewRun) benchRun { return run.load }},
		{"aggregate", func(run previewRun) benchRun { return run.aggregate }},
		{"invoice preview", func(run previewRun) benchRun { return run.preview }},
	} {
		var each []benchRun
		for _, run := range runs {
			each = append(each, step.of(run))
		}
		t.AppendRow(benchRow(step.name, each))
	}
	t.Render()
}
