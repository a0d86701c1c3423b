package verify_test

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/aggregate/verify"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// A stored balance that is not what the raw events come to is named.
func ExampleFigures() {
	ctx := context.Background()
	store, err := warehouse.Open(ctx, warehouse.Config{DSN: warehousetest.NewDSN(), Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // the engine goes with the tests
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
	execute := func(statement string) bool {
		if err := store.Conn().Exec(ctx, statement); err != nil {
			fmt.Println(err)
			return false
		}
		return true
	}
	if !execute(`INSERT INTO usage_events (load_seq, row_number, source, event_id, occurred_at, customer_id, model, units,
quantities) VALUES (1, 1, 'creditmill', 'e1', '2026-10-05 12:00:00', 'acme', 'm', 'input', [900])`) ||
		!execute(`INSERT INTO loads (load_seq, revision, status, rows_read, rows_loaded, quantities, event_id_min,
event_id_max, occurred_from, occurred_to) VALUES (1, 1, 'committed', 1, 1, map('input', 900), 'e1', 'e1',
'2026-10-05 12:00:00', '2026-10-05 12:00:00')`) {
		return
	}
	if _, err := worker.Run(ctx, time.Date(2026, 10, 6, 0, 0, 0, 0, time.UTC), catalog); err != nil {
		fmt.Println(err)
		return
	}
	wrong := func() {
		checks, err := verify.Figures(ctx, store, worker, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		report(checks)
	}
	wrong()
	if execute(`ALTER TABLE balances UPDATE used = 1801 WHERE customer_id = 'acme' SETTINGS mutations_sync = 1`) {
		wrong()
	}
	// Output:
	// 9 checks
	// balances [customer acme, ai, period from 2026-10-01T00:00:00Z: granted 2000 - used 1801 is not balance 200]
	// spend [customer acme, ai, period from 2026-10-01T00:00:00Z: features spent 1800 credits, used is 1801]
	// recompute [balance of acme, ai, 2026-10-01T00:00:00.000000000Z: used: 1801 stored, 1800 found]
	// 9 checks
}

func report(checks []findings.Check) {
	for _, check := range checks {
		if !check.OK {
			fmt.Println(check.Name, check.Problems)
		}
	}
	fmt.Println(len(checks), "checks")
}
