package aggregate_test

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// october is a load of one event, as package ingest leaves it.
var october = []string{
	`INSERT INTO usage_events (load_seq, row_number, source, event_id, occurred_at, customer_id, model, units, quantities)
VALUES (1, 1, 'creditmill', 'e1', '2026-10-05 12:00:00', 'acme', 'm', 'input', [900])`,
	`INSERT INTO loads (load_seq, revision, status, rows_loaded, occurred_from, occurred_to)
VALUES (1, 1, 'committed', 1, '2026-10-05 12:00:00', '2026-10-05 12:00:00')`,
}

// Usage is rated and taken off the allowance of the period that it falls in.
func ExampleAggregator_Run() {
	ctx := context.Background()
	store, err := warehouse.Open(ctx, warehouse.Config{DSN: warehousetest.NewDSN(), Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // the engine goes with the tests
	for _, statement := range october {
		if err := store.Conn().Exec(ctx, statement); err != nil {
			fmt.Println(err)
			return
		}
	}
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(`
currency: usd
timezone: UTC
features: [{id: text, models: [m]}]
credit_systems: [{id: ai, costs: [{effective: 2026-01-01, per_token: {text: 2}}]}]
products: [{id: free, default: true, credits: {system: ai, included: 2000, every: month}}]
`))
	if problems.Err() != nil {
		fmt.Println(problems.Err())
		return
	}
	worker := aggregate.New(aggregate.Config{Warehouse: store, Now: time.Now})
	if _, err := worker.Run(ctx, time.Date(2026, 10, 6, 0, 0, 0, 0, time.UTC), catalog); err != nil {
		fmt.Println(err)
		return
	}
	current, err := worker.Balances(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, balance := range current.Balances {
		fmt.Println(balance.CustomerID, balance.Product, "used", balance.Used, "remaining", balance.Remaining)
	}
	// Output: acme free used 1800 remaining 200
}
