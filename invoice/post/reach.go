package post

import (
	"context"
	"fmt"
	"net/url"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// obstacle is why a charge cannot reach its customer now, with the code by which it is held. The zero value is none.
type obstacle struct {
	code   plan.HoldCode
	reason string
}

// customer reads a Stripe customer, and says why nothing can be posted for it; nil with a reason if it is gone.
func (p *Poster) customer(ctx context.Context, id string) (*stripego.Customer, string, error) {
	customer, err := p.customerAt(ctx, id)
	switch {
	case stripe.Missing(err):
		p.saw(id, subscription.StripeGone)
		return nil, "Stripe has no customer " + id, nil
	case err != nil:
		return nil, "", err
	case customer.Deleted:
		p.saw(id, subscription.StripeGone)
		return nil, "Stripe customer " + id + " is deleted", nil
	case customer.Livemode != p.stripe.Livemode:
		return customer, fmt.Sprintf("Stripe customer %s has livemode %t", id, customer.Livemode), nil
	}
	if err := p.stripe.CheckClock(); err != nil {
		return nil, "", err
	}
	return customer, "", nil
}

// choose decides how a charge reaches its customer, from Stripe's present state. With an obstacle it is
// held. A charge within its period does not wait for the subscription's next invoice.
func (p *Poster) choose(
	ctx context.Context, charge plan.Charge, known string, policy Policy,
) (target, obstacle, error) {
	if charge.Kind == plan.KindThreshold {
		policy.BillNow, policy.Renewal = true, false
	}
	customer, reason, err := p.customer(ctx, charge.StripeCustomer)
	if err != nil || reason != "" {
		code := plan.HoldAtStripe
		if customer == nil {
			code = plan.HoldCustomerDeleted
		}
		return target{}, obstacle{code, reason}, err
	}
	found, err := p.findSubscription(ctx, charge.StripeCustomer, known)
	if stripe.Missing(err) {
		p.saw(known, subscription.StripeGone)
		return target{}, obstacle{plan.HoldSubscriptionGone, "Stripe has no subscription " + known}, nil
	}
	if err != nil {
		return target{}, obstacle{}, err
	}
	if found != nil {
		if reason := stripe.HeldBy(found); reason != "" {
			p.saw(found.ID, stripe.HoldOf(found))
			return target{}, obstacle{plan.HoldNotCollected, reason}, nil
		}
		if stripe.Usable(found) && string(found.Currency) == charge.Currency && !charge.Split {
			return p.onSubscription(ctx, found, charge, policy)
		}
	}
	chosen := target{mode: plan.ModeInvoice, collection: &collection{
		method: "charge_automatically", automaticTax: policy.AutomaticTax,
	}}
	if policy.Draft {
		chosen.mode = plan.ModeDraft
	}
	if stripe.HasMethod(customer) {
		return chosen, obstacle{}, nil
	}
	if customer.Email == "" {
		all, err := p.subscriptionsOf(ctx, customer.ID)
		if err != nil {
			return target{}, obstacle{}, err
		}
		p.saw(customer.ID, subscription.StripeNobody, stripe.Running(all)...)
		return target{}, obstacle{plan.HoldUnreachable, plan.ReachesNobody(customer.ID)}, nil
	}
	chosen.collection.method, chosen.collection.daysUntilDue = "send_invoice", policy.DaysUntilDue
	return chosen, obstacle{}, nil
}

// longestWait is how far off a subscription's next invoice may be for overage to wait for it: that of a price that is
// paid monthly is never farther, and that of a yearly one is.
const longestWait = 35 * 24 * time.Hour

// onSubscription is an item on a running subscription: on the draft that renews it, on its next invoice, or on one made
// at once.
func (p *Poster) onSubscription(
	ctx context.Context, running *stripego.Subscription, charge plan.Charge, policy Policy,
) (target, obstacle, error) {
	chosen := target{
		mode: plan.ModeSubscription, subscription: running.ID, byInvoice: collection{method: "charge_automatically"},
	}
	if running.CollectionMethod == stripego.SubscriptionCollectionMethodSendInvoice {
		chosen.byInvoice = collection{method: "send_invoice", daysUntilDue: policy.DaysUntilDue}
	}
	if stripe.AutomaticallyTaxed(running) { // an invoice of the subscription is taxed as the subscription's others are
		if reason := plan.NegativeUnderTax(charge); reason != "" {
			p.saw(running.ID, subscription.StripeTaxed)
			return target{}, obstacle{plan.HoldNotTaxable, reason}, nil
		}
		chosen.byInvoice.automaticTax = true
	}
	if policy.Renewal {
		onDraft, reason, err := p.onRenewal(ctx, running, charge, chosen)
		switch {
		case err != nil:
			return target{}, obstacle{}, err
		case reason != "":
			return target{}, obstacle{plan.HoldAtStripe, reason}, nil
		case onDraft.mode == plan.ModeRenewal:
			return onDraft, obstacle{}, nil
		}
		chosen = onDraft
	}
	if policy.BillNow || stripe.Time(running.CurrentPeriodEnd).Sub(p.Clock()) > longestWait {
		return chosen.atOnce(), obstacle{}, nil
	}
	return chosen, obstacle{}, nil
}

// findSubscription returns the known subscription, or if none is known, the customer's only running one.
func (p *Poster) findSubscription(ctx context.Context, customerID, known string) (*stripego.Subscription, error) {
	if known != "" {
		return p.subscriptionAt(ctx, known)
	}
	all, err := p.subscriptionsOf(ctx, customerID)
	if err != nil {
		return nil, err
	}
	var running []*stripego.Subscription
	for _, one := range all {
		if stripe.Usable(one) || stripe.HeldBy(one) != "" {
			running = append(running, one)
		}
	}
	if len(running) != 1 {
		return nil, nil
	}
	return running[0], nil
}

func (p *Poster) subscriptionsOf(ctx context.Context, customerID string) ([]*stripego.Subscription, error) {
	all, _, err := shared(ctx, p, "subscriptions of "+customerID,
		func(ctx context.Context) ([]*stripego.Subscription, error) {
			return p.stripe.Subscriptions(ctx, url.Values{"customer": {customerID}, "status": {"all"}})
		})
	return all, err
}

// subscriptionUsable says why a frozen charge cannot be posted on its subscription now; empty if it can.
// gone says that it never can.
func (p *Poster) subscriptionUsable(
	ctx context.Context, charge plan.FrozenCharge) (reason string, gone bool, err error,
) {
	found, err := p.subscriptionAt(ctx, charge.Target)
	switch {
	case stripe.Missing(err):
		return "Stripe has no subscription " + charge.Target, true, nil
	case err != nil:
		return "", false, err
	case stripe.Usable(found) && string(found.Currency) != charge.Currency:
		return fmt.Sprintf("subscription %s is in %s since the charge was frozen in %s",
			charge.Target, found.Currency, charge.Currency), true, nil
	case stripe.Usable(found):
		return "", false, nil
	}
	if reason := stripe.HeldBy(found); reason != "" {
		p.saw(found.ID, stripe.HoldOf(found))
		return reason, false, nil
	}
	return fmt.Sprintf("subscription %s is %s since the charge was frozen", charge.Target, found.Status), true, nil
}
