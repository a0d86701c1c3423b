package invoice

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/aggregate/subscription"
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
func (p *poster) customer(ctx context.Context, id string) (*stripe.Customer, string, error) {
	params := &stripe.CustomerParams{}
	params.Context = ctx
	customer, err := p.stripe.api.Customers.Get(id, params)
	switch {
	case missing(err):
		p.saw(id, subscription.StripeGone)
		return nil, "Stripe has no customer " + id, nil
	case err != nil:
		return nil, "", explain("get customer "+id, err)
	case customer.ID != id:
		return nil, "", errIncomplete
	case customer.Deleted:
		p.saw(id, subscription.StripeGone)
		return nil, "Stripe customer " + id + " is deleted", nil
	case customer.Livemode != p.stripe.Livemode:
		return customer, fmt.Sprintf("Stripe customer %s has livemode %t", id, customer.Livemode), nil
	}
	if err := p.stripe.skew.check(); err != nil {
		return nil, "", err
	}
	return customer, "", nil
}

func missing(err error) bool {
	var failure *stripe.Error
	return errors.As(err, &failure) && failure.HTTPStatusCode == http.StatusNotFound
}

// choose decides how a charge reaches its customer, from Stripe's present state. A reason means that it is held.
func (p *poster) choose(ctx context.Context, charge Charge, known string, policy Policy) (target, string, error) {
	customer, reason, err := p.customer(ctx, charge.StripeCustomer)
	if err != nil || reason != "" {
		return target{}, reason, err
	}
	found, err := p.findSubscription(ctx, charge.StripeCustomer, known)
	if missing(err) {
		p.saw(known, subscription.StripeGone)
		return target{}, "Stripe has no subscription " + known, nil
	}
	if err != nil {
		return target{}, "", err
	}
	if found != nil {
		if reason := heldBy(found); reason != "" {
			p.saw(found.ID, holdOf(found))
			return target{}, reason, nil
		}
		if usable(found) && string(found.Currency) == charge.Currency {
			if !charge.split {
				return p.onSubscription(found, policy), "", nil
			}
		}
	}
	chosen := target{mode: ModeInvoice, collection: &collection{method: "charge_automatically"}}
	if policy.Draft {
		chosen.mode = ModeDraft
	}
	if hasMethod(customer) {
		return chosen, "", nil
	}
	if customer.Email == "" {
		all, err := p.subscriptionsOf(ctx, customer.ID)
		if err != nil {
			return target{}, "", err
		}
		p.saw(customer.ID, subscription.StripeNobody, running(all)...)
		return target{}, reachesNobody(customer.ID), nil
	}
	chosen.collection = &collection{method: "send_invoice", daysUntilDue: policy.DaysUntilDue}
	return chosen, "", nil
}

// longestWait is how far off a subscription's next invoice may be for overage to wait for it: that of a price that is
// paid monthly is never farther, and that of a yearly one is.
const longestWait = 35 * 24 * time.Hour

// onSubscription is an item on a running subscription: on its next invoice, or on one made at once.
func (p *poster) onSubscription(subscription *stripe.Subscription, policy Policy) target {
	chosen := target{
		mode: ModeSubscription, subscription: subscription.ID, byInvoice: collection{method: "charge_automatically"},
	}
	if subscription.CollectionMethod == stripe.SubscriptionCollectionMethodSendInvoice {
		chosen.byInvoice = collection{method: "send_invoice", daysUntilDue: policy.DaysUntilDue}
	}
	if policy.BillNow || stripeTime(subscription.CurrentPeriodEnd).Sub(p.clock()) > longestWait {
		return chosen.atOnce()
	}
	return chosen
}

// atOnce is a subscription's target with an invoice made at once, pending is one that leaves the item to an invoice
// that is made otherwise.
func (t target) atOnce() target {
	t.mode, t.collection = ModeBillNow, &t.byInvoice
	return t
}

func (t target) pending() target {
	t.mode, t.collection = ModeSubscription, nil
	return t
}

// findSubscription returns the known subscription, or if none is known, the customer's only running one.
func (p *poster) findSubscription(ctx context.Context, customerID, known string) (*stripe.Subscription, error) {
	if known != "" {
		return p.subscription(ctx, known)
	}
	all, err := p.subscriptionsOf(ctx, customerID)
	if err != nil {
		return nil, err
	}
	var running []*stripe.Subscription
	for _, subscription := range all {
		if usable(subscription) || heldBy(subscription) != "" {
			running = append(running, subscription)
		}
	}
	if len(running) != 1 {
		return nil, nil
	}
	return running[0], nil
}

func (p *poster) subscriptionsOf(ctx context.Context, customerID string) ([]*stripe.Subscription, error) {
	return p.stripe.subscriptions(ctx, url.Values{"customer": {customerID}, "status": {"all"}})
}

func (p *poster) subscription(ctx context.Context, id string) (*stripe.Subscription, error) {
	params := &stripe.SubscriptionParams{}
	params.Context = ctx
	subscription, err := p.stripe.api.Subscriptions.Get(id, params)
	if err != nil {
		if missing(err) {
			return nil, err
		}
		return nil, explain("get subscription "+id, err)
	}
	if subscription.ID != id || subscription.Status == "" {
		return nil, errIncomplete
	}
	return subscription, nil
}

// usable says whether a pending item on the subscription will be on an invoice.
func usable(subscription *stripe.Subscription) bool {
	switch subscription.Status {
	case stripe.SubscriptionStatusActive, stripe.SubscriptionStatusTrialing, stripe.SubscriptionStatusPastDue:
		return subscription.PauseCollection == nil || subscription.PauseCollection.Behavior == ""
	}
	return false
}

// holdOf says why a subscription keeps its customer's charges back: it is paused, unpaid or incomplete. A canceled one
// does not: the charge then goes on an invoice of its own.
func holdOf(subscription *stripe.Subscription) string {
	switch {
	case subscription.PauseCollection != nil && subscription.PauseCollection.Behavior != "":
		return string(stripe.SubscriptionStatusPaused)
	case subscription.Status == stripe.SubscriptionStatusUnpaid,
		subscription.Status == stripe.SubscriptionStatusIncomplete,
		subscription.Status == stripe.SubscriptionStatusPaused:
		return string(subscription.Status)
	}
	return ""
}

// heldBy is holdOf as a reason.
func heldBy(subscription *stripe.Subscription) string {
	hold := holdOf(subscription)
	if hold == "" {
		return ""
	}
	return "subscription " + subscription.ID + " is " + hold
}

// subscriptionUsable says why a frozen charge cannot be posted on its subscription now; empty if it can.
// gone says that it never can.
func (p *poster) subscriptionUsable(ctx context.Context, charge FrozenCharge) (reason string, gone bool, err error) {
	subscription, err := p.subscription(ctx, charge.Target)
	switch {
	case missing(err):
		return "Stripe has no subscription " + charge.Target, true, nil
	case err != nil:
		return "", false, err
	case usable(subscription) && string(subscription.Currency) != charge.Currency:
		return fmt.Sprintf("subscription %s is in %s since the charge was frozen in %s",
			charge.Target, subscription.Currency, charge.Currency), true, nil
	case usable(subscription):
		return "", false, nil
	}
	if reason := heldBy(subscription); reason != "" {
		p.saw(subscription.ID, holdOf(subscription))
		return reason, false, nil
	}
	return fmt.Sprintf("subscription %s is %s since the charge was frozen", charge.Target, subscription.Status), true, nil
}
