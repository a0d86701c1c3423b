package ledger

import "time"

// Steps of a charge: each has its own requests and keys.
const (
	// StepItem is the invoice item.
	StepItem = "ii"
	// StepInvoice is the draft invoice, for every mode but ModeSubscription and ModeManual.
	StepInvoice = "inv"
	// StepShared is the draft invoice that the parts of a charge share; its events are the first part's.
	StepShared = "all"
	// StepFinalize makes it final, for ModeInvoice and ModeBillNow.
	StepFinalize = "fin"
)

// Kinds of events in the ledger.
const (
	// Intent: a request is about to be sent under the epoch's key.
	Intent = "INTENT"
	// Ack: Stripe has the object.
	Ack = "ACK"
	// Unknown: a request was sent and nothing is known of it.
	Unknown = "UNKNOWN"
	// Poison: Stripe replays a failure under the epoch's key.
	Poison = "POISON"
	// Reject: Stripe refused the first request of the epoch, finally.
	Reject = "REJECT"
	// Drift: Stripe holds the charge with other figures, or knows the key with other parameters.
	Drift = "DRIFT"
	// Manual: a person settled the charge.
	Manual = "MANUAL"
	// Settled: an item is on an invoice. Its stripe_id is the invoice, its err_code the invoice's status.
	Settled = "SETTLED"
)

// SettleTime is how long a poisoned key must have been quiet before the next epoch, and how long a foreign announcement
// keeps others away: by then what was on its way has arrived.
const SettleTime = 10 * time.Minute

// Event is one row of the ledger.
type Event struct {
	ChargeID    string
	Step        string
	Epoch       uint32
	Kind        string
	At          time.Time
	RunID       string
	HTTPStatus  int
	StripeID    string
	RequestID   string
	Replayed    bool
	ErrCode     string
	AmountMinor int64
}

// State is what the events of one step of a charge say, whatever their order and however often they are repeated.
type State struct {
	Ack      *Event
	Manual   bool
	Rejected bool
	// Epoch is the highest that was announced; Announced is false before the first INTENT.
	Epoch      uint32
	Announced  bool
	Poisoned   bool
	LastIntent time.Time
}

// Fold joins the events of a step. Any ACK wins; of several, the one with the least Stripe id, so that all readers
// agree.
func Fold(events []Event, step string) State {
	var state State
	for i, event := range events {
		if event.Step != step {
			continue
		}
		switch event.Kind {
		case Ack:
			if state.Ack == nil || event.StripeID < state.Ack.StripeID {
				state.Ack = &events[i]
			}
		case Manual:
			state.Manual = true
		case Reject:
			state.Rejected = true
		case Intent:
			state.Announced = true
			state.Epoch = max(state.Epoch, event.Epoch)
		}
	}
	for _, event := range events {
		if event.Step != step || event.Epoch != state.Epoch {
			continue
		}
		switch {
		case event.Kind == Poison:
			state.Poisoned = true
		case event.Kind == Intent && event.At.After(state.LastIntent):
			state.LastIntent = event.At
		}
	}
	return state
}

// Foreign says whether another run announced another epoch a short while ago.
func Foreign(events []Event, step, runID string, epoch uint32, now time.Time) bool {
	for _, event := range events {
		if event.Step == step && event.Kind == Intent && event.RunID != runID && event.Epoch != epoch &&
			now.Sub(event.At) < SettleTime {
			return true
		}
	}
	return false
}
