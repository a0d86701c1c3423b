package plan

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// Inputs are everything a plan is made from. The same inputs give the same plan, byte for byte.
type Inputs struct {
	// AsOf: a period has ended when its end is at AsOf or before.
	AsOf    time.Time
	Catalog *schemas.Catalog
	// StripeAccount and Livemode are part of every charge's identity.
	StripeAccount string
	Livemode      bool
	// Periods are balances computed with the events before AsOf, those of one customer after the other.
	Periods []aggregate.PeriodBalance
	// Problems are those of customers whose periods cannot be computed, wholly or from one on.
	Problems []aggregate.Problem
	// StripeCustomers are Stripe's ids by customer id.
	StripeCustomers map[string]string
	// StripeStates are what keeps charges back at Stripe, by its ids.
	StripeStates map[string]subscription.StripeState
	// Subscriptions tell which charges Stripe would not collect.
	Subscriptions []subscription.Subscription
	// Frozen are all charges that were ever frozen for the account and mode: their periods are closed.
	Frozen []FrozenCharge
	// LateWindow is how long after its end a closed period is listed and adjusted. 0: DefaultLateWindow.
	LateWindow time.Duration
	// MaxChargeMinor: a charge above it is held. 0: Stripe's limit.
	MaxChargeMinor int64
	// AnomalyFactor: a charge whose period used more than that times the median of the customer's earlier ones is held.
	// 0: none is.
	AnomalyFactor decimal.Decimal
	// AutomaticTax: invoices of charges' own are taxed by Stripe, which takes only what says how it is taxed.
	AutomaticTax bool
	// ByFeature: a charge is posted as one item a feature.
	ByFeature bool
	// Gaps are times for which usage is missing.
	Gaps []Gap
	// Releases are the holds that persons released, Withheld the charges that persons hold.
	Releases Releases
	Withheld Withheld
	// Rebills are the closed periods that persons have billed again, those that are done among them.
	Rebills []Rebill
}

// Gap is a time for which something that is expected is not loaded. It holds the periods it touches.
type Gap struct {
	From, Until time.Time
	// Reason says what is missing and what to do.
	Reason string
}

// misses tells whether usage of a period is missing.
func (in Inputs) misses(period schemas.Period) bool {
	for _, gap := range in.Gaps {
		if gap.From.Before(period.End) && period.Start.Before(gap.Until) {
			return true
		}
	}
	return false
}

// Actions are what persons decide about charges.
const (
	// ActionRelease lets a charge be posted that is held for its amount or by a person, ActionUndoRelease takes that back.
	ActionRelease     = "release"
	ActionUndoRelease = "undo_release"
	// ActionHold keeps a charge back until it is released.
	ActionHold = "hold"
	// ActionApprove lets a charge be posted where that needs an approval.
	ActionApprove = "approve"
	// ActionPost has a charge posted; it holds nothing and lets nothing go.
	ActionPost = "post"
	// ActionResolve settles a charge that is never posted.
	ActionResolve = "resolve"
	// ActionRebill has a charge billed again whose invoice is void, ActionUndoRebill takes that back.
	ActionRebill     = "rebill"
	ActionUndoRebill = "undo_rebill"
)

// Withheld says by charge id who holds it and why.
type Withheld map[string]string

// Releases are the amounts up to which holds are released, by charge id.
type Releases map[string][]int64

// covers tells whether a release is good for an amount: one of the same sign that is not larger.
func (r Releases) covers(chargeID string, amountMinor int64) bool {
	for _, released := range r[chargeID] {
		if amountMinor >= 0 && amountMinor <= released || amountMinor <= 0 && amountMinor >= released {
			return true
		}
	}
	return false
}

// Add notes that holds of a charge are released up to an amount: the largest of each sign is kept.
func (r Releases) Add(chargeID string, amountMinor int64) {
	kept := r[chargeID]
	for i, released := range kept {
		if (released < 0) == (amountMinor < 0) {
			if abs(amountMinor) > abs(released) {
				kept[i] = amountMinor
			}
			return
		}
	}
	r[chargeID] = append(kept, amountMinor)
	slices.Sort(r[chargeID])
}
