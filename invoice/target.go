package invoice

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

// target is how a charge will reach its customer.
type target struct {
	mode         string
	subscription string
	collection   *collection
	// byInvoice is how an invoice of the subscription is paid, should one be made at once.
	byInvoice collection
}

// collection is how an invoice of its own is paid.
type collection struct {
	method       string
	daysUntilDue int64
}

// customer reads a Stripe customer, and says why nothing can be posted for it; nil with a reason if it is gone.
func (p *poster) customer(ctx context.Context, id string) (*stripego.Customer, string, error) {
	customer, err := p.stripe.Customer(ctx, id)
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

// choose decides how a charge reaches its customer, from Stripe's present state. A reason means that it is held.
func (p *poster) choose(ctx context.Context, charge plan.Charge, known string, policy Policy) (target, string, error) {
	customer, reason, err := p.customer(ctx, charge.StripeCustomer)
	if err != nil || reason != "" {
		return target{}, reason, err
	}
	found, err := p.findSubscription(ctx, charge.StripeCustomer, known)
	if stripe.Missing(err) {
		p.saw(known, subscription.StripeGone)
		return target{}, "Stripe has no subscription " + known, nil
	}
	if err != nil {
		return target{}, "", err
	}
	if found != nil {
		if reason := stripe.HeldBy(found); reason != "" {
			p.saw(found.ID, stripe.HoldOf(found))
			return target{}, reason, nil
		}
		if stripe.Usable(found) && string(found.Currency) == charge.Currency {
			if !charge.Split {
				return p.onSubscription(found, policy), "", nil
			}
		}
	}
	chosen := target{mode: plan.ModeInvoice, collection: &collection{method: "charge_automatically"}}
	if policy.Draft {
		chosen.mode = plan.ModeDraft
	}
	if stripe.HasMethod(customer) {
		return chosen, "", nil
	}
	if customer.Email == "" {
		all, err := p.subscriptionsOf(ctx, customer.ID)
		if err != nil {
			return target{}, "", err
		}
		p.saw(customer.ID, subscription.StripeNobody, stripe.Running(all)...)
		return target{}, plan.ReachesNobody(customer.ID), nil
	}
	chosen.collection = &collection{method: "send_invoice", daysUntilDue: policy.DaysUntilDue}
	return chosen, "", nil
}

// longestWait is how far off a subscription's next invoice may be for overage to wait for it: that of a price that is
// paid monthly is never farther, and that of a yearly one is.
const longestWait = 35 * 24 * time.Hour

// onSubscription is an item on a running subscription: on its next invoice, or on one made at once.
func (p *poster) onSubscription(subscription *stripego.Subscription, policy Policy) target {
	chosen := target{
		mode: plan.ModeSubscription, subscription: subscription.ID, byInvoice: collection{method: "charge_automatically"},
	}
	if subscription.CollectionMethod == stripego.SubscriptionCollectionMethodSendInvoice {
		chosen.byInvoice = collection{method: "send_invoice", daysUntilDue: policy.DaysUntilDue}
	}
	if policy.BillNow || stripe.Time(subscription.CurrentPeriodEnd).Sub(p.clock()) > longestWait {
		return chosen.atOnce()
	}
	return chosen
}

// atOnce is a subscription's target with an invoice made at once, pending is one that leaves the item to an invoice
// that is made otherwise.
func (t target) atOnce() target {
	t.mode, t.collection = plan.ModeBillNow, &t.byInvoice
	return t
}

func (t target) pending() target {
	t.mode, t.collection = plan.ModeSubscription, nil
	return t
}

// findSubscription returns the known subscription, or if none is known, the customer's only running one.
func (p *poster) findSubscription(ctx context.Context, customerID, known string) (*stripego.Subscription, error) {
	if known != "" {
		return p.stripe.Subscription(ctx, known)
	}
	all, err := p.subscriptionsOf(ctx, customerID)
	if err != nil {
		return nil, err
	}
	var running []*stripego.Subscription
	for _, subscription := range all {
		if stripe.Usable(subscription) || stripe.HeldBy(subscription) != "" {
			running = append(running, subscription)
		}
	}
	if len(running) != 1 {
		return nil, nil
	}
	return running[0], nil
}

func (p *poster) subscriptionsOf(ctx context.Context, customerID string) ([]*stripego.Subscription, error) {
	return p.stripe.Subscriptions(ctx, url.Values{"customer": {customerID}, "status": {"all"}})
}

// subscriptionUsable says why a frozen charge cannot be posted on its subscription now; empty if it can.
// gone says that it never can.
func (p *poster) subscriptionUsable(
	ctx context.Context, charge plan.FrozenCharge) (reason string, gone bool, err error,
) {
	subscription, err := p.stripe.Subscription(ctx, charge.Target)
	switch {
	case stripe.Missing(err):
		return "Stripe has no subscription " + charge.Target, true, nil
	case err != nil:
		return "", false, err
	case stripe.Usable(subscription) && string(subscription.Currency) != charge.Currency:
		return fmt.Sprintf("subscription %s is in %s since the charge was frozen in %s",
			charge.Target, subscription.Currency, charge.Currency), true, nil
	case stripe.Usable(subscription):
		return "", false, nil
	}
	if reason := stripe.HeldBy(subscription); reason != "" {
		p.saw(subscription.ID, stripe.HoldOf(subscription))
		return reason, false, nil
	}
	return fmt.Sprintf("subscription %s is %s since the charge was frozen", charge.Target, subscription.Status), true, nil
}
