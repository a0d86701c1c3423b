package invoice

import (
	"context"
	"net/http"

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
	looked := p.now()
	at, err := p.item(ctx, item.stripeID)
	if missing(err) {
		return itemGone(charge, item.stripeID), nil
	}
	if err != nil {
		return p.openOrStop(charge, err)
	}
	elsewhere := invoiceOf(at)
	if elsewhere == "" && (at.Customer.ID != charge.StripeCustomer || subscriptionOfItem(at) != charge.Target) {
		return p.swept(ctx, charge, item, "", draft) // where it is, no invoice of this subscription takes it
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
		return p.swept(ctx, charge, item, elsewhere, draft)
	}
	// A process may be suspended here for a day: the guard counts from the look at the item, which a renewal may take.
	making := p.invoiceStep(charge)
	making.lookedAt = looked
	invoice, err := p.perform(ctx, charge, making)
	if err != nil || invoice.status != StatusPosted {
		return p.reportOf(charge, invoice), err
	}
	if at, err = p.item(ctx, item.stripeID); missing(err) {
		return itemGone(charge, item.stripeID), nil
	} else if err != nil {
		return p.openOrStop(charge, err)
	}
	// A renewal was quicker, or the draft was made for the charge as an earlier freeze had it and takes nothing: then
	// the item is pending for the next renewal.
	if elsewhere = invoiceOf(at); elsewhere != invoice.stripeID {
		return p.swept(ctx, charge, item, elsewhere, invoice.stripeID)
	}
	final, err := p.perform(ctx, charge, p.finalizeStep(charge, invoice.stripeID))
	if err != nil || final.status != StatusPosted {
		return p.reportOf(charge, final), err
	}
	return p.reportOf(charge, item), nil
}

// item reads an item; an error for which missing holds says that it is not there any more.
func (p *poster) item(ctx context.Context, id string) (*stripe.InvoiceItem, error) {
	params := &stripe.InvoiceItemParams{}
	params.Context = ctx
	item, err := p.stripe.api.InvoiceItems.Get(id, params)
	switch {
	case err != nil:
		return nil, explain("get item "+id, err)
	case item.ID != id || item.Customer == nil:
		return nil, errIncomplete
	case item.Deleted:
		return nil, explain("get item "+id, &stripe.Error{HTTPStatusCode: http.StatusNotFound, Msg: "it is deleted"})
	}
	return item, nil
}

// invoiceOf is the invoice that an item is on; empty while it is pending.
func invoiceOf(item *stripe.InvoiceItem) string {
	if item.Invoice == nil {
		return ""
	}
	return item.Invoice.ID
}

// subscriptionOfItem is the subscription that an item is for; empty for none.
func subscriptionOfItem(item *stripe.InvoiceItem) string {
	if item.Subscription == nil {
		return ""
	}
	return item.Subscription.ID
}

// itemGone is the report on a charge whose item a person deleted before it was on a final invoice.
func itemGone(charge FrozenCharge, id string) Report {
	return charge.report(StatusHeld, id, "item "+id+" was deleted at Stripe before its invoice was final; "+
		howToResolve(charge.ID))
}
