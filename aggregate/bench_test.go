package aggregate

import (
	"context"
	"strconv"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// benchEvents is spread over 20,000 customers, 3 models and the 31 days of October.
const benchEvents = 1_000_000

// usageOf fills usage_events with generated rows, in one load.
const usageOf = `INSERT INTO usage_events (load_seq, row_number, source, event_id, occurred_at, customer_id, model,
    input_tokens, output_tokens)
SELECT 1, number + 1, 'bench', toString(number),
    toDateTime64('2026-10-01 00:00:00', 9, 'UTC') + toIntervalSecond(cityHash64(number, 1) % 2678400),
    concat('cus_', toString(cityHash64(number, 2) % 20000)),
    ['small-model', 'medium-model', 'large-model'][cityHash64(number, 3) % 3 + 1],
    cityHash64(number, 4) % 5000, cityHash64(number, 5) % 800
FROM numbers({events:UInt64})`

const loadOf = `INSERT INTO loads (load_seq, revision, status, rows_loaded, occurred_from, occurred_to)
SELECT 1, 1, 'committed', {events:UInt64}, '2026-10-01 00:00:00', '2026-10-31 23:59:59'`

// BenchmarkAggregate measures the parts of a nightly run: rolling up the new load, and replaying all customers, from
// the rollup or without one, with shared or with own timelines.
func BenchmarkAggregate(b *testing.B) {
	ctx := context.Background()
	w := warehousetest.New(b)
	s := &store{Warehouse: w, t: b}
	parameters := clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"events": strconv.Itoa(benchEvents),
	}))
	s.must(w.Conn().Exec(parameters, usageOf))
	s.must(w.Conn().Exec(parameters, loadOf))
	catalog := mustCatalog(b, seed)
	worker := s.aggregator()
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
			s.must(worker.RollUp(ctx, catalog.Timezone))
		}
	})
	b.Run("replay from the rollup", replay)
	s.must(w.Conn().Exec(ctx, `INSERT INTO subscriptions (customer_id, product, starts_at, anchor, revision)
SELECT concat('cus_', toString(number)), 'pro', toDateTime64('2026-10-02 00:00:00', 9, 'UTC')
    + toIntervalSecond(cityHash64(number, 9) % 864000) AS at, at, 1 FROM numbers(20000)`))
	b.Run("replay with own timelines", replay)
	b.Run("run", func(b *testing.B) {
		for b.Loop() {
			_, err := worker.Run(ctx, query)
			s.must(err)
		}
	})
}
