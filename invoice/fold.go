package invoice

import "time"

// Steps of a charge: each has its own requests and keys.
const (
	stepItem     = "ii"  // the invoice item
	stepInvoice  = "inv" // the draft invoice, for every mode but ModeSubscription and ModeManual
	stepFinalize = "fin" // finalizing it, for ModeInvoice and ModeBillNow
)

// Kinds of events in the ledger.
const (
	// eventIntent: a request is about to be sent under the epoch's key.
	eventIntent = "INTENT"
	// eventAck: Stripe has the object.
	eventAck = "ACK"
	// eventUnknown: a request was sent and nothing is known of it.
	eventUnknown = "UNKNOWN"
	// eventPoison: Stripe replays a failure under the epoch's key.
	eventPoison = "POISON"
	// eventReject: Stripe refused the first request of the epoch for good.
	eventReject = "REJECT"
	// eventDrift: Stripe holds the charge with other figures, or knows the key with other parameters.
	eventDrift = "DRIFT"
	// eventManual: a person settled the charge.
	eventManual = "MANUAL"
	// eventSettled: an item is on an invoice. Its stripe_id is the invoice, its err_code the invoice's status.
	eventSettled = "SETTLED"
)

// settleTime is how long a poisoned key must have been quiet before the next epoch, and how long a foreign announcement
// keeps others away: by then what was on its way has arrived.
const settleTime = 10 * time.Minute

// chargeEvent is one row of the ledger.
type chargeEvent struct {
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

// stepState is what the events of one step of a charge say, whatever their order and however often they are repeated.
type stepState struct {
	ack      *chargeEvent
	manual   bool
	rejected bool
	// epoch is the highest that was announced; announced is false before the first INTENT.
	epoch      uint32
	announced  bool
	poisoned   bool
	lastIntent time.Time
}

// foldStep joins the events of a step. Any ACK wins; of several, the one with the least Stripe id, so that all readers
// agree.
func foldStep(events []chargeEvent, step string) stepState {
	var state stepState
	for i, event := range events {
		if event.Step != step {
			continue
		}
		switch event.Kind {
		case eventAck:
			if state.ack == nil || event.StripeID < state.ack.StripeID {
				state.ack = &events[i]
			}
		case eventManual:
			state.manual = true
		case eventReject:
			state.rejected = true
		case eventIntent:
			state.announced = true
			state.epoch = max(state.epoch, event.Epoch)
		}
	}
	for _, event := range events {
		if event.Step != step || event.Epoch != state.epoch {
			continue
		}
		switch {
		case event.Kind == eventPoison:
			state.poisoned = true
		case event.Kind == eventIntent && event.At.After(state.lastIntent):
			state.lastIntent = event.At
		}
	}
	return state
}

// foreign says whether another run announced another epoch a short while ago.
func foreign(events []chargeEvent, step, runID string, epoch uint32, now time.Time) bool {
	for _, event := range events {
		if event.Step == step && event.Kind == eventIntent && event.RunID != runID && event.Epoch != epoch &&
			now.Sub(event.At) < settleTime {
			return true
		}
	}
	return false
}
