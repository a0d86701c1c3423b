package subscription

import (
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

func TestMain(m *testing.M) { warehousetest.Main(m) }

// store is a warehouse of a test's own.
type store struct {
	*warehouse.Warehouse
	t testing.TB
}

func newStore(t testing.TB) *store { return &store{Warehouse: warehousetest.New(t), t: t} }

// attach changes a customer's product as the command does.
func (s *store) attach(catalog *schemas.Catalog, customer, product, at string) {
	s.t.Helper()
	_, err := Attach(context.Background(), s.Warehouse,
		Change{CustomerID: customer, Product: product, At: instant(at), Catalog: catalog}, time.Now())
	s.must(err)
}

// uses writes down that a customer had an event, in a load that counts.
func (s *store) uses(customer, at string) {
	s.t.Helper()
	s.insert("INSERT INTO usage_events (load_seq, row_number, occurred_at, customer_id, model)",
		uint64(1), uint64(1), instant(at), customer, "m")
	s.insert("INSERT INTO loads (load_seq, revision, status)", uint64(1), uint32(1), "committed")
}

func (s *store) insert(into string, row ...any) {
	s.t.Helper()
	batch, err := s.Conn().PrepareBatch(context.Background(), into)
	s.must(err)
	defer batch.Close()
	s.must(batch.Append(row...))
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

func mustCatalog(t testing.TB, text string) *schemas.Catalog {
	t.Helper()
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(text))
	if catalog == nil {
		t.Fatal(problems)
	}
	return catalog
}
