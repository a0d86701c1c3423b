package aggregate

import (
	"flag"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/usagetest"
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

// store is a warehouse that a test writes loads to by hand.
type store struct{ *usagetest.Store }

func newStore(t testing.TB) *store { return &store{usagetest.New(t)} }

func storeIn(t testing.TB, w *warehouse.Warehouse) *store {
	return &store{&usagetest.Store{Warehouse: w, T: t}}
}

// aggregator keeps totals however few rows there are and stores few customers at a time, as in a large warehouse.
func (s *store) aggregator() *Aggregator {
	a := New(Config{Warehouse: s.Warehouse, Now: time.Now, Log: zerolog.Nop()})
	a.leastTotals, a.customersAtOnce = 0, 3
	return a
}

func (s *store) load(events ...usagetest.Event) uint64 { return s.Load(events...) }

func (s *store) must(err error) {
	s.T.Helper()
	s.Must(err)
}

func use(customer, at, model string, input uint64) usagetest.Event {
	return usagetest.Use(customer, at, model, input)
}

func instant(text string) time.Time { return usagetest.Instant(text) }

func credits(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func mustCatalog(t testing.TB, text string) *schemas.Catalog {
	t.Helper()
	return usagetest.MustCatalog(t, text)
}

const (
	seed          = usagetest.Seed
	oracleCatalog = usagetest.OracleCatalog
)
