package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// Open connects, makes the tables if there are none, and brings older ones to this version. A statement is named by its
// file; its rows come back as values.
func ExampleSelect() {
	ctx := context.Background()
	store, err := warehouse.Open(ctx, warehouse.Config{DSN: warehousetest.NewDSN(), Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // the engine goes with the tests
	insert := `INSERT INTO duplicate_events (load_seq, row_number, model)
		VALUES (1, 1, 'small'), (1, 2, 'large'), (2, 1, 'x')`
	if err := store.Conn().Exec(ctx, insert); err != nil {
		fmt.Println(err)
		return
	}
	type used struct {
		Model   string `ch:"used_model"`
		Feature string `ch:"used_feature"`
	}
	found, err := warehouse.Select[used](ctx, store, "aggregate/raw_uses.sql", warehouse.Params{"loads": []uint64{1}})
	fmt.Println(found, err)
	// Output: [{large } {small }] <nil>
}

// Who writes holds a lock; somebody else who wants it is told who has it.
func ExampleWarehouse_Lock() {
	ctx := context.Background()
	store, err := warehouse.Open(ctx, warehouse.Config{DSN: warehousetest.NewDSN(), Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // the engine goes with the tests
	release, err := store.Lock(ctx, warehouse.WriterLock)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = store.Lock(ctx, warehouse.WriterLock)
	fmt.Println(errors.Is(err, warehouse.ErrLocked))
	release()
	if release, err = store.Lock(ctx, warehouse.WriterLock); err == nil {
		release()
	}
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}
