package retention_test

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/aggregate/retention"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// Properties of old events are emptied; the event stays, and so does every figure. A dry run only measures.
func ExampleRemover_Expire() {
	ctx := context.Background()
	store, err := warehouse.Open(ctx, warehouse.Config{DSN: warehousetest.NewDSN(), Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // the engine goes with the tests
	for _, statement := range []string{
		`INSERT INTO usage_events (load_seq, row_number, event_id, occurred_at, customer_id, properties)
VALUES (1, 1, 'e1', '2026-06-01 00:00:00', 'acme', '{"team":"support"}')`,
		`INSERT INTO loads (load_seq, revision, status) VALUES (1, 1, 'committed')`,
	} {
		if err := store.Conn().Exec(ctx, statement); err != nil {
			fmt.Println(err)
			return
		}
	}
	november := func() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }
	for _, dryRun := range []bool{true, false, false} {
		remover := retention.Remover{Warehouse: store, Now: november, DryRun: dryRun}
		removed, err := remover.Expire(ctx, retention.Rules{Properties: 90 * 24 * time.Hour})
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, one := range removed {
			fmt.Println(one.Kind, "before", one.Before.Format("2006-01-02"), one.Rows, "rows")
		}
	}
	// Output:
	// properties before 2026-08-03 1 rows
	// properties before 2026-08-03 1 rows
	// properties before 2026-08-03 0 rows
}
