package main

import (
	"cmp"
	"context"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/sync"
	"github.com/creditmill/creditmill/schemas"
)

// Where Stripe sends a customer after Checkout, unless the config says otherwise.
const (
	defaultSuccessURL = "https://example.com/?checkout={CHECKOUT_SESSION_ID}"
	defaultCancelURL  = "https://example.com/"
)

// checkoutURL makes a Stripe Checkout session in which the customer subscribes to the product, and returns its link. A
// customer without a Stripe id gets one from Stripe when they pay.
func (a *app) checkoutURL(
	ctx context.Context, catalog *schemas.Catalog, customerID string, product schemas.Product,
) (string, error) {
	now := a.now()
	terms := product.At(now)
	if terms.Price == nil || terms.Price.StripePrice == "" {
		return "", usagef("make Checkout link for product %s: the catalog names no stripe_price for it", product.ID)
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return "", err
	}
	customers, err := subscription.StripeCustomers(ctx, w)
	if err != nil {
		return "", err
	}
	trial, err := subscription.TrialDays(ctx, w, customerID, product, now)
	if err != nil {
		return "", err
	}
	client, err := a.stripeClient(true, false)
	if err != nil {
		return "", err
	}
	return sync.Checkout(ctx, client, sync.CheckoutRequest{
		CustomerID: customerID, StripeCustomer: customers[customerID], Price: terms.Price.StripePrice,
		Beside: sync.Beside(catalog, product), TrialDays: trial,
		SuccessURL: cmp.Or(a.config.Stripe.SuccessURL, defaultSuccessURL),
		CancelURL:  cmp.Or(a.config.Stripe.CancelURL, defaultCancelURL),
	})
}
