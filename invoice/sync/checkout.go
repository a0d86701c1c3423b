package sync

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/stripe"
)

const (
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
// are expired first. errSubscribed says that the customer pays already, or has paid at an earlier link meanwhile.
func Checkout(ctx context.Context, client *stripe.Client, request CheckoutRequest) (string, error) {
	return checkout{client, request}.link(ctx)
}

func (c checkout) link(ctx context.Context) (string, error) {
	if c.request.TrialDays > maxTrialDays {
		return "", fmt.Errorf("make Checkout session: Stripe gives a trial of at most %d days, the product has one of %d",
			maxTrialDays, c.request.TrialDays)
	}
	// The sessions before the subscriptions: what is paid in between is seen as one or the other.
	open, err := c.openSessions(ctx)
	if err != nil {
		return "", err
	}
	if err := c.refuseSubscribed(ctx); err != nil {
		return "", err
	}
	now := c.Now()
	for i, session := range open {
		lasts := session.URL != "" && session.ExpiresAt >= now.Add(checkoutLeast).Unix()
		if lasts && session.Metadata[stripe.MetadataOffer] == c.request.offer() {
			if err := c.expireSessions(ctx, slices.Delete(open, i, i+1)); err != nil {
				return "", err
			}
			return session.URL, nil
		}
	}
	if err := c.expireSessions(ctx, open); err != nil {
		return "", err
	}
	made, err := c.makeSession(ctx, now)
	if err != nil {
		return "", err
	}
	return c.onlySession(ctx, made)
}

// makeSession makes a session, or finds the one that somebody made under the same key at the same time. A key replays
// its first answer though the session has ended since; the next is under another key then.
func (c checkout) makeSession(ctx context.Context, now time.Time) (*stripego.CheckoutSession, error) {
	bucket := now.Truncate(checkoutBucket)
	for number := range maxCheckouts {
		key := "upg:" + c.request.offer() + ":" + strconv.FormatInt(bucket.Unix(), 10) + ":" + strconv.Itoa(number)
		sendCtx, _ := stripe.Announced(ctx, now)
		made, err := c.NewSession(sendCtx, key, c.request.params(bucket))
		if err != nil {
			return nil, stripe.Explain("make Checkout session", err)
		}
		if made.ID == "" || made.URL == "" || made.Livemode != c.Livemode {
			return nil, fmt.Errorf("make Checkout session: Stripe's answer holds no link; try again in ten minutes")
		}
		present, err := c.Session(ctx, made.ID)
		if err != nil {
			return nil, err
		}
		switch present.Status {
		case stripego.CheckoutSessionStatusOpen:
			return present, nil
		case stripego.CheckoutSessionStatusComplete:
			return nil, c.paidMeanwhile(present)
		}
	}
	return nil, fmt.Errorf("make Checkout session for customer %s: %d were made and expired within ten minutes; "+
		"try again in ten minutes", c.request.CustomerID, maxCheckouts)
}

// onlySession looks once more: links that others asked for at the same time may be open, too. The newest stays.
func (c checkout) onlySession(ctx context.Context, made *stripego.CheckoutSession) (string, error) {
	open, err := c.openSessions(ctx)
	if err != nil {
		return "", err
	}
	newest := made
	for _, session := range open {
		if cmp.Or(cmp.Compare(session.Created, newest.Created), cmp.Compare(session.ID, newest.ID)) > 0 {
			newest = session
		}
	}
	others := slices.DeleteFunc(open, func(session *stripego.CheckoutSession) bool { return session.ID == newest.ID })
	if err := c.expireSessions(ctx, others); err != nil {
		return "", err
	}
	if newest.Metadata[stripe.MetadataOffer] != c.request.offer() {
		return "", fmt.Errorf("make Checkout session for customer %s: a link to something else was asked for at the "+
			"same time, and stays; ask again to replace it", c.request.CustomerID)
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
func (r CheckoutRequest) params(bucket time.Time) *stripego.CheckoutSessionParams {
	expires := bucket.Add(checkoutBucket + checkoutOpen).Unix()
	params := &stripego.CheckoutSessionParams{
		Mode:       stripego.String(string(stripego.CheckoutSessionModeSubscription)),
		LineItems:  []*stripego.CheckoutSessionLineItemParams{{Price: &r.Price, Quantity: stripego.Int64(1)}},
		SuccessURL: &r.SuccessURL, CancelURL: &r.CancelURL, ExpiresAt: &expires,
		SubscriptionData: &stripego.CheckoutSessionSubscriptionDataParams{
			Metadata: map[string]string{stripe.MetadataCustomer: r.CustomerID},
		},
	}
	params.AddMetadata(stripe.MetadataCustomer, r.CustomerID)
	params.AddMetadata(stripe.MetadataOffer, r.offer())
	if r.StripeCustomer != "" {
		params.Customer = &r.StripeCustomer
	}
	if r.TrialDays > 0 {
		params.SubscriptionData.TrialPeriodDays = stripego.Int64(int64(r.TrialDays))
	}
	if len(r.CustomerID) <= maxReference {
		params.ClientReferenceID = &r.CustomerID
	}
	return params
}
