package ingest_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// A file is loaded once, however often it is given; an event that was loaded before is a duplicate.
func ExampleLoader_Load() {
	ctx := context.Background()
	store, err := warehouse.Open(ctx, warehouse.Config{DSN: warehousetest.NewDSN(), Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // the engine goes with the tests
	source, _ := schemas.SourceByID(schemas.BuiltinSources(), "creditmill")
	const first = `{"event_id":"e1","occurred_at":"2026-10-05T12:00:00Z","customer_id":"a","model":"m","input_tokens":9}`
	const second = `{"event_id":"e2","occurred_at":"2026-10-05T12:01:00Z","customer_id":"a","model":"m","input_tokens":1}`
	results, err := ingest.New(ingest.Config{Warehouse: store, Now: time.Now, Workers: 1}).Load(ctx, []ingest.Input{
		{Name: "morning.jsonl", Reader: strings.NewReader(first)},
		{Name: "again.jsonl", Reader: strings.NewReader(first)},
		{Name: "day.jsonl", Reader: strings.NewReader(first + "\n" + second)},
	}, ingest.Options{Source: source})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, one := range results {
		fmt.Println(one.File, one.Status, one.RowsLoaded, "loaded", one.RowsDuplicate, "duplicate")
	}
	// Output:
	// morning.jsonl committed 1 loaded 0 duplicate
	// again.jsonl already_loaded 0 loaded 0 duplicate
	// day.jsonl committed 1 loaded 1 duplicate
}
