package subscription

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/creditmill/creditmill/warehouse"
)

// Sync is what `sync` stores of Stripe's customers and subscriptions.
type Sync struct {
	// StripeCustomers are Stripe's ids by customer; those not named stay as they are.
	StripeCustomers map[string]string
	// Subscriptions replace those stored with the same customer, product and start. Removed ones never took effect.
	Subscriptions []Subscription
	Removed       []Subscription
	// States are what keeps charges back at Stripe, where that was seen otherwise before.
	States map[string]StripeState
}

// StoreSync stores customers and then subscriptions, the latter in one block: all of them or none. The caller holds the
// warehouse's writer lock and has made sure that no two subscriptions of a customer overlap.
func StoreSync(ctx context.Context, w *warehouse.Warehouse, sync Sync, now time.Time) error {
	last, err := customerRevision(ctx, w)
	if err != nil {
		return err
	}
	if len(sync.StripeCustomers) > 0 {
		ids := slices.Sorted(maps.Keys(sync.StripeCustomers))
		if err := storeCustomers(ctx, w, ids, sync.StripeCustomers, last+1, now); err != nil {
			return err
		}
	}
	if err := StoreStripeStates(ctx, w, sync.States, now); err != nil {
		return err
	}
	revisions := make([]revision, 0, len(sync.Subscriptions)+len(sync.Removed))
	for _, s := range sync.Removed {
		revisions = append(revisions, revision{Subscription: s, removed: true})
	}
	for _, s := range sync.Subscriptions {
		revisions = append(revisions, revision{Subscription: s})
	}
	return storeSubscriptions(ctx, w, revisions, last+1, now)
}
