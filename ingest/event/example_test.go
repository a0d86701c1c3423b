package event_test

import (
	"fmt"
	"time"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/schemas"
)

// A format sets the values that it found in a row; the assembler makes an event of them, or says why it is none.
func ExampleAssembler() {
	source, _ := schemas.SourceByID(schemas.BuiltinSources(), "creditmill")
	assembler := event.NewAssembler(source)

	var values event.Values
	text := func(to event.Target, value string) {
		values.Set(to, event.Value{Kind: event.KindText, Bytes: []byte(value)})
	}
	text(event.TargetEventID, "e1")
	text(event.TargetOccurredAt, "2026-10-01T02:00:00+02:00")
	text(event.TargetCustomerID, "acme")
	text(event.TargetModel, "small-model")
	text(event.TargetUnits, "1200")
	made, failure := assembler.Assemble(&values)
	fmt.Println(time.Unix(0, made.OccurredAt).UTC(), made.Quantities[0].Whole, failure == nil)

	text(event.TargetUnits, "-1")
	_, failure = assembler.Assemble(&values)
	fmt.Println(failure.Field, failure.Reason)
	// Output:
	// 2026-10-01 00:00:00 +0000 UTC 1200 true
	// input_tokens is negative: "-1"
}
