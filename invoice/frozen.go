package invoice

import "time"

// States of a frozen charge, folded from its events.
const (
	// StatePosted: Stripe has it.
	StatePosted = "posted"
	// StateOpen: not known to be at Stripe; the next post goes on with it.
	StateOpen = "open"
	// StateRejected: Stripe refused it permanently; a person decides.
	StateRejected = "rejected"
	// StateManual: a person settled it.
	StateManual = "manual"
)

// FrozenCharge is a charge as it was written down before its first request to Stripe. It never changes.
type FrozenCharge struct {
	Charge
	PlanSHA       string
	StripeAccount string
	Livemode      bool
	// Mode is ModeSubscription, ModeInvoice or ModeDraft; Target is the subscription for the first.
	Mode   string
	Target string
	// Request holds all parameters that are sent, as canonical JSON.
	Request  []byte
	RunID    string
	FrozenAt time.Time
	// State and what follows are folded from the charge's events.
	State string
	// StripeID is the invoice item, PostedMinor its amount at Stripe; both once it is known to exist.
	StripeID    string
	PostedMinor int64
	// unreadable says why its row cannot be trusted; empty if it can. It is not sent then.
	unreadable string
	// revision numbers the ways that were chosen for it.
	revision uint32
}

// chargedMinor is what the customer was charged: Stripe's amount once it is there.
func (f FrozenCharge) chargedMinor() int64 {
	if f.StripeID != "" {
		return f.PostedMinor
	}
	return f.AmountMinor
}

// ownInvoice tells whether it was frozen with an invoice of its own.
func (f FrozenCharge) ownInvoice() bool { return f.Mode == ModeInvoice || f.Mode == ModeDraft }

// planned is the charge as a plan shows it.
func (f FrozenCharge) planned() Charge {
	charge := f.Charge
	charge.Status, charge.HoldReason = StatusReady, ""
	switch {
	case f.State == StatePosted || f.State == StateManual:
		charge.Status = StatusPosted
	case f.Mode == ModeManual:
		charge.Status, charge.HoldReason = StatusHeld, unfinishedResolve(f.ID)
	case f.unreadable != "":
		charge.Status = StatusHeld
		charge.HoldReason = f.unreadable + ": restore the warehouse from a backup, or bill it by hand and run " +
			"`creditmill invoice resolve " + f.ID + " --reason …`"
	case f.State == StateRejected:
		charge.Status = StatusHeld
		charge.HoldReason = "Stripe refused it permanently: bill it by hand or waive it, then run " +
			"`creditmill invoice resolve " + f.ID + " --reason …`"
	}
	return charge
}
