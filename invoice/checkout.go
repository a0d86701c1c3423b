package invoice

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
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
	// checkoutBucket: links asked for within it are the same session, so that a double click makes one.
	checkoutBucket = 10 * time.Minute
	checkoutOpen   = time.Hour
	// maxReference is the length of client_reference_id that Stripe takes.
	maxReference = 200
	// maxTrialDays is the longest trial that Stripe takes.
	maxTrialDays = 730
)

// Checkout makes a Checkout session and returns its URL. Nothing is charged before the customer pays there.
func (s *Stripe) Checkout(ctx context.Context, request CheckoutRequest) (string, error) {
	now := s.now()
	if request.TrialDays > maxTrialDays {
		return "", fmt.Errorf("make Checkout session: Stripe gives a trial of at most %d days, the product has one of %d",
			maxTrialDays, request.TrialDays)
	}
	if request.StripeCustomer != "" {
		if err := s.refuseSubscribed(ctx, request); err != nil {
			return "", err
		}
	}
	bucket := now.Truncate(checkoutBucket)
	// The expiry is of the bucket, not of now: all parameters are the same under one key.
	expires := bucket.Add(checkoutBucket + checkoutOpen).Unix()
	params := &stripe.CheckoutSessionParams{
		Mode:       stripe.String(string(stripe.CheckoutSessionModeSubscription)),
		LineItems:  []*stripe.CheckoutSessionLineItemParams{{Price: &request.Price, Quantity: stripe.Int64(1)}},
		SuccessURL: &request.SuccessURL, CancelURL: &request.CancelURL, ExpiresAt: &expires,
		SubscriptionData: &stripe.CheckoutSessionSubscriptionDataParams{
			Metadata: map[string]string{metadataCustomer: request.CustomerID},
		},
	}
	params.AddMetadata(metadataCustomer, request.CustomerID)
	if request.StripeCustomer != "" {
		params.Customer = &request.StripeCustomer
	}
	if request.TrialDays > 0 {
		params.SubscriptionData.TrialPeriodDays = stripe.Int64(int64(request.TrialDays))
	}
	if len(request.CustomerID) <= maxReference {
		params.ClientReferenceID = &request.CustomerID
	}
	identity := sha256.Sum256([]byte(strconv.Itoa(len(request.CustomerID)) + ":" + request.CustomerID + request.Price +
		request.StripeCustomer + request.SuccessURL + request.CancelURL + ":" + strconv.Itoa(request.TrialDays)))
	params.SetIdempotencyKey("upg:" + hex.EncodeToString(identity[:20]) + ":" + strconv.FormatInt(bucket.Unix(), 10))
	sendCtx, _ := withSending(ctx, now)
	params.Context = sendCtx
	session, err := s.api.CheckoutSessions.New(params)
	if err != nil {
		return "", explain("make Checkout session", err)
	}
	if session.ID == "" || session.URL == "" || session.Livemode != s.Livemode {
		return "", fmt.Errorf("make Checkout session: Stripe's answer holds no link; try again in ten minutes")
	}
	return session.URL, nil
}

// refuseSubscribed looks for a subscription that runs: a second one would charge the base price twice.
func (s *Stripe) refuseSubscribed(ctx context.Context, request CheckoutRequest) error {
	all, err := s.subscriptions(ctx, url.Values{"customer": {request.StripeCustomer}, "status": {"all"}})
	if err != nil {
		return err
	}
	for _, subscription := range all {
		if usable(subscription) || heldBy(subscription) != "" {
			return fmt.Errorf("make Checkout session for customer %s: %w: %s is %s",
				request.CustomerID, ErrSubscribed, subscription.ID, subscription.Status)
		}
	}
	return nil
}
