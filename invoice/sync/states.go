package sync

import (
	"slices"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// states compares what keeps charges from the customers here with what was seen before.
func (p *planner) states() map[string]subscription.StripeState {
	changed := map[string]subscription.StripeState{}
	if p.in.Stripe.All == nil {
		return changed
	}
	running := map[string][]string{}
	for _, one := range p.in.Stripe.Subscriptions {
		running[one.StripeCustomer] = append(running[one.StripeCustomer], one.running...)
		now := subscription.StripeState{ID: one.ID} // of all else its own row tells
		if one.taxed {
			now.Hold = subscription.StripeTaxed
		}
		if p.in.States[one.ID].Hold != now.Hold {
			changed[one.ID] = now
		}
	}
	for id := range p.byStripe {
		now := subscription.StripeState{ID: id}
		switch {
		case !p.in.Stripe.All[id]:
			now.Hold = subscription.StripeGone
		case p.in.Stripe.Unpayable[id]:
			now.Hold, now.Running = subscription.StripeNobody, running[id]
			slices.Sort(now.Running)
		}
		if before := p.in.States[id]; before.Hold != now.Hold || !slices.Equal(before.Running, now.Running) {
			changed[id] = now
		}
	}
	return changed
}
