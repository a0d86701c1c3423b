package invoice

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// checkoutPaid is how far back paid sessions are looked through for a customer whose Stripe id no sync has brought yet.
const checkoutPaid = 7 * 24 * time.Hour

// sessions lists the Checkout sessions that were made here for a customer. Stripe has no filter by metadata; that by
// its customer would miss those made before the customer had a Stripe id, which can be paid all the same.
func (s *Stripe) sessions(
	ctx context.Context, customerID string, query url.Values,
) ([]*stripe.CheckoutSession, error) {
	all, err := listPages(ctx, s, "/v1/checkout/sessions", query,
		func() *stripe.CheckoutSessionList { return &stripe.CheckoutSessionList{} },
		func(l *stripe.CheckoutSessionList) (stripe.ListMeta, []*stripe.CheckoutSession) {
			return l.ListMeta, l.Data
		},
		func(session *stripe.CheckoutSession) string { return session.ID })
	if err != nil {
		return nil, fmt.Errorf("look for Checkout sessions of customer %s: %w", customerID, err)
	}
	own := []*stripe.CheckoutSession{}
	for _, session := range all {
		if session.Metadata[metadataCustomer] == customerID && session.Livemode == s.Livemode {
			own = append(own, session)
		}
	}
	return own, nil
}

// openSessions are those of the customer that can be paid, the newest first.
func (s *Stripe) openSessions(ctx context.Context, customerID string) ([]*stripe.CheckoutSession, error) {
	return s.sessions(ctx, customerID, url.Values{"status": {string(stripe.CheckoutSessionStatusOpen)}})
}

// paidSessions are those of the customer that were paid of late.
func (s *Stripe) paidSessions(ctx context.Context, customerID string) ([]*stripe.CheckoutSession, error) {
	return s.sessions(ctx, customerID, url.Values{
		"status":       {string(stripe.CheckoutSessionStatusComplete)},
		"created[gte]": {strconv.FormatInt(s.now().Add(-checkoutPaid).Unix(), 10)},
	})
}

func (s *Stripe) session(ctx context.Context, id string) (*stripe.CheckoutSession, error) {
	params := &stripe.CheckoutSessionParams{}
	params.Context = ctx
	session, err := s.api.CheckoutSessions.Get(id, params)
	if err != nil {
		return nil, explain("look at Checkout session "+id, err)
	}
	if session.ID != id {
		return nil, fmt.Errorf("look at Checkout session %s: Stripe answers another object", id)
	}
	return session, nil
}

// expireSessions ends sessions, so that none of them can be paid any more. What Stripe answers proves little: whether
// another run ended it, or the customer paid, is seen by a look at the session.
func (s *Stripe) expireSessions(
	ctx context.Context, request CheckoutRequest, sessions []*stripe.CheckoutSession,
) error {
	for _, session := range sessions {
		params := &stripe.CheckoutSessionExpireParams{}
		params.Context, _ = withSending(ctx, s.now())
		_, refused := s.api.CheckoutSessions.Expire(session.ID, params)
		present, err := s.session(ctx, session.ID)
		switch {
		case err != nil:
			return err
		case present.Status == stripe.CheckoutSessionStatusExpired:
		case present.Status == stripe.CheckoutSessionStatusComplete:
			return paidMeanwhile(request, present)
		case refused != nil:
			return explain("expire Checkout session "+session.ID, refused)
		default:
			return fmt.Errorf("expire Checkout session %s: it is still %q; expire it at Stripe and ask again",
				session.ID, present.Status)
		}
	}
	return nil
}

func paidMeanwhile(request CheckoutRequest, session *stripe.CheckoutSession) error {
	return fmt.Errorf("make Checkout session for customer %s: %w: session %s was paid meanwhile; "+
		"`creditmill sync` brings the subscription", request.CustomerID, ErrSubscribed, session.ID)
}

// refuseSubscribed looks for a subscription that runs: a second one would charge the base price twice.
func (s *Stripe) refuseSubscribed(ctx context.Context, request CheckoutRequest) error {
	customers := []string{request.StripeCustomer}
	if request.StripeCustomer == "" {
		paid, err := s.paidSessions(ctx, request.CustomerID)
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
		all, err := s.subscriptions(ctx, url.Values{"customer": {customer}, "status": {"all"}})
		if err != nil {
			return err
		}
		for _, subscription := range all {
			if usable(subscription) || heldBy(subscription) != "" {
				return fmt.Errorf("make Checkout session for customer %s: %w: %s is %s; "+
					"change it at Stripe, then run `creditmill sync`",
					request.CustomerID, ErrSubscribed, subscription.ID, subscription.Status)
			}
		}
	}
	return nil
}
