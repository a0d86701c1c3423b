package jsonl_test

import (
	"fmt"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/jsonl"
	"github.com/creditmill/creditmill/schemas"
)

// Lines become events, or rejects that say what is wrong with them.
func ExampleOpen() {
	source, _ := schemas.SourceByID(schemas.BuiltinSources(), "creditmill")
	lines, err := jsonl.Open(source, 16<<20)
	if err != nil {
		fmt.Println(err)
		return
	}
	var block event.Block
	block.Reset()
	lines.NewDecoder().Decode([]byte(`{"event_id":"e1","occurred_at":"2026-10-01T00:00:00Z",`+
		`"customer_id":"acme","model":"small-model","input_tokens":1200}`+"\n"+`{"event_id":"e2"}`+"\n"), &block)
	for _, made := range block.Events() {
		fmt.Println(made.EventID, made.CustomerID, made.Units.Of(schemas.UnitInput))
	}
	for _, reject := range block.Rejects {
		fmt.Println("row", reject.RowNumber, reject.Field, reject.Reason)
	}
	// Output:
	// e1 acme 1200
	// row 2 occurred_at is missing
}
