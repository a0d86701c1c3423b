package stripe

import (
	"context"
	"fmt"
	"net/http"

	"github.com/stripe/stripe-go/v76"
)

// Reads answer the object that was asked for, whole, or an error; Missing tells the one for what is not there.

// Customer reads a customer; one that was deleted says so.
func (s *Client) Customer(ctx context.Context, id string) (*stripe.Customer, error) {
	params := &stripe.CustomerParams{}
	params.Context = ctx
	customer, err := s.api.Customers.Get(id, params)
	if err != nil {
		return nil, Explain("get customer "+id, err)
	}
	if customer.ID != id {
		return nil, ErrIncomplete
	}
	return customer, nil
}

// Subscription reads a subscription.
func (s *Client) Subscription(ctx context.Context, id string) (*stripe.Subscription, error) {
	params := &stripe.SubscriptionParams{}
	params.Context = ctx
	subscription, err := s.api.Subscriptions.Get(id, params)
	if err != nil {
		return nil, Explain("get subscription "+id, err)
	}
	if subscription.ID != id || subscription.Status == "" {
		return nil, ErrIncomplete
	}
	if err := wholeSubscription(subscription); err != nil {
		return nil, err
	}
	return subscription, nil
}

// Invoice reads an invoice.
func (s *Client) Invoice(ctx context.Context, id string) (*stripe.Invoice, error) {
	params := &stripe.InvoiceParams{}
	params.Context = ctx
	invoice, err := s.api.Invoices.Get(id, params)
	if err != nil {
		return nil, Explain("get invoice "+id, err)
	}
	if invoice.ID != id || invoice.Status == "" {
		return nil, ErrIncomplete
	}
	if err := wholeInvoice(invoice); err != nil {
		return nil, err
	}
	return invoice, nil
}

// InvoiceItem reads an item. One that was deleted is missing.
func (s *Client) InvoiceItem(ctx context.Context, id string) (*stripe.InvoiceItem, error) {
	params := &stripe.InvoiceItemParams{}
	params.Context = ctx
	item, err := s.api.InvoiceItems.Get(id, params)
	switch {
	case err != nil:
		return nil, Explain("get item "+id, err)
	case item.ID != id || item.Customer == nil:
		return nil, ErrIncomplete
	case item.Deleted:
		return nil, Explain("get item "+id, &stripe.Error{HTTPStatusCode: http.StatusNotFound, Msg: "it is deleted"})
	}
	return item, nil
}

// Session reads a Checkout session.
func (s *Client) Session(ctx context.Context, id string) (*stripe.CheckoutSession, error) {
	params := &stripe.CheckoutSessionParams{}
	params.Context = ctx
	session, err := s.api.CheckoutSessions.Get(id, params)
	if err != nil {
		return nil, Explain("look at Checkout session "+id, err)
	}
	if session.ID != id {
		return nil, fmt.Errorf("look at Checkout session %s: Stripe answers another object", id)
	}
	return session, nil
}

// Writes pass only under a context of Announced. Those with a key return stripe-go's error as it is: what it proves
// is for the caller to say.

// NewInvoiceItem makes an item under a key.
func (s *Client) NewInvoiceItem(
	ctx context.Context, key string, params *stripe.InvoiceItemParams,
) (*stripe.InvoiceItem, error) {
	params.Context = ctx
	params.SetIdempotencyKey(key)
	return s.api.InvoiceItems.New(params)
}

// NewInvoice makes a draft under a key.
func (s *Client) NewInvoice(ctx context.Context, key string, params *stripe.InvoiceParams) (*stripe.Invoice, error) {
	params.Context = ctx
	params.SetIdempotencyKey(key)
	return s.api.Invoices.New(params)
}

// FinalizeInvoice makes a draft final and lets Stripe collect it.
func (s *Client) FinalizeInvoice(ctx context.Context, key, id string) (*stripe.Invoice, error) {
	params := &stripe.InvoiceFinalizeInvoiceParams{AutoAdvance: stripe.Bool(true)}
	params.Context = ctx
	params.SetIdempotencyKey(key)
	return s.api.Invoices.FinalizeInvoice(id, params)
}

// NewCreditNote writes a credit note under a key.
func (s *Client) NewCreditNote(
	ctx context.Context, key string, params *stripe.CreditNoteParams,
) (*stripe.CreditNote, error) {
	params.Context = ctx
	params.SetIdempotencyKey(key)
	return s.api.CreditNotes.New(params)
}

// DeleteInvoiceItem deletes an item.
func (s *Client) DeleteInvoiceItem(ctx context.Context, id string) error {
	params := &stripe.InvoiceItemParams{}
	params.Context = ctx
	if _, err := s.api.InvoiceItems.Del(id, params); err != nil {
		return Explain("delete item "+id, err)
	}
	return nil
}

// NewSession makes a Checkout session under a key.
func (s *Client) NewSession(
	ctx context.Context, key string, params *stripe.CheckoutSessionParams,
) (*stripe.CheckoutSession, error) {
	params.Context = ctx
	params.SetIdempotencyKey(key)
	return s.api.CheckoutSessions.New(params)
}

// ExpireSession ends a session that can be paid. Whether it worked is told by a look at it.
func (s *Client) ExpireSession(ctx context.Context, id string) error {
	params := &stripe.CheckoutSessionExpireParams{}
	params.Context = ctx
	if _, err := s.api.CheckoutSessions.Expire(id, params); err != nil {
		return Explain("expire Checkout session "+id, err)
	}
	return nil
}
