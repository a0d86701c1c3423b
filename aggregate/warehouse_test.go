package aggregate

import (
	"context"
	"flag"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// TestMain runs few random scenarios where the command line does not say how many: each of them asks the engine.
func TestMain(m *testing.M) {
	if err := flag.Set(checksFlag, usualChecks); err != nil {
		panic(err)
	}
	warehousetest.MainKilled(m, runAndCrash)
}

const (
	checksFlag  = "rapid.checks"
	usualChecks = "25"
)

// fewChecks runs a quarter of the random scenarios in a test of which each one takes many aggregate runs.
func fewChecks(t *testing.T) {
	if flag.Lookup(checksFlag).Value.String() != usualChecks {
		return // the command line says how many
	}
	set := func(checks string) {
		if err := flag.Set(checksFlag, checks); err != nil {
			t.Fatal(err)
		}
	}
	set("6")
	t.Cleanup(func() { set(usualChecks) })
}

// store is a warehouse that a test writes loads to by hand, so that nothing here depends on how they are ingested.
type store struct {
	*warehouse.Warehouse
	t     testing.TB
	loads uint64
}

func newStore(t testing.TB) *store { return &store{Warehouse: warehousetest.New(t), t: t} }

// event is what a test says of one; supersededBy makes it a row of duplicate_events.
type event struct {
	at           time.Time
	customer     string
	model        string
	tokens       schemas.Pools
	supersededBy []uint64
}

// aggregator keeps totals however few rows there are and stores few customers at a time, as in a large warehouse.
func (s *store) aggregator() *Aggregator {
	a := New(Config{Warehouse: s.Warehouse, Now: time.Now, Log: zerolog.Nop()})
	a.leastTotals, a.customersAtOnce = 0, 3
	return a
}

// load commits the events as one load and returns its number.
func (s *store) load(events ...event) uint64 {
	s.t.Helper()
	s.loads++
	ctx := context.Background()
	usage, err := s.Conn().PrepareBatch(ctx, "INSERT INTO usage_events (load_seq, row_number, source, event_id, "+
		"occurred_at, customer_id, model, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, "+
		"reasoning_tokens)")
	s.must(err)
	defer usage.Close()
	duplicates, err := s.Conn().PrepareBatch(ctx, "INSERT INTO duplicate_events (load_seq, row_number, source, event_id, "+
		"occurred_at, customer_id, model, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, "+
		"reasoning_tokens, superseded_by)")
	s.must(err)
	defer duplicates.Close()
	var from, to time.Time
	var superseded uint64
	for i, e := range events {
		if from.IsZero() || e.at.Before(from) {
			from = e.at
		}
		if e.at.After(to) {
			to = e.at
		}
		row := []any{s.loads, uint64(i + 1), "test", e.customer + e.at.String(), e.at, e.customer, e.model}
		for _, tokens := range e.tokens {
			row = append(row, tokens)
		}
		if e.supersededBy == nil {
			s.must(usage.Append(row...))
		} else {
			superseded++
			s.must(duplicates.Append(append(row, e.supersededBy)...))
		}
	}
	s.must(usage.Send())
	s.must(duplicates.Send())
	s.setStatus(s.loads, 1, "committed", uint64(len(events))-superseded, superseded, from, to)
	return s.loads
}

// withdraw takes a load back.
func (s *store) withdraw(load uint64) {
	s.t.Helper()
	s.setStatus(load, 2, "withdrawn", 0, 0, time.Unix(0, 0), time.Unix(0, 0))
}

func (s *store) setStatus(load uint64, revision uint32, status string, rows, duplicates uint64, from, to time.Time) {
	s.t.Helper()
	batch, err := s.Conn().PrepareBatch(context.Background(), "INSERT INTO loads (load_seq, revision, status, "+
		"rows_loaded, rows_duplicate, occurred_from, occurred_to)")
	s.must(err)
	defer batch.Close()
	s.must(batch.Append(load, revision, status, rows, duplicates, from, to))
	s.must(batch.Send())
}

func (s *store) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func instant(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return at.UTC()
}

func credits(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func tokens(input uint64) schemas.Pools { return schemas.Pools{input} }

func mustCatalog(t testing.TB, text string) *schemas.Catalog {
	t.Helper()
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(text))
	if catalog == nil {
		t.Fatal(problems)
	}
	return catalog
}

// seed is the catalog of the seed scenario.
const seed = `
currency: usd
timezone: UTC
features:
  - {id: small-model-tokens, models: [small-model]}
  - {id: medium-model-tokens, models: [medium-model]}
  - {id: large-model-tokens, models: [large-model, "large-model-*"]}
credit_systems:
  - id: ai-credits
    name: AI credits
    costs:
      - effective: 2026-01-01
        per_token: {small-model-tokens: 0.1, medium-model-tokens: 1, large-model-tokens: 5}
products:
  - id: free
    name: Free
    default: true
    credits: {system: ai-credits, included: 500, every: month}
  - id: pro
    name: Pro
    price: {amount: "100.00", every: month, stripe_price: price_pro}
    credits: {system: ai-credits, included: 10000, every: month, overage: {per_credit: "0.01", billing_units: 1}}
`
