package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// BenchmarkInvoicePreview compares `invoice preview` of 20,000 customers, all of it aggregated, with one GROUP BY over
// the raw rows, in turn on one engine, until the ratio is settled. ROWS and BENCH_DIR are as for BenchmarkLoad.
func BenchmarkInvoicePreview(b *testing.B) {
	for b.Loop() {
		bench := newInvoiceBench(b, "invoice_preview")
		bench.load("usage_typed", bench.rows)
		bench.importCustomers(20_000, nil)
		bench.program("aggregate", "--as-of", "2026-11-02")
		var ours, theirs []benchRun
		us := func() {
			run, output := bench.program("invoice", "preview", "--as-of", "2026-11-02", "--json")
			var plan previewResult
			if err := json.Unmarshal(output, &plan); err != nil || len(plan.Charges) == 0 {
				b.Fatalf("%v, %d charges", err, len(plan.Charges))
			}
			ours = append(ours, run)
		}
		them := func() { theirs = append(theirs, bench.rawSums()) }
		warehousetest.Settle(b, func(round int) []float64 {
			inTurn(round, us, them)
			return []float64{wallRatio(ours[round], theirs[round])}
		})
		data := fmt.Sprintf("%d rows", bench.rows)
		printRuns(b, "invoice preview of 20,000 customers", data, ours, "one GROUP BY", theirs)
	}
}

const planRounds = 3 // of each number of charges; the medians are printed

// BenchmarkInvoicePlan plans CHARGES charges, 100,000 unless said, and prints the time and the peak of memory, the
// tenth of them beside it: what one more charge costs.
func BenchmarkInvoicePlan(b *testing.B) {
	for b.Loop() {
		all := number(b, "CHARGES", 100_000)
		for _, charges := range []uint64{all / 10, all} {
			bench := newInvoiceBench(b, "invoice_plan_"+strconv.FormatUint(charges, 10))
			bench.load("charges", 3*charges)
			bench.importCustomers(charges, nil)
			bench.program("aggregate", "--as-of", "2026-11-02")
			var runs []benchRun
			for range planRounds {
				run, output := bench.program("invoice", "preview", "--as-of", "2026-11-02", "--json")
				if got := uint64(bytes.Count(output, []byte(`"charge_id"`))); got != charges {
					b.Fatalf("%d charges planned, want %d", got, charges)
				}
				runs = append(runs, run)
			}
			title, data := fmt.Sprintf("invoice preview of %d charges", charges), fmt.Sprintf("%d rows", 3*charges)
			printRuns(b, title, data, runs, "", nil)
		}
	}
}

// BenchmarkInvoicePost posts charges to a Stripe that refuses what is more than its limits a second, and prints how
// many it took a second from the first to the last, as part of the rate that is configured: RATE, 20 unless said, for
// half a minute.
func BenchmarkInvoicePost(b *testing.B) {
	for b.Loop() {
		rate := number(b, "RATE", 20)
		charges := 30 * rate
		bench := newInvoiceBench(b, "invoice_post")
		stripe := newMeteredStripe(b, int(rate))
		bench.load("charges", 3*charges)
		bench.importCustomers(charges, stripe.fake)
		bench.program("aggregate", "--as-of", "2026-11-02")
		config := filepath.Join(bench.directory, "post.yaml")
		text := fmt.Sprintf("stripe: {base_url: %q, writes_per_second: %d, reads_per_second: %d}\n", stripe.url, rate, 5*rate)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		b.Setenv("CREDITMILL_STRIPE_KEY", "sk_test_bench")
		run, _ := bench.program("invoice", "post", "--config", config, "--as-of", "2026-11-02", "--yes", "--json")
		if items := len(stripe.fake.Items()); uint64(items) != charges {
			b.Fatalf("%d items, want %d", items, charges)
		}
		stripe.print(b, run, rate)
	}
}

// meteredStripe is the stand-in with Stripe's limits, and with a note of when its items were made.
type meteredStripe struct {
	fake     *stripefake.Server
	url      string
	mu       sync.Mutex
	posted   []time.Time
	requests map[string]int
}

func newMeteredStripe(b *testing.B, rate int) *meteredStripe {
	b.Helper()
	fake, err := stripefake.New(stripefake.Config{
		Now: time.Now, WritesPerSecond: rate + rate/4, ReadsPerSecond: 5*rate + rate,
	})
	if err != nil {
		b.Fatal(err)
	}
	m := &meteredStripe{fake: fake, requests: map[string]int{}}
	listener := httptest.NewServer(m)
	b.Cleanup(listener.Close)
	m.url = listener.URL
	return m
}

