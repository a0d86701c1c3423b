// Package invoice turns the overage of ended periods into charges and posts them to Stripe exactly once.
//
// Balances of ended periods become a Plan (BuildPlan, a pure function: preview and post run the same code on the same
// inputs). Post freezes the plan's ready charges in the warehouse, reads them back, and then sends each of them by the
// protocol that DESIGN.md describes: list, announce, verify, send under a key of its own, write down what came back.
//
// What always holds: a charge's id and idempotency key hold no amount, run or time; nothing is sent that was not frozen
// and announced before; an answer that proves nothing leaves the charge open for the next run; Σ lines = charge.
package invoice

import (
	"errors"
	"time"
)

// Modes are how a charge reaches its customer.
const (
	// ModeSubscription is a pending item on the customer's subscription: it is on the next invoice that Stripe makes.
	ModeSubscription = "subscription"
	// ModeInvoice is an invoice of its own, finalized at once.
	ModeInvoice = "invoice"
	// ModeBillNow is an item on the customer's subscription and an invoice of the subscription made for it at once.
	ModeBillNow = "bill_now"
	// ModeDraft is an invoice of its own that a person finalizes.
	ModeDraft = "draft"
	// ModeManual is a charge that was never posted: a person settled it.
	ModeManual = "manual"
)

// Kinds of charges.
const (
	// KindOverage is the overage of a period as it was when the period closed.
	KindOverage = "overage"
	// KindAdjustment is the difference that usage or a withdrawn load made to a closed period.
	KindAdjustment = "adjustment"
)

// Statuses of charges in a plan and in a report.
const (
	StatusReady         = "ready"
	StatusHeld          = "held"
	StatusPosted        = "posted"
	StatusAlreadyPosted = "already_posted"
	StatusOpen          = "open"
)

// DefaultLateWindow is how long after a period's end a change to it is still charged.
const DefaultLateWindow = 60 * 24 * time.Hour

// MaxChargeMinor is the most that Stripe takes as one amount.
const MaxChargeMinor = 99_999_999

var (
	// ErrPlanChanged is returned when the plan to be posted is not the one that was previewed.
	ErrPlanChanged = errors.New("the plan is not the one that was previewed")
	// ErrInvariant is returned when figures that must agree do not; nothing is sent then.
	ErrInvariant = errors.New("figures that must agree do not")
	// ErrCredentials is returned when Stripe refuses the key or a permission is missing; the run stops.
	ErrCredentials = errors.New("Stripe refuses the key")
	// ErrSetting is returned when a key or base URL cannot be used as it is.
	ErrSetting = errors.New("Stripe setting is wrong")
)
