package post

import (
	"context"
	"errors"
	"fmt"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// ErrNotVoid is returned for a charge that cannot be billed again: what Stripe holds of it is paid, or may be.
var ErrNotVoid = errors.New("its invoice is not void")

// VoidInvoice is the void invoice that a posted charge is on. Voiding cannot be undone at Stripe
// (docs.stripe.com/api/invoices/void), while an uncollectible invoice may still be paid. ErrNotVoid says that the
// charge, or another item with its id, is somewhere where it is paid or may be.
func (p *Poster) VoidInvoice(ctx context.Context, charge plan.FrozenCharge) (string, error) {
	items, _, err := p.itemsOf(ctx, charge)
	if err != nil && !stripe.Missing(err) {
		return "", err
	}
	others, err := p.account.elsewhere(ctx, p.stripe, charge, stripe.Missing(err))
	if err != nil {
		return "", err
	}
	on := ""
	for _, item := range append(others, items...) {
		if item.Metadata[stripe.MetadataChargeID] != charge.ID {
			continue
		}
		id := stripe.InvoiceOf(item)
		if id == "" {
			return "", fmt.Errorf("item %s is pending, the next invoice takes it: %w", item.ID, ErrNotVoid)
		}
		invoice, err := p.stripe.Invoice(ctx, id)
		if err != nil {
			return "", err
		}
		if invoice.Status != stripego.InvoiceStatusVoid {
			return "", fmt.Errorf("item %s is on invoice %s, which is %s: %w", item.ID, id, invoice.Status, ErrNotVoid)
		}
		if on == "" || item.ID == charge.StripeID {
			on = id
		}
	}
	if on == "" {
		return "", fmt.Errorf("Stripe has no item of it: %w", ErrNotVoid) //nolint:staticcheck // a name
	}
	notes, err := p.creditNotes(ctx, charge)
	if err != nil {
		return "", err
	}
	for _, note := range notes {
		if stripe.InvoiceOf(note) == on && note.Amount != 0 {
			return "", fmt.Errorf("credit note %s was on invoice %s and counts as credited: bill what is left by hand: %w",
				note.ID, on, ErrNotVoid)
		}
	}
	return on, nil
}
