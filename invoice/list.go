package invoice

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"
)

// errIncomplete is returned when a list cannot be trusted to be whole. Absence is concluded from whole lists only.
var errIncomplete = errors.New("the list that Stripe answers is not whole")

// maxPages bounds a list that never ends; a customer has not that many items.
const maxPages = 10_000

// listPages reads all pages of a list. stripe-go's iterators are not used: they take {} for an empty list, and an empty
// page that has more for its end.
func listPages[T any, L stripe.LastResponseSetter](ctx context.Context, s *Stripe, path string, query url.Values,
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
			return nil, explain("list "+path, err)
		}
		meta, data := open(page)
		if meta.URL == "" || meta.HasMore && len(data) == 0 {
			return nil, errIncomplete
		}
		for _, object := range data {
			if id(object) == "" {
				return nil, errIncomplete
			}
		}
		all = append(all, data...)
		if !meta.HasMore {
			return all, nil
		}
		after = id(data[len(data)-1])
	}
	return nil, errIncomplete
}

func (s *Stripe) invoiceItems(ctx context.Context, query url.Values) ([]*stripe.InvoiceItem, error) {
	return listPages(ctx, s, "/v1/invoiceitems", query,
		func() *stripe.InvoiceItemList { return &stripe.InvoiceItemList{} },
		func(l *stripe.InvoiceItemList) (stripe.ListMeta, []*stripe.InvoiceItem) { return l.ListMeta, l.Data },
		func(item *stripe.InvoiceItem) string { return item.ID })
}

func (s *Stripe) invoices(ctx context.Context, query url.Values) ([]*stripe.Invoice, error) {
	return listPages(ctx, s, "/v1/invoices", query,
		func() *stripe.InvoiceList { return &stripe.InvoiceList{} },
		func(l *stripe.InvoiceList) (stripe.ListMeta, []*stripe.Invoice) { return l.ListMeta, l.Data },
		func(invoice *stripe.Invoice) string { return invoice.ID })
}

func (s *Stripe) invoiceLines(ctx context.Context, invoiceID string) ([]*stripe.InvoiceLineItem, error) {
	return listPages(ctx, s, stripe.FormatURLPath("/v1/invoices/%s/lines", invoiceID), nil,
		func() *stripe.InvoiceLineItemList { return &stripe.InvoiceLineItemList{} },
		func(l *stripe.InvoiceLineItemList) (stripe.ListMeta, []*stripe.InvoiceLineItem) {
			return l.ListMeta, l.Data
		},
		func(line *stripe.InvoiceLineItem) string { return line.ID })
}

func (s *Stripe) subscriptions(ctx context.Context, query url.Values) ([]*stripe.Subscription, error) {
	return listPages(ctx, s, "/v1/subscriptions", query,
		func() *stripe.SubscriptionList { return &stripe.SubscriptionList{} },
		func(l *stripe.SubscriptionList) (stripe.ListMeta, []*stripe.Subscription) { return l.ListMeta, l.Data },
		func(subscription *stripe.Subscription) string { return subscription.ID })
}