func (m *meteredStripe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	recorder := &statusRecorder{ResponseWriter: w}
	m.fake.ServeHTTP(recorder, r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests[fmt.Sprintf("%s %d", r.Method, recorder.status)]++
	if r.Method == http.MethodPost && recorder.status == http.StatusOK {
		m.posted = append(m.posted, time.Now())
	}
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (m *meteredStripe) print(b *testing.B, run benchRun, rate uint64) {
	b.Helper()
	count := len(m.posted)
	took := m.posted[count-1].Sub(m.posted[0])
	perSecond := float64(count-1) / took.Seconds()
	share := perSecond / float64(rate)
	fmt.Printf("\ninvoice post: %d charges at %d writes a second; load average %s\n", count, rate, loadAverage())
	t := newTable(os.Stdout, "charges/s", "of the rate", "from first to last s", "whole command s", "CPU ms a charge",
		"own peak MB", "requests")
	requests := []string{}
	for kind, number := range m.requests {
		requests = append(requests, fmt.Sprintf("%s: %d", kind, number))
	}
	slices.Sort(requests)
	t.AppendRow([]any{
		fmt.Sprintf("%.1f", perSecond), fmt.Sprintf("%.3f", share), fmt.Sprintf("%.1f", took.Seconds()),
		fmt.Sprintf("%.1f", run.wall.Seconds()),
		run.used().cpu.Milliseconds() / int64(count), run.ownPeak >> 20, strings.Join(requests, ", "),
	})
	t.Render()
	b.ReportMetric(share, "of-the-rate")
}

// invoiceBench is a database with usage and customers.
type invoiceBench struct {
	*loadBench
	b        *testing.B
	database string
	w        *warehouse.Warehouse
}

func newInvoiceBench(b *testing.B, database string) *invoiceBench {
	b.Helper()
	l := &invoiceBench{loadBench: newLoadBench(b), b: b, database: database}
	var err error
	if l.w, err = warehouse.Open(b.Context(), warehouse.Config{DSN: l.dsn(database), Now: time.Now}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		err := l.w.Conn().Exec(context.Background(), "DROP DATABASE {name:Identifier} SYNC",
			clickhouse.Named("name", database))
		if err := errors.Join(err, l.w.Close()); err != nil {
			b.Error(err)
		}
	})
	return l
}

// load has the engine write a file and the program load it.
func (l *invoiceBench) load(statement string, rows uint64) {
	l.b.Helper()
	l.rows = rows // which the name of the file holds
	l.program("load", "--quiet", l.generate(l.b, statement, "Parquet", "parquet", clickhouse.Parameters{
		"rows": strconv.FormatUint(rows, 10),
	}))
}

// importCustomers puts all customers on Pro from October on, at Stripe too if there is one.
func (l *invoiceBench) importCustomers(customers uint64, stripe *stripefake.Server) {
	l.b.Helper()
	var text bytes.Buffer
	text.WriteString("customer_id,product,starts_at,stripe_customer,stripe_subscription\n")
	if stripe != nil {
		stripe.AddPrice("price_pro", "usd", 10000)
	}
	for i := range customers {
		stripeID, subscription := fmt.Sprintf("cus_stripe%06d", i), ""
		if stripe != nil {
			stripe.AddCustomer(stripeID)
			subscription = stripe.AddSubscription(stripeID, "price_pro", time.Now().Add(-time.Hour))
		}
		fmt.Fprintf(&text, "cus_%06d,pro,2026-10-01,%s,%s\n", i, stripeID, subscription)
	}
	file := filepath.Join(l.directory, "customers.csv")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		l.b.Fatal(err)
	}
	l.program("customers", "import", file)
}

// program runs creditmill on the database.
func (l *invoiceBench) program(args ...string) (run benchRun, output []byte) {
	l.b.Helper()
	executable, err := os.Executable()
	if err != nil {
		l.b.Fatal(err)
	}
	args = append(args, "--warehouse", l.dsn(l.database),
		"--catalog", filepath.Join("..", "..", "testdata", "catalogs", "seed.yaml"))
	command := exec.CommandContext(l.b.Context(), executable, args...)
	command.Args[0] = "creditmill" // as which the test binary is the program: see TestMain
	var notes bytes.Buffer
	command.Stderr = &notes
	engine := l.startEngineMeter(l.b)
	output, run, err = measured(command)
	run.engine, run.enginePeak = engine()
	if err != nil {
		l.b.Fatalf("creditmill %s: %v\n%s", strings.Join(args, " "), err, notes.String())
	}
	return run, output
}

// rawSums adds the raw rows up by customer and model.
func (l *invoiceBench) rawSums() (run benchRun) {
	l.b.Helper()
	engine := l.startEngineMeter(l.b)
	started := time.Now()
	rows, err := l.w.Conn().Query(l.b.Context(), benchStatement(l.b, "raw_sums"))
	if err != nil {
		l.b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		run.result.RowsLoaded++
	}
	if err := rows.Err(); err != nil || run.result.RowsLoaded == 0 {
		l.b.Fatalf("%v, %d rows", err, run.result.RowsLoaded)
	}
	run.wall = time.Since(started)
	run.engine, run.enginePeak = engine()
	return run
}
