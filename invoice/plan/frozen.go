package plan

import (
	"errors"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/money"
)

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
	// Mode is how it reaches its customer; Target is the subscription for ModeSubscription, ModeRenewal and ModeBillNow.
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
	// Unreadable says why its row cannot be trusted; empty if it can. It is not sent then.
	Unreadable string
	// Revision numbers the ways that were chosen for it.
	Revision uint32
	// Void: its invoice is void at Stripe, and a person has it billed again. Nil: it counts as charged.
	Void *Void
}

// Void is a person's decision to bill a charge again whose invoice is void.
type Void struct {
	// Invoice is the one that is void, Reason is why, By who.
	Invoice string    `json:"invoice"`
	Reason  string    `json:"reason"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// ChargedMinor is what the customer was charged: Stripe's amount once it is there.
func (f FrozenCharge) ChargedMinor() int64 {
	if f.StripeID != "" {
		return f.PostedMinor
	}
	return f.AmountMinor
}

// OwnInvoice tells whether it was frozen with an invoice of its own.
func (f FrozenCharge) OwnInvoice() bool { return f.Mode == ModeInvoice || f.Mode == ModeDraft }

// Planned is the charge as a plan shows it.
func (f FrozenCharge) Planned() Charge {
	charge := f.Charge
	charge.Status, charge.HoldReason, charge.HoldCodes = StatusReady, "", nil
	switch {
	case f.State == StatePosted || f.State == StateManual:
		charge.Status = StatusPosted
	case f.Mode == ModeManual:
		addHold(&charge, HoldBeingResolved, UnfinishedResolve(f.ID))
	case f.Unreadable != "":
		addHold(&charge, HoldUnreadable, f.Unreadable+": restore the warehouse from a backup, or bill it by hand and run "+
			"`creditmill invoice resolve "+f.ID+" --reason …`")
	case f.State == StateRejected:
		addHold(&charge, HoldRefused, "Stripe refused it permanently: "+HowToResolve(f.ID))
	}
	return charge
}

// CheckOwn asserts what must hold of a charge, in its own currency: that of a closed period may not be today's.
func (f FrozenCharge) CheckOwn() error {
	currency, err := moneyOf(f)
	if err != nil {
		return err
	}
	return f.Check(currency)
}

// CheckReadBack says why a charge that was read back is not to be sent, written being as it was to be; nil if it is.
// One that another run froze first is that run's.
func (f FrozenCharge) CheckReadBack(written FrozenCharge, runID string) error {
	if f.Unreadable != "" {
		return errors.New(f.Unreadable)
	}
	if f.RunID == runID {
		stored, err := Canonical(f.Planned())
		if err != nil {
			return fmt.Errorf("compare charge %s: %w", f.ID, err)
		}
		meant, err := Canonical(written.Planned())
		if err != nil {
			return fmt.Errorf("compare charge %s: %w", f.ID, err)
		}
		if string(stored) != string(meant) || string(f.Request) != string(written.Request) || f.Mode != written.Mode {
			return fmt.Errorf("read back charge %s: it is not as it was written: %w", f.ID, ErrInvariant)
		}
	}
	return f.CheckOwn()
}

// UnfinishedResolve is the reason of a charge that somebody began to settle by hand.
func UnfinishedResolve(chargeID string) string {
	return "it was being settled by hand: run `creditmill invoice resolve " + chargeID + " --reason …` again"
}

// HowToResolve is the way out for charges that cannot be posted any more.
func HowToResolve(chargeID string) string {
	return "bill it by hand or waive it, then run `creditmill invoice resolve " + chargeID + " --reason …`"
}

// ListedFrom is the creation time from which Stripe's objects are looked through for a charge: a week before the
// earliest instant at which one can have been made, by whatever clock.
func (f FrozenCharge) ListedFrom() time.Time {
	earliest := f.PeriodStart
	if f.FrozenAt.Before(earliest) {
		earliest = f.FrozenAt
	}
	return earliest.Add(-7 * 24 * time.Hour)
}

func moneyOf(charge FrozenCharge) (money.Currency, error) {
	currency, err := money.LookupCurrency(charge.Currency)
	if err != nil {
		return money.Currency{}, fmt.Errorf("charge %s: %w", charge.ID, err)
	}
	return currency, nil
}
