package post

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// Within is an item at Stripe of a charge that was made before its period ended.
type Within struct {
	ChargeID, CustomerID, Span string
}

// UnknownWithin lists the account's items from an instant on, and finds charges within periods that are not known.
func (p *Poster) UnknownWithin(ctx context.Context, from time.Time, known func(id string) bool) ([]Within, error) {
	items, err := p.stripe.InvoiceItems(ctx, url.Values{"created[gte]": {strconv.FormatInt(from.Unix(), 10)}})
	if err != nil {
		return nil, err
	}
	var unknown []Within
	for _, item := range items {
		one := Within{
			ChargeID:   item.Metadata[stripe.MetadataChargeID],
			CustomerID: item.Metadata[stripe.MetadataAccount], Span: item.Metadata[stripe.MetadataPeriod],
		}
		if item.Metadata[stripe.MetadataKind] == plan.KindThreshold && !known(one.ChargeID) {
			unknown = append(unknown, one)
		}
	}
	return unknown, nil
}

// Bars tells whether the item was charged within the period of a charge that does not know of it: the charge of that
// period's end, or one within it whose period has other bounds by now. One within the same period is not barred: the
// next run takes the item up in its turn.
func (w Within) Bars(charge plan.Charge, words plan.Wording) bool {
	span := words.Span(charge)
	first, end, _ := strings.Cut(span, "/")
	begun, _, _ := strings.Cut(w.Span, "/")
	if metadataValue(charge.CustomerID) != w.CustomerID || begun < first || begun >= end && begun != first {
		return false
	}
	return charge.Kind == plan.KindOverage || charge.Kind == plan.KindThreshold && w.Span != span
}
