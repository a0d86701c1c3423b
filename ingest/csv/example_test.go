package csv_test

import (
	"fmt"

	"github.com/creditmill/creditmill/ingest/csv"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/schemas"
)

// The header says which column is which field; the rows behind it become events.
func ExampleReadHeader() {
	source, _ := schemas.SourceByID(schemas.BuiltinSources(), "creditmill")
	text := []byte("event_id,occurred_at,customer_id,model,input_tokens\n" +
		"e1,2026-10-01T00:00:00Z,acme,small-model,1200\n")
	header, taken, err := csv.ReadHeader(source, "usage.csv", text, 16<<20)
	if err != nil {
		fmt.Println(err)
		return
	}
	var block event.Block
	block.Reset()
	header.NewDecoder().Decode(text[taken:], &block)
	for _, made := range block.Events() {
		fmt.Println(made.EventID, made.CustomerID, made.Units.Of(schemas.UnitInput))
	}
	// Output: e1 acme 1200
}
