package sync

import (
	"slices"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// Inputs are what a sync is worked out from. The same inputs give the same Plan.
type Inputs struct {
	Stripe  State
	Catalog *schemas.Catalog
	// Stored are the subscriptions here, StripeCustomers Stripe's ids by customer.
	Stored          []subscription.Subscription
	StripeCustomers map[string]string
	// States are what was seen before to keep charges back.
	States map[string]subscription.StripeState
	// Cutoff lets periods end at the last midnight that is some hours before Stripe's own, so that their overage can be
	// posted in time for the invoice that closes Stripe's period.
	Cutoff bool
	// Now is when a change of product takes effect for which Stripe tells no time.
	Now time.Time
}

// Actions of a Change.
const (
	actionCustomer = "customer" // the customer's Stripe id becomes known
	actionAdd      = "add"      // a subscription that is not here yet
	actionChange   = "change"   // one that is here begins, ends or is linked otherwise
	actionRemove   = "remove"   // one that never took effect
)

// Change is one difference between Stripe and here, and what is done about it.
type Change struct {
	Action             string     `json:"action"`
	CustomerID         string     `json:"customer_id"`
	Product            string     `json:"product"`
	StartsAt           *time.Time `json:"starts_at"`
	EndsAt             *time.Time `json:"ends_at"`
	Anchor             *time.Time `json:"anchor"`
	StripeCustomer     string     `json:"stripe_customer"`
	StripeSubscription string     `json:"stripe_subscription"`
	// Why says what differs.
	Why string `json:"why"`

	subscription subscription.Subscription
}

// Plan is the difference between Stripe and here.
type Plan struct {
	// Changes are what must be stored, by customer.
	Changes []Change `json:"changes"`
	// Problems need a person; what they speak of is left as it is.
	Problems []string `json:"problems"`
	// Notes are worth knowing and need nothing.
	Notes []string `json:"notes"`
	// Subscriptions counts those at Stripe to products of the catalog, Others the rest.
	Subscriptions int `json:"subscriptions"`
	Others        int `json:"others"`

	// states are what Stripe has otherwise than it was seen before.
	states map[string]subscription.StripeState
}

// Sync is what StoreSync has to store.
func (p Plan) Sync() subscription.Sync {
	sync := subscription.Sync{StripeCustomers: map[string]string{}, States: p.states}
	for _, change := range p.Changes {
		switch change.Action {
		case actionCustomer:
			sync.StripeCustomers[change.CustomerID] = change.StripeCustomer
		case actionRemove:
			sync.Removed = append(sync.Removed, change.subscription)
		default:
			sync.Subscriptions = append(sync.Subscriptions, change.subscription)
		}
	}
	return sync
}

// After are the subscriptions that are stored as they are once the plan is, too.
func (p Plan) After(stored []subscription.Subscription) []subscription.Subscription {
	type key struct {
		customer string
		heldKey
	}
	sync, replaced := p.Sync(), map[key]bool{}
	for _, s := range slices.Concat(sync.Removed, sync.Subscriptions) {
		replaced[key{s.CustomerID, keyOf(s)}] = true
	}
	stays := slices.DeleteFunc(slices.Clone(stored), func(s subscription.Subscription) bool {
		return replaced[key{s.CustomerID, keyOf(s)}]
	})
	return append(stays, sync.Subscriptions...)
}

// Seen says whether Stripe was seen otherwise before. That is stored without asking: it is no decision.
func (p Plan) Seen() bool { return len(p.states) > 0 }

// heldKey is what a subscription is stored under, for one customer.
type heldKey struct {
	product  string
	startsAt int64
}

func keyOf(s subscription.Subscription) heldKey { return heldKey{s.Product, s.StartsAt.UnixNano()} }
