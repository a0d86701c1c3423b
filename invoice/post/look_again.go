package post

import (
	"context"
	"strings"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// Freed asks Stripe which of the states that a sync or post saw keep no charges back any more. What cannot be asked
// stays as it was seen. A subscription's tax keeps credits back alone, and hardly ever changes: the next sync tells.
func (p *Poster) Freed(
	ctx context.Context, seen map[string]subscription.StripeState,
) (map[string]subscription.StripeState, error) {
	freed := map[string]subscription.StripeState{}
	for id, state := range seen {
		if state.Hold == subscription.StripeTaxed {
			continue
		}
		free, err := p.free(ctx, id)
		switch {
		case err != nil && stops(err):
			return nil, err
		case err == nil && free:
			freed[id] = subscription.StripeState{ID: id}
		}
	}
	return freed, nil
}

// free says that nothing keeps charges from a customer or subscription that was seen to be held so.
func (p *Poster) free(ctx context.Context, id string) (bool, error) {
	if strings.HasPrefix(id, "sub_") {
		found, err := p.stripe.Subscription(ctx, id)
		return err == nil && stripe.HeldBy(found) == "", err
	}
	customer, reason, err := p.customer(ctx, id)
	return err == nil && reason == "" && stripe.Payable(customer), err
}
