package aggregate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// benchEvents are spread over benchCustomers, 3 models and the 31 days of October.
const (
	benchEvents    = 1_000_000
	benchCustomers = 20_000
)

// usageOfLoad fills usage_events with generated rows of one load, from a second of the month on.
const usageOfLoad = `INSERT INTO usage_events (load_seq, row_number, source, event_id, occurred_at, customer_id, model,
    units, quantities)
SELECT {load:UInt64}, number + 1, 'bench', concat({load:String}, '-', toString(number)),
    toDateTime64('2026-10-01 00:00:00', 9, 'UTC')
        + toIntervalSecond({from:UInt64} + cityHash64(number, 1) % {seconds:UInt64}),
    concat('cus_', toString(cityHash64(number, 2) % {customers:UInt64})),
    ['small-model', 'medium-model', 'large-model'][cityHash64(number, 3) % 3 + 1],
    'input,output', [cityHash64(number, 4) % 5000, cityHash64(number, 5) % 800]
FROM numbers({events:UInt64})`

const loadOfUsage = `INSERT INTO loads (load_seq, revision, status, rows_loaded, occurred_from, occurred_to)
SELECT {load:UInt64}, 1, 'committed', {events:UInt64}, toDateTime64('2026-10-01 00:00:00', 9, 'UTC') + {from:UInt64},
    toDateTime64('2026-10-01 00:00:00', 9, 'UTC') + {from:UInt64} + {seconds:UInt64} - 1`

// BenchmarkAggregate measures the parts of a nightly run: rolling up the new load, and replaying all customers, from
// the rollup or without one, with shared or with own timelines.
func BenchmarkAggregate(b *testing.B) {
	ctx := context.Background()
	w := warehousetest.New(b)
	s := storeIn(b, w)
	parameters := clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"load": "1", "events": strconv.Itoa(benchEvents), "from": "0", "seconds": strconv.Itoa(31 * 24 * 60 * 60),
		"customers": strconv.Itoa(benchCustomers),
	}))
	s.must(w.Conn().Exec(parameters, usageOfLoad))
	s.must(w.Conn().Exec(parameters, loadOfUsage))
	catalog := mustCatalog(b, seed)
	worker := New(Config{Warehouse: w, Now: time.Now})
	query := Query{AsOf: instant("2026-11-02T00:00:00Z"), Catalog: catalog}
	replay := func(b *testing.B) {
		for b.Loop() {
			balances, err := worker.Replay(ctx, query)
			s.must(err)
			if len(balances) < 20000 {
				b.Fatalf("%d balances", len(balances))
			}
		}
	}
	b.Run("replay from raw events", replay)
	b.Run("roll up", func(b *testing.B) {
		for b.Loop() {
			s.must(w.Conn().Exec(ctx, `TRUNCATE TABLE rollups`))
			s.must(w.Conn().Exec(ctx, `TRUNCATE TABLE usage_daily`))
			s.must(worker.RollUp(ctx, catalog))
		}
	})
	b.Run("replay from the rollup", replay)
	s.must(w.Conn().Exec(ctx, `INSERT INTO subscriptions (customer_id, product, starts_at, anchor, revision)
SELECT concat('cus_', toString(number)), 'pro', toDateTime64('2026-10-02 00:00:00', 9, 'UTC')
    + toIntervalSecond(cityHash64(number, 9) % 864000) AS at, at, 1 FROM numbers(20000)`))
	b.Run("replay with own timelines", replay)
	b.Run("run", func(b *testing.B) {
		for b.Loop() {
			_, err := worker.Run(ctx, query.AsOf, query.Catalog)
			s.must(err)
		}
	})
}

