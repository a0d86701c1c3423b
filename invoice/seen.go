package invoice

import (
	"context"
	"slices"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// blocked says why post would not send a charge, as Stripe was last seen; empty if nothing is known against it. It is
// what poster.choose decides, from what the warehouse knows: a part of a charge has an invoice of its own, also where
// the customer has a subscription.
func (in Inputs) blocked(charge Charge, standing string) string {
	way := ", as Stripe was last seen: change that there and run `creditmill sync`, or " + howToResolve(charge.ID)
	if state := in.StripeStates[standing]; standing != "" && state.Hold != "" {
		if state.Hold == subscription.StripeGone {
			return "Stripe has no subscription " + standing + way
		}
		return "subscription " + standing + " is " + state.Hold + way
	}
	state, known := in.StripeStates[charge.StripeCustomer]
	switch {
	case !known:
		return ""
	case state.Hold == subscription.StripeGone:
		return "Stripe customer " + charge.StripeCustomer + " is deleted" + way
	case charge.split:
	case standing != "" && slices.Contains(state.Running, standing+" "+charge.Currency),
		standing == "" && len(state.Running) == 1 && strings.HasSuffix(state.Running[0], " "+charge.Currency):
		return ""
	}
	return reachesNobody(charge.StripeCustomer) + way
}

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

// seen is a frozen charge as the plan shows it: held where nobody is left to bill, though post looks again.
func (p *planner) seen(frozen FrozenCharge) Charge {
	charge := frozen.planned()
	if charge.Status != StatusReady || frozen.State != StateOpen {
		return charge
	}
	now := frozen.Charge
	if customer := p.in.StripeCustomers[charge.CustomerID]; customer != "" {
		now.StripeCustomer = customer // post chooses again where the one it was frozen for is gone
	}
	now.split = frozen.ownInvoice()
	if reason := p.in.blocked(now, frozen.Target); reason != "" {
		addReason(&charge, reason)
	}
	return charge
}

// states compares what keeps charges from the customers here with what was seen before.
func (p *syncPlanner) states() map[string]subscription.StripeState {
	changed := map[string]subscription.StripeState{}
	if p.in.Stripe.All == nil {
		return changed
	}
	running := map[string][]string{}
	for _, held := range p.in.Stripe.Subscriptions {
		running[held.StripeCustomer] = append(running[held.StripeCustomer], held.running...)
		if _, before := p.in.States[held.ID]; before { // from now on its own row says so
			changed[held.ID] = subscription.StripeState{ID: held.ID}
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
		subscription, err := p.subscription(ctx, id)
		return err == nil && heldBy(subscription) == "", err
	}
	customer, reason, err := p.customer(ctx, id)
	return err == nil && reason == "" && payable(customer), err
}

func reachesNobody(stripeCustomer string) string {
	return "Stripe customer " + stripeCustomer + " has no running subscription, no payment method and no e-mail address"
}

// runs writes a subscription as StripeState has it.
func runs(subscription *stripe.Subscription) string {
	return subscription.ID + " " + string(subscription.Currency)
}

// running are those of a customer's subscriptions that go on.
func running(all []*stripe.Subscription) []string {
	var found []string
	for _, subscription := range all {
		switch {
		case usable(subscription):
			found = append(found, runs(subscription))
		case heldBy(subscription) != "": // it counts where the customer's only one is looked for, and collects nothing
			found = append(found, subscription.ID+" -")
		}
	}
	slices.Sort(found)
	return found
}

// payable says whether an invoice reaches a customer by itself.
func payable(customer *stripe.Customer) bool {
	return customer.Email != "" || hasMethod(customer)
}

func hasMethod(customer *stripe.Customer) bool {
	return customer.DefaultSource != nil && customer.DefaultSource.ID != "" ||
		customer.InvoiceSettings != nil && customer.InvoiceSettings.DefaultPaymentMethod != nil
}
