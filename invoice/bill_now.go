package invoice

import (
	"context"
	"fmt"

	"github.com/stripe/stripe-go/v76"
)

// postNow puts a charge on its subscription and bills it at once: the pending item, an invoice of the subscription that
// takes what is pending for it, a look at that invoice, finalize. Should a renewal take the item first, that invoice is
// its own.
func (p *poster) postNow(ctx context.Context, charge FrozenCharge) (Report, error) {
	item, err := p.perform(ctx, charge, p.itemStep(charge, ""))
	if err != nil || item.status != StatusPosted {
		return p.reportOf(charge, item), err
	}
	events, err := p.events.Events(ctx, []string{charge.ID})
	if err != nil {
		return Report{}, err
	}
	draft := ""
	if ack := foldStep(events, stepInvoice).ack; ack != nil {
		draft = ack.StripeID
	}
	elsewhere, err := p.invoiceOfItem(ctx, item.stripeID)
	if err != nil {
		return p.openOrStop(charge, err)
	}
	if elsewhere != "" && draft == "" {
		// The draft may be made without the ledger knowing it.
		there, err := p.invoiceStep(charge).find(ctx)
		if err != nil {
			return p.openOrStop(charge, err)
		}
		if len(there.ids) == 1 {
			draft = there.ids[0]
		}
	}
	if elsewhere != "" && elsewhere != draft {
		swept := p.event(charge, stepFinalize, 0, outcome{
			kind: eventAck, stripeID: elsewhere, amount: item.amount, code: "swept",
		})
		return p.reportOf(charge, item), p.append(ctx, swept)
	}
	invoice, err := p.perform(ctx, charge, p.invoiceStep(charge))
	if err != nil || invoice.status != StatusPosted {
		return p.reportOf(charge, invoice), err
	}
	if elsewhere, err = p.invoiceOfItem(ctx, item.stripeID); err != nil {
		return p.openOrStop(charge, err)
	}
	if elsewhere != invoice.stripeID {
		return charge.report(StatusOpen, item.stripeID, fmt.Sprintf(
			"invoice %s did not take item %s; it is not finalized", invoice.stripeID, item.stripeID)), nil
	}
	final, err := p.perform(ctx, charge, p.finalizeStep(charge, invoice.stripeID))
	if err != nil || final.status != StatusPosted {
		return p.reportOf(charge, final), err
	}
	return p.reportOf(charge, item), nil
}

// invoiceOfItem is the invoice that an item is on; empty while it is pending.
func (p *poster) invoiceOfItem(ctx context.Context, id string) (string, error) {
	params := &stripe.InvoiceItemParams{}
	params.Context = ctx
	item, err := p.stripe.api.InvoiceItems.Get(id, params)
	switch {
	case err != nil:
		return "", explain("get item "+id, err)
	case item.ID != id:
		return "", errIncomplete
	case item.Invoice == nil:
		return "", nil
	}
	return item.Invoice.ID, nil
}