// BenchmarkNightly measures an aggregate run from scratch over a month less a day, and then one after each of three
// further days of 1/31 of its rows: each ratio is what the median of the nights costs of it. That is done over, each
// time in a database of its own, until the ratio is settled. ROWS is the month's number of rows, CUSTOMERS that of
// customers. The peaks of memory are those of all runs, generating the rows left out. The collector
// runs as it does in the program.
func BenchmarkNightly(b *testing.B) {
	rows, customers := benchSize(b, "ROWS", benchEvents), benchSize(b, "CUSTOMERS", benchCustomers)
	ctx := context.Background()
	query := Query{AsOf: instant("2026-11-02T00:00:00Z"), Catalog: mustCatalog(b, seed)}
	defer debug.SetGCPercent(debug.SetGCPercent(200))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(480 << 20))
	const day = 24 * 60 * 60
	var own, engine uint64
	run := func(s *store, load, events, fromSecond, seconds int) time.Duration {
		parameters := clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
			"load": strconv.Itoa(load), "events": strconv.Itoa(events), "from": strconv.Itoa(fromSecond),
			"seconds": strconv.Itoa(seconds), "customers": strconv.Itoa(customers),
		}))
		s.must(s.Conn().Exec(parameters, usageOfLoad))
		s.must(s.Conn().Exec(parameters, loadOfUsage))
		resetPeaks(b)
		started := time.Now()
		_, err := New(Config{Warehouse: s.Warehouse, Now: time.Now}).Run(ctx, query.AsOf, query.Catalog)
		s.must(err)
		took := time.Since(started)
		ownPeak, enginePeak := peaks(b)
		own, engine = max(own, ownPeak), max(engine, enginePeak)
		return took
	}
	for b.Loop() {
		ratios := warehousetest.Settle(b, func(int) []float64 {
			s := storeIn(b, warehousetest.New(b))
			scratch := run(s, 1, rows-rows/31, 0, 30*day)
			fmt.Printf("from scratch %.2f s, nights", scratch.Seconds())
			var nights []float64
			for night := 1; night <= 3; night++ {
				took := run(s, 1+night, rows/31, 30*day, day)
				fmt.Printf(" %.2f", took.Seconds())
				nights = append(nights, took.Seconds()/scratch.Seconds())
			}
			fmt.Printf(" s, ratios %.3f\n", nights)
			slices.Sort(nights)
			return nights[1:2]
		})
		fmt.Printf("a night by a month less a day: %s, of %d\n", ratios[0], len(ratios[0].Pairs))
		b.ReportMetric(ratios[0].Median, "ratio")
		b.ReportMetric(float64(own)/1000, "own-peak-MB")
		b.ReportMetric(float64(engine)/1000, "engine-peak-MB")
	}
}

func benchSize(b *testing.B, name string, usual int) int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	size, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return size
}

// benchProcesses are this one, then the engine, which it started.
func benchProcesses(b *testing.B) []string {
	b.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		b.Fatal(err)
	}
	processes := []string{"/proc/self/"}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			b.Fatal(err)
		}
		for _, pid := range strings.Fields(string(text)) {
			processes = append(processes, "/proc/"+pid+"/")
		}
	}
	return processes
}

// resetPeaks begins to measure memory again; only Linux tells it.
func resetPeaks(b *testing.B) {
	b.Helper()
	for _, process := range benchProcesses(b) {
		if err := os.WriteFile(process+"clear_refs", []byte("5"), 0); err != nil && runtime.GOOS == "linux" {
			b.Fatal(err)
		}
	}
}

// peaks are the most kilobytes of memory that this process and the engine had since.
func peaks(b *testing.B) (own, engine uint64) {
	b.Helper()
	for i, process := range benchProcesses(b) {
		text, err := os.ReadFile(process + "status")
		if err != nil && runtime.GOOS == "linux" {
			b.Fatal(err)
		}
		_, peak, found := strings.Cut(string(text), "VmHWM:")
		if !found {
			continue
		}
		kilobytes, err := strconv.ParseUint(strings.Fields(peak)[0], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		if i == 0 {
			own = kilobytes
		} else {
			engine += kilobytes
		}
	}
	return own, engine
}
