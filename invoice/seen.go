package invoice

import (
	"context"
	"strings"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// saw notes what keeps charges back, so that the next plan knows it.
func (p *poster) saw(id, hold string, running ...string) {
	p.seen.Store(id, subscription.StripeState{ID: id, Hold: hold, Running: running})
}

// noteSeen stores what a run saw of Stripe.
func (r *Runner) noteSeen(ctx context.Context) error {
	states := map[string]subscription.StripeState{}
	r.poster.seen.Range(func(id, state any) bool {
		states[id.(string)] = state.(subscription.StripeState)
		return true
	})
	return subscription.StoreStripeStates(ctx, r.config.Warehouse, states, r.config.Now())
}

// LookAgain asks Stripe whether what a sync or post saw still keeps charges back, and stores what does not: so a run
// that posts whatever is ready needs no sync in between. What cannot be asked stays as it was seen.
func (r *Runner) LookAgain(ctx context.Context) error {
	states, err := subscription.StripeStates(ctx, r.config.Warehouse)
	if err != nil {
		return err
	}
	changed := map[string]subscription.StripeState{}
	for id := range states {
		free, err := r.poster.free(ctx, id)
		switch {
		case err != nil && stops(err):
			return err
		case err == nil && free:
			changed[id] = subscription.StripeState{ID: id}
		}
	}
	return subscription.StoreStripeStates(ctx, r.config.Warehouse, changed, r.config.Now())
}

// free says that nothing keeps charges from a customer or subscription.
func (p *poster) free(ctx context.Context, id string) (bool, error) {
	if strings.HasPrefix(id, "sub_") {
		subscription, err := p.stripe.Subscription(ctx, id)
		return err == nil && stripe.HeldBy(subscription) == "", err
	}
	customer, reason, err := p.customer(ctx, id)
	return err == nil && reason == "" && stripe.Payable(customer), err
}
