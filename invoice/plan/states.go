package plan

import (
	"errors"
	"time"
)

// Modes are how a charge reaches its customer.
const (
	// ModeSubscription is a pending item on the customer's subscription: it is on the next invoice that Stripe makes.
	ModeSubscription = "subscription"
	// ModeRenewal is an item on the draft that renews the customer's subscription: the invoice of the period's end.
	ModeRenewal = "renewal"
	// ModeInvoice is an invoice of its own, finalized at once.
	ModeInvoice = "invoice"
	// ModeBillNow is an item on the customer's subscription and an invoice of the subscription made for it at once.
	ModeBillNow = "bill_now"
	// ModeDraft is an invoice of its own that a person finalizes.
	ModeDraft = "draft"
	// ModeCreditNote is a credit note on the invoice that has what it credits.
	ModeCreditNote = "credit_note"
	// ModeManual is a charge that was never posted: a person settled it.
	ModeManual = "manual"
)

// Kinds of charges.
const (
	// KindOverage is the overage of a period as it was when the period closed.
	KindOverage = "overage"
	// KindAdjustment is the difference that usage or a withdrawn load made to a closed period.
	KindAdjustment = "adjustment"
	// KindThreshold is what a period's overage came to before it ended; the charge at its end is for the rest.
	KindThreshold = "threshold"
)

// Statuses of charges in a plan and in a report.
const (
	// StatusReady: the next post sends it.
	StatusReady = "ready"
	// StatusHeld: it waits for what its reason names.
	StatusHeld = "held"
	// StatusPosted: Stripe has it, or a person settled it.
	StatusPosted = "posted"
	// StatusAlreadyPosted: an earlier run posted it.
	StatusAlreadyPosted = "already_posted"
	// StatusOpen: it is not known to be posted; the next post goes on with it.
	StatusOpen = "open"
)

// DefaultLateWindow is how long after a period's end a change to it is still charged.
const DefaultLateWindow = 60 * 24 * time.Hour

// DefaultSettle is how long after a period's end its usage may still arrive.
const DefaultSettle = 10 * time.Minute

// maxChargeMinor is the most that Stripe takes as one amount.
const maxChargeMinor = 99_999_999

// ErrInvariant is returned when figures that must agree do not; nothing is sent then.
var ErrInvariant = errors.New("figures that must agree do not")
