package sync

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/stripe"
)

// checkoutPaid is how far back paid sessions are looked through for a customer whose Stripe id no sync has brought yet.
const checkoutPaid = 7 * 24 * time.Hour

// sessions lists the Checkout sessions that were made here for a customer. Stripe has no filter by metadata; that by
// its customer would miss those made before the customer had a Stripe id, which can be paid all the same.
func (c checkout) sessions(ctx context.Context, query url.Values) ([]*stripego.CheckoutSession, error) {
	all, err := c.CheckoutSessions(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("look for Checkout sessions of customer %s: %w", c.request.CustomerID, err)
	}
	own := []*stripego.CheckoutSession{}
	for _, session := range all {
		if session.Metadata[stripe.MetadataCustomer] == c.request.CustomerID && session.Livemode == c.Livemode {
			own = append(own, session)
		}
	}
	return own, nil
}

// openSessions are those of the customer that can be paid, the newest first.
func (c checkout) openSessions(ctx context.Context) ([]*stripego.CheckoutSession, error) {
	return c.sessions(ctx, url.Values{"status": {string(stripego.CheckoutSessionStatusOpen)}})
}

// paidSessions are those of the customer that were paid of late.
func (c checkout) paidSessions(ctx context.Context) ([]*stripego.CheckoutSession, error) {
	return c.sessions(ctx, url.Values{
		"status":       {string(stripego.CheckoutSessionStatusComplete)},
		"created[gte]": {strconv.FormatInt(c.Now().Add(-checkoutPaid).Unix(), 10)},
	})
}

// expireSessions ends sessions, so that none of them can be paid any more. What Stripe answers proves little: whether
// another run ended it, or the customer paid, is seen by a look at the session.
func (c checkout) expireSessions(ctx context.Context, sessions []*stripego.CheckoutSession) error {
	for _, session := range sessions {
		sendCtx, _ := stripe.Announced(ctx, c.Now())
		refused := c.ExpireSession(sendCtx, session.ID)
		present, err := c.Session(ctx, session.ID)
		switch {
		case err != nil:
			return err
		case present.Status == stripego.CheckoutSessionStatusExpired:
		case present.Status == stripego.CheckoutSessionStatusComplete:
			return c.paidMeanwhile(present)
		case refused != nil:
			return refused
		default:
			return fmt.Errorf("expire Checkout session %s: it is still %q; expire it at Stripe and ask again",
				session.ID, present.Status)
		}
	}
	return nil
}

func (c checkout) paidMeanwhile(session *stripego.CheckoutSession) error {
	return fmt.Errorf("make Checkout session for customer %s: %w: session %s was paid meanwhile; "+
		"`creditmill sync` brings the subscription", c.request.CustomerID, errSubscribed, session.ID)
}

// refuseSubscribed looks for a subscription that runs: a second one would charge the base price twice.
func (c checkout) refuseSubscribed(ctx context.Context) error {
	customers := []string{c.request.StripeCustomer}
	if c.request.StripeCustomer == "" {
		paid, err := c.paidSessions(ctx)
		if err != nil {
			return err
		}
		customers = nil
		for _, session := range paid {
			if session.Customer != nil {
				customers = append(customers, session.Customer.ID)
			}
		}
	}
	for _, customer := range customers {
		all, err := c.Subscriptions(ctx, url.Values{"customer": {customer}, "status": {"all"}})
		if err != nil {
			return err
		}
		for _, subscription := range all {
			if c.request.isBeside(subscription) {
				continue
			}
			if stripe.Usable(subscription) || stripe.HeldBy(subscription) != "" {
				return fmt.Errorf("make Checkout session for customer %s: %w: %s is %s; "+
					"change it at Stripe, then run `creditmill sync`",
					c.request.CustomerID, errSubscribed, subscription.ID, subscription.Status)
			}
		}
	}
	return nil
}
