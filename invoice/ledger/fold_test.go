package ledger

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestFold: the state of a step does not depend on the order or repetition of its events.
func TestFold(t *testing.T) {
	at := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	events := []Event{
		{Step: StepItem, Kind: Intent, At: at, RunID: "a"},
		{Step: StepItem, Kind: Poison, At: at.Add(time.Minute), RunID: "a"},
		{Step: StepItem, Kind: Intent, At: at.Add(time.Hour), RunID: "b", Epoch: 1},
		{Step: StepItem, Kind: Intent, At: at.Add(-time.Hour), RunID: "c", Epoch: 1},
		{Step: StepInvoice, Kind: Ack, StripeID: "in_1"},
	}
	want := State{Epoch: 1, Announced: true, LastIntent: at.Add(time.Hour)}
	rapid.Check(t, func(r *rapid.T) {
		shuffled := rapid.Permutation(append(slices.Clone(events), events...)).Draw(r, "order")
		if got := Fold(shuffled, StepItem); got != want {
			r.Fatalf("%+v", got)
		}
		acked := Fold(append(shuffled, Event{Step: StepItem, Kind: Ack, StripeID: "ii_1"}), StepItem)
		if acked.Ack == nil || acked.Ack.StripeID != "ii_1" {
			r.Fatal("an ACK does not win")
		}
	})
}
