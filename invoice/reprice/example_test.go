package reprice_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/reprice"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

const priceBook = `
currency: usd
timezone: UTC
features: [{id: text, models: [m]}]
credit_systems: [{id: ai, costs: [{effective: 2026-01-01, per_token: {text: 1}}]}]
products:
  - id: pro
    default: true
    credits: {system: ai, included: 100, every: month, overage: {per_credit: "0.01"}}
`

// What October's usage would have cost, had a token cost two credits.
func ExampleReprice() {
	ctx := context.Background()
	store, err := warehouse.Open(ctx, warehouse.Config{DSN: warehousetest.NewDSN(), Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // the engine goes with the tests
	for _, statement := range []string{
		`INSERT INTO usage_events (load_seq, row_number, source, event_id, occurred_at, customer_id, model, units, quantities)
VALUES (1, 1, 'creditmill', 'e1', '2026-10-05 12:00:00', 'acme', 'm', 'input', [900])`,
		`INSERT INTO loads (load_seq, revision, status, rows_loaded, occurred_from, occurred_to)
VALUES (1, 1, 'committed', 1, '2026-10-05 12:00:00', '2026-10-05 12:00:00')`,
	} {
		if err := store.Conn().Exec(ctx, statement); err != nil {
			fmt.Println(err)
			return
		}
	}
	var books [2]*schemas.Catalog
	for i, text := range []string{priceBook, strings.Replace(priceBook, "{text: 1}", "{text: 2}", 1)} {
		catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(text))
		if problems.Err() != nil {
			fmt.Println(problems.Err())
			return
		}
		books[i] = catalog
	}
	worker := aggregate.New(aggregate.Config{Warehouse: store, Now: time.Now})
	repriced, err := reprice.Reprice(ctx, worker, reprice.Query{
		Before: books[0], After: books[1], AsOf: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range repriced.Rows {
		fmt.Println(row.CustomerID, "used", row.Before.Used, "would be", row.After.Used)
	}
	// Output: acme used 900 would be 1800
}
