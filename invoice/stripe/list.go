package stripe

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"
)

// ErrIncomplete is returned when a list cannot be trusted to be whole. Absence is concluded from whole lists only.
var ErrIncomplete = errors.New("the list that Stripe answers is not whole")

// maxPages bounds a list that never ends; a customer has not that many items.
const maxPages = 10_000

// listPages reads all pages of a list. stripe-go's iterators are not used: they take {} for an empty list, and an empty
// page that has more for its end.
func listPages[T any, L stripe.LastResponseSetter](ctx context.Context, s *Client, path string, query url.Values,
	newPage func() L, open func(L) (stripe.ListMeta, []T), id func(T) string,
) ([]T, error) {
	var all []T
	after := ""
	for range maxPages {
		values := &form.Values{}
		values.Add("limit", "100")
		for name := range query {
			values.Add(name, query.Get(name))
		}
		if after != "" {
			values.Add("starting_after", after)
		}
		page := newPage()
		backend := s.api.InvoiceItems.B
		if err := backend.CallRaw(http.MethodGet, path, s.key, values, &stripe.Params{Context: ctx}, page); err != nil {
			return nil, Explain("list "+path, err)
		}
		meta, data := open(page)
		if meta.URL == "" || meta.HasMore && len(data) == 0 {
			return nil, ErrIncomplete
		}
		for _, object := range data {
			if id(object) == "" {
				return nil, ErrIncomplete
			}
		}
		all = append(all, data...)
		if !meta.HasMore {
			return all, nil
		}
		after = id(data[len(data)-1])
	}
	return nil, ErrIncomplete
}

// InvoiceItems lists the items that a query asks for, all pages.
func (s *Client) InvoiceItems(ctx context.Context, query url.Values) ([]*stripe.InvoiceItem, error) {
	return listPages(ctx, s, "/v1/invoiceitems", query,
		func() *stripe.InvoiceItemList { return &stripe.InvoiceItemList{} },
		func(l *stripe.InvoiceItemList) (stripe.ListMeta, []*stripe.InvoiceItem) { return l.ListMeta, l.Data },
		func(item *stripe.InvoiceItem) string { return item.ID })
}

// Invoices lists the invoices that a query asks for, all pages.
func (s *Client) Invoices(ctx context.Context, query url.Values) ([]*stripe.Invoice, error) {
	all, err := listPages(ctx, s, "/v1/invoices", query,
		func() *stripe.InvoiceList { return &stripe.InvoiceList{} },
		func(l *stripe.InvoiceList) (stripe.ListMeta, []*stripe.Invoice) { return l.ListMeta, l.Data },
		func(invoice *stripe.Invoice) string { return invoice.ID })
	return eachWhole(all, err, wholeInvoice)
}

// InvoiceLines lists the lines of an invoice, all pages.
func (s *Client) InvoiceLines(ctx context.Context, invoiceID string) ([]*stripe.InvoiceLineItem, error) {
	return listPages(ctx, s, stripe.FormatURLPath("/v1/invoices/%s/lines", invoiceID), nil,
		func() *stripe.InvoiceLineItemList { return &stripe.InvoiceLineItemList{} },
		func(l *stripe.InvoiceLineItemList) (stripe.ListMeta, []*stripe.InvoiceLineItem) {
			return l.ListMeta, l.Data
		},
		func(line *stripe.InvoiceLineItem) string { return line.ID })
}

// CreditNotes lists the credit notes that a query asks for, all pages, as items of a negative amount.
func (s *Client) CreditNotes(ctx context.Context, query url.Values) ([]*stripe.InvoiceItem, error) {
	notes, err := listPages(ctx, s, "/v1/credit_notes", query,
		func() *stripe.CreditNoteList { return &stripe.CreditNoteList{} },
		func(l *stripe.CreditNoteList) (stripe.ListMeta, []*stripe.CreditNote) { return l.ListMeta, l.Data },
		func(note *stripe.CreditNote) string { return note.ID })
	items := make([]*stripe.InvoiceItem, 0, len(notes))
	for _, note := range notes {
		items = append(items, CreditItem(note))
	}
	return items, err
}

// CreditItem is a credit note as an item of a negative amount, on the invoice that it is written on. A void one takes
// nothing off.
func CreditItem(note *stripe.CreditNote) *stripe.InvoiceItem {
	item := &stripe.InvoiceItem{
		ID: note.ID, Amount: -note.Amount, Currency: note.Currency, Customer: note.Customer, Invoice: note.Invoice,
		Metadata: note.Metadata, Livemode: note.Livemode, Date: note.Created,
	}
	if note.Status == stripe.CreditNoteStatusVoid {
		item.Amount = 0
	}
	return item
}

// Subscriptions lists the subscriptions that a query asks for, all pages.
func (s *Client) Subscriptions(ctx context.Context, query url.Values) ([]*stripe.Subscription, error) {
	all, err := listPages(ctx, s, "/v1/subscriptions", query,
		func() *stripe.SubscriptionList { return &stripe.SubscriptionList{} },
		func(l *stripe.SubscriptionList) (stripe.ListMeta, []*stripe.Subscription) { return l.ListMeta, l.Data },
		func(subscription *stripe.Subscription) string { return subscription.ID })
	return eachWhole(all, err, wholeSubscription)
}

// Customers lists the customers of the account, all pages.
func (s *Client) Customers(ctx context.Context) ([]*stripe.Customer, error) {
	return listPages(ctx, s, "/v1/customers", nil,
		func() *stripe.CustomerList { return &stripe.CustomerList{} },
		func(l *stripe.CustomerList) (stripe.ListMeta, []*stripe.Customer) { return l.ListMeta, l.Data },
		func(customer *stripe.Customer) string { return customer.ID })
}

// SubscriptionItems lists the items of a subscription, all pages.
func (s *Client) SubscriptionItems(ctx context.Context, id string) ([]*stripe.SubscriptionItem, error) {
	return listPages(ctx, s, "/v1/subscription_items", url.Values{"subscription": {id}},
		func() *stripe.SubscriptionItemList { return &stripe.SubscriptionItemList{} },
		func(l *stripe.SubscriptionItemList) (stripe.ListMeta, []*stripe.SubscriptionItem) {
			return l.ListMeta, l.Data
		},
		func(item *stripe.SubscriptionItem) string { return item.ID })
}

// CheckoutSessions lists the Checkout sessions that a query asks for, all pages.
func (s *Client) CheckoutSessions(ctx context.Context, query url.Values) ([]*stripe.CheckoutSession, error) {
	return listPages(ctx, s, "/v1/checkout/sessions", query,
		func() *stripe.CheckoutSessionList { return &stripe.CheckoutSessionList{} },
		func(l *stripe.CheckoutSessionList) (stripe.ListMeta, []*stripe.CheckoutSession) {
			return l.ListMeta, l.Data
		},
		func(session *stripe.CheckoutSession) string { return session.ID })
}

// SubscriptionSchedules lists the schedules of the account, all pages.
func (s *Client) SubscriptionSchedules(ctx context.Context) ([]*stripe.SubscriptionSchedule, error) {
	return listPages(ctx, s, "/v1/subscription_schedules", nil,
		func() *stripe.SubscriptionScheduleList { return &stripe.SubscriptionScheduleList{} },
		func(l *stripe.SubscriptionScheduleList) (stripe.ListMeta, []*stripe.SubscriptionSchedule) {
			return l.ListMeta, l.Data
		},
		func(schedule *stripe.SubscriptionSchedule) string { return schedule.ID })
}
