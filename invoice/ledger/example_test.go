package ledger_test

import (
	"fmt"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
)

// An answer was lost, and a later run saw the item at Stripe: any ACK wins.
func ExampleFold() {
	at := time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)
	state := ledger.Fold([]ledger.Event{
		{Step: ledger.StepItem, Kind: ledger.Intent, At: at},
		{Step: ledger.StepItem, Kind: ledger.Unknown, At: at.Add(time.Minute)},
		{Step: ledger.StepItem, Kind: ledger.Ack, At: at.Add(time.Hour), StripeID: "ii_1"},
	}, ledger.StepItem)
	fmt.Println(state.Announced, state.Ack.StripeID)
	// Output: true ii_1
}
