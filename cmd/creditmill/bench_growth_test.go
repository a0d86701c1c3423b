package main

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/jedib0t/go-pretty/v6/table"
)

// maxJSONLRows is the largest file of JSON Lines that BenchmarkGrowth makes: 6 GB. Parquet holds more in less.
const maxJSONLRows = 30_000_000

// BenchmarkGrowth takes a hundredth of ROWS, a tenth and all of them from the file to the preview, and prints what a
// row takes and the memory of it. The first should stay the same or fall with the rows, creditmill's own memory should
// stay. make growth runs it. A file is removed after its use unless BENCH_DIR names where to keep it.
func BenchmarkGrowth(b *testing.B) {
	for b.Loop() {
		bench := newLoadBench(b)
		largest := max(100, number(b, "ROWS", 100_000_000))
		fmt.Println()
		t := newTable(os.Stdout, "rows", "format", "size", "load s", "µs a row", "aggregate s", "preview s",
			"own peaks MB", "engine peak MB", "load average")
		for _, each := range benchFormats {
			for _, part := range []uint64{100, 10, 1} {
				bench.rows = largest / part
				if each.extension == "jsonl" && bench.rows > maxJSONLRows {
					continue
				}
				t.AppendRow(bench.grow(b, each.statement, each.format, each.extension))
			}
		}
		t.Render()
	}
}

// grow measures one file and returns its row of the table.
func (l *loadBench) grow(b *testing.B, statement, format, extension string) table.Row {
	b.Helper()
	file := l.generate(b, statement, format, extension, clickhouse.Parameters{"rows": strconv.FormatUint(l.rows, 10)})
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	run := l.fileToPreview(b, fmt.Sprintf("growth_%s_%d", extension, l.rows), file)
	if os.Getenv("BENCH_DIR") == "" {
		if err := os.Remove(file); err != nil {
			b.Fatal(err)
		}
	}
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }
	return table.Row{
		l.rows, format, humanBytes(uint64(info.Size())), seconds(run.load.wall),
		fmt.Sprintf("%.2f", run.load.wall.Seconds()*1e6/float64(l.rows)), seconds(run.aggregate.wall),
		seconds(run.preview.wall),
		fmt.Sprintf("%d %d %d", run.load.ownPeak>>20, run.aggregate.ownPeak>>20, run.preview.ownPeak>>20),
		run.enginePeak >> 20, loadAverage(),
	}
}
