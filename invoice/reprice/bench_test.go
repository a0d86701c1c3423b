package reprice

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/invoicetest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// yearOfUsage fills usage_events with generated rows of one load, over all of 2026.
const yearOfUsage = `INSERT INTO usage_events (load_seq, row_number, source, event_id, occurred_at, customer_id, model,
    units, quantities)
SELECT 1, number + 1, 'bench', toString(number),
    toDateTime64('2026-01-01 00:00:00', 9, 'UTC') + toIntervalSecond(cityHash64(number, 1) % (365 * 86400)),
    concat('cus_', toString(cityHash64(number, 2) % {customers:UInt64})),
    ['small-model', 'medium-model', 'large-model'][cityHash64(number, 3) % 3 + 1],
    'input,output', [cityHash64(number, 4) % 5000, cityHash64(number, 5) % 800]
FROM numbers({events:UInt64})`

const loadOfYear = `INSERT INTO loads (load_seq, revision, status, rows_loaded, occurred_from, occurred_to)
SELECT 1, 1, 'committed', {events:UInt64}, toDateTime64('2026-01-01 00:00:00', 9, 'UTC'),
    toDateTime64('2026-12-31 23:59:59', 9, 'UTC')`

const plainSum = `SELECT customer_id, model, sum(quantities[1] + quantities[2]) FROM usage_events
GROUP BY customer_id, model FORMAT Null`

// BenchmarkReprice measures whatif over a year of aggregated usage, with a price that changes, against adding up the
// raw rows by customer and model in one statement; in turn, so that both see the same load, until the ratio is
// settled. ROWS is the year's number
// of rows, CUSTOMERS that of customers.
func BenchmarkReprice(b *testing.B) {
	ctx := b.Context()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	number := func(name, usual string) string {
		if text := os.Getenv(name); text != "" {
			return text
		}
		return usual
	}
	w := warehousetest.New(b)
	generated := clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"events": number("ROWS", "1000000"), "customers": number("CUSTOMERS", "1000"),
	}))
	must(w.Conn().Exec(generated, yearOfUsage))
	must(w.Conn().Exec(generated, loadOfYear))
	present := invoicetest.SeedCatalog(b)
	other, problems := schemas.ParseCatalog("other.yaml",
		[]byte(strings.Replace(string(present.Text), "medium-model-tokens: 1", "medium-model-tokens: 1.5", 1)))
	if other == nil || other.SHA256 == present.SHA256 {
		b.Fatal("no other catalog", problems)
	}
	worker := aggregate.New(aggregate.Config{Warehouse: w, Now: time.Now})
	asOf := time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)
	_, err := worker.Run(ctx, asOf, present)
	must(err)
	for b.Loop() {
		ratios := warehousetest.Settle(b, func(int) []float64 {
			started := time.Now()
			must(w.Conn().Exec(ctx, plainSum))
			plain := time.Since(started).Seconds()
			started = time.Now()
			result, err := Reprice(ctx, worker, Query{Before: present, After: other, AsOf: asOf})
			must(err)
			repriced := time.Since(started).Seconds()
			if customers, err := strconv.Atoi(number("CUSTOMERS", "1000")); err != nil || len(result.Rows) != customers {
				b.Fatal(len(result.Rows), "customers,", err)
			}
			fmt.Printf("sum %.2f s, whatif %.2f s\n", plain, repriced)
			return []float64{repriced / plain}
		})
		fmt.Printf("whatif by one sum: %s, of %d\n", ratios[0], len(ratios[0].Pairs))
		b.ReportMetric(ratios[0].Median, "ratio")
	}
}
