package native_test

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/native"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// Blocks of rows go over the wire in one INSERT; they are stored once it is finished.
func ExampleStream() {
	ctx := context.Background()
	store, err := warehouse.Open(ctx, warehouse.Config{DSN: warehousetest.NewDSN(), Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // the engine goes with the tests
	target, err := native.TargetOf(store, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	stream, err := native.Dial(ctx, target, time.Now)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stream.Close() //nolint:errcheck // it is finished
	var block event.Block
	block.Reset()
	for _, id := range []string{"e1", "e2"} {
		block.RowsRead++
		block.Append(&event.Row{
			EventID: []byte(id), CustomerID: []byte("acme"), Model: []byte("m"), Units: []string{schemas.UnitInput},
			Quantities: []event.Quantity{{Whole: 9}},
		})
	}
	const load = 1
	block.Place(load, 0, nil)
	if err := stream.Begin("", load, "gateway"); err != nil {
		fmt.Println(err)
		return
	}
	if err := stream.Send(&block); err != nil {
		fmt.Println(err)
		return
	}
	if err := stream.Finish(); err != nil {
		fmt.Println(err)
		return
	}
	var source string
	var rows uint64
	query := "SELECT any(source), count() FROM usage_events WHERE load_seq = 1"
	err = store.Conn().QueryRow(ctx, query).Scan(&source, &rows)
	fmt.Println(source, rows, "rows", err)
	// Output: gateway 2 rows <nil>
}
