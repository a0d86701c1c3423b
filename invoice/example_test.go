package invoice_test

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

const priceBook = `
currency: usd
timezone: UTC
billing_from: 2026-10-01
features: [{id: text, models: [m]}]
credit_systems: [{id: ai, costs: [{effective: 2026-01-01, per_token: {text: 1}}]}]
products:
  - id: pro
    default: true
    credits: {system: ai, included: 100, every: month, overage: {per_credit: "0.01"}}
`

// october is a runner, at the end of October, of a customer who used 900 credits of 100. The caller closes the
// warehouse.
func october(ctx context.Context) (*invoice.Runner, *warehouse.Warehouse, error) {
	store, err := warehouse.Open(ctx, warehouse.Config{DSN: warehousetest.NewDSN(), Now: time.Now})
	if err != nil {
		return nil, nil, err
	}
	for _, statement := range []string{
		`INSERT INTO usage_events (load_seq, row_number, source, event_id, occurred_at, customer_id, model, units, quantities)
VALUES (1, 1, 'creditmill', 'e1', '2026-10-05 12:00:00', 'acme', 'm', 'input', [600]),
(1, 2, 'creditmill', 'e2', '2026-10-06 12:00:00', 'acme', 'm', 'input', [300])`,
		`INSERT INTO loads (load_seq, revision, status, rows_loaded, file, occurred_from, occurred_to)
VALUES (1, 1, 'committed', 2, 'october.jsonl', '2026-10-05 12:00:00', '2026-10-06 12:00:00')`,
	} {
		if err := store.Conn().Exec(ctx, statement); err != nil {
			return nil, store, err
		}
	}
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(priceBook))
	if problems.Err() != nil {
		return nil, store, problems.Err()
	}
	return invoice.NewRunner(invoice.Config{
		Warehouse: store, Aggregator: aggregate.New(aggregate.Config{Warehouse: store, Now: time.Now}), Catalog: catalog,
		AsOf: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), StripeAccount: "acct_1", RunID: "run_1", Now: time.Now,
		Sleep: func(context.Context, time.Duration) error { return nil },
	}), store, nil
}

// A plan says what each period that ended comes to, and why a charge would not be posted.
func ExampleRunner_Plan() {
	ctx := context.Background()
	runner, store, err := october(ctx)
	if store != nil {
		defer store.Close() //nolint:errcheck // the engine goes with the tests
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	planned, err := runner.Plan(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, charge := range planned.Charges {
		fmt.Println(charge.CustomerID, charge.BillableCredits, "credits", charge.AmountMinor, charge.Currency, charge.Status)
		fmt.Println(charge.HoldReason)
	}
	// Output:
	// acme 800 credits 800 usd held
	// no Stripe customer: import one with `creditmill customers import`
}

// A charge is walked down to its days, prices, files and rows; what it is called by may be its customer.
func ExampleRunner_Explain() {
	ctx := context.Background()
	runner, store, err := october(ctx)
	if store != nil {
		defer store.Close() //nolint:errcheck // the engine goes with the tests
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := runner.Find(ctx, "acme")
	if err != nil {
		fmt.Println(err)
		return
	}
	explained, err := runner.Explain(ctx, found[0], true)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range explained.Lines {
		for _, day := range line.Days {
			fmt.Println(line.FeatureID, day.Day, day.Priced[0].Quantity, "tokens at", day.Priced[0].PerUnit, day.Loads[0].Rows)
		}
	}
	fmt.Println(explained.Loads[0].File)
	_, err = runner.Find(ctx, "nobody")
	fmt.Println(err != nil)
	// Output:
	// text 2026-10-05 600 tokens at 1 [[1 1]]
	// text 2026-10-06 300 tokens at 1 [[2 2]]
	// october.jsonl
	// true
}
