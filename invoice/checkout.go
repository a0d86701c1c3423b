package invoice

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// ErrSubscribed is returned when a customer who asks for a Checkout link already pays for a subscription.
var ErrSubscribed = errors.New("the customer has a running subscription")

// CheckoutRequest asks for a link at which a customer subscribes to a product.
type CheckoutRequest struct {
	CustomerID string
	// StripeCustomer may be empty: Stripe then makes the customer when the session is paid, and its id comes back with the
	// subscription, whose metadata names CustomerID.
	StripeCustomer string
	// Price is the Stripe id of the product's price.
	Price string
	// TrialDays is the trial that the subscription begins with; 0: none.
	TrialDays int
	// SuccessURL and CancelURL are where Stripe sends the customer afterwards.
	SuccessURL, CancelURL string
}

const (
	metadataCustomer = "creditmill_customer"
	// metadataOffer tells a session's offer from others: what the customer pays for, and on which terms.
	metadataOffer = "creditmill_offer"
	// checkoutBucket: links asked for within it have one key, so that a double click makes one session.
	checkoutBucket = 10 * time.Minute
	checkoutOpen   = time.Hour
	// checkoutLeast is how long a link that is given out again is good for at least.
	checkoutLeast = 10 * time.Minute
	// maxCheckouts bounds the sessions that are made under keys of one bucket, each after the one before has ended.
	maxCheckouts = 20
	// maxReference is the length of client_reference_id that Stripe takes.
	maxReference = 200
	// maxTrialDays is the longest trial that Stripe takes.
	maxTrialDays = 730
)

// Checkout returns the URL of a Checkout session. Nothing is charged before the customer pays there.
//
// A customer has one link that can be paid at a time: one that is open for the same offer is given again, all others
// are expired first. ErrSubscribed says that the customer pays already, or has paid at an earlier link meanwhile.
func (s *Stripe) Checkout(ctx context.Context, request CheckoutRequest) (string, error) {
	if request.TrialDays > maxTrialDays {
		return "", fmt.Errorf("make Checkout session: Stripe gives a trial of at most %d days, the product has one of %d",
			maxTrialDays, request.TrialDays)
	}
	// The sessions before the subscriptions: what is paid in between is seen as one or the other.
	open, err := s.openSessions(ctx, request.CustomerID)
	if err != nil {
		return "", err
	}
	if err := s.refuseSubscribed(ctx, request); err != nil {
		return "", err
	}
	now := s.now()
	for i, session := range open {
		lasts := session.URL != "" && session.ExpiresAt >= now.Add(checkoutLeast).Unix()
		if lasts && session.Metadata[metadataOffer] == request.offer() {
			if err := s.expireSessions(ctx, request, slices.Delete(open, i, i+1)); err != nil {
				return "", err
			}
			return session.URL, nil
		}
	}
	if err := s.expireSessions(ctx, request, open); err != nil {
		return "", err
	}
	made, err := s.makeSession(ctx, request, now)
	if err != nil {
		return "", err
	}
	return s.onlySession(ctx, request, made)
}

// makeSession makes a session, or finds the one that somebody made under the same key at the same time. A key replays
// its first answer though the session has ended since; the next is under another key then.
func (s *Stripe) makeSession(
	ctx context.Context, request CheckoutRequest, now time.Time,
) (*stripe.CheckoutSession, error) {
	bucket := now.Truncate(checkoutBucket)
	for number := range maxCheckouts {
		params := request.params(bucket)
		params.SetIdempotencyKey("upg:" + request.offer() + ":" + strconv.FormatInt(bucket.Unix(), 10) + ":" +
			strconv.Itoa(number))
		params.Context, _ = withSending(ctx, now)
		made, err := s.api.CheckoutSessions.New(params)
		if err != nil {
			return nil, explain("make Checkout session", err)
		}
		if made.ID == "" || made.URL == "" || made.Livemode != s.Livemode {
			return nil, fmt.Errorf("make Checkout session: Stripe's answer holds no link; try again in ten minutes")
		}
		present, err := s.session(ctx, made.ID)
		if err != nil {
			return nil, err
		}
		switch present.Status {
		case stripe.CheckoutSessionStatusOpen:
			return present, nil
		case stripe.CheckoutSessionStatusComplete:
			return nil, paidMeanwhile(request, present)
		}
	}
	return nil, fmt.Errorf("make Checkout session for customer %s: %d were made and expired within ten minutes; "+
		"try again in ten minutes", request.CustomerID, maxCheckouts)
}

// onlySession looks once more: links that others asked for at the same time may be open, too. The newest stays.
func (s *Stripe) onlySession(
	ctx context.Context, request CheckoutRequest, made *stripe.CheckoutSession,
) (string, error) {
	open, err := s.openSessions(ctx, request.CustomerID)
	if err != nil {
		return "", err
	}
	newest := made
	for _, session := range open {
		if cmp.Or(cmp.Compare(session.Created, newest.Created), cmp.Compare(session.ID, newest.ID)) > 0 {
			newest = session
		}
	}
	others := slices.DeleteFunc(open, func(session *stripe.CheckoutSession) bool { return session.ID == newest.ID })
	if err := s.expireSessions(ctx, request, others); err != nil {
		return "", err
	}
	if newest.Metadata[metadataOffer] != request.offer() {
		return "", fmt.Errorf("make Checkout session for customer %s: a link to something else was asked for at the "+
			"same time, and stays; ask again to replace it", request.CustomerID)
	}
	return newest.URL, nil
}

// offer identifies what a link offers; it is part of the key, and of the session's metadata.
func (r CheckoutRequest) offer() string {
	identity := sha256.Sum256([]byte(strconv.Itoa(len(r.CustomerID)) + ":" + r.CustomerID + r.Price +
		r.StripeCustomer + r.SuccessURL + r.CancelURL + ":" + strconv.Itoa(r.TrialDays)))
	return hex.EncodeToString(identity[:20])
}

// params are the same for all who ask within a bucket: the expiry is of the bucket, not of now.
func (r CheckoutRequest) params(bucket time.Time) *stripe.CheckoutSessionParams {
	expires := bucket.Add(checkoutBucket + checkoutOpen).Unix()
	params := &stripe.CheckoutSessionParams{
		Mode:       stripe.String(string(stripe.CheckoutSessionModeSubscription)),
		LineItems:  []*stripe.CheckoutSessionLineItemParams{{Price: &r.Price, Quantity: stripe.Int64(1)}},
		SuccessURL: &r.SuccessURL, CancelURL: &r.CancelURL, ExpiresAt: &expires,
		SubscriptionData: &stripe.CheckoutSessionSubscriptionDataParams{
			Metadata: map[string]string{metadataCustomer: r.CustomerID},
		},
	}
	params.AddMetadata(metadataCustomer, r.CustomerID)
	params.AddMetadata(metadataOffer, r.offer())
	if r.StripeCustomer != "" {
		params.Customer = &r.StripeCustomer
	}
	if r.TrialDays > 0 {
		params.SubscriptionData.TrialPeriodDays = stripe.Int64(int64(r.TrialDays))
	}
	if len(r.CustomerID) <= maxReference {
		params.ClientReferenceID = &r.CustomerID
	}
	return params
}
