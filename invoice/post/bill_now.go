package post

import (
	"context"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// postNow puts a charge on its subscription and bills it at once: the pending item, an invoice of the subscription that
// takes what is pending for it, a look at that invoice, finalize. Should a renewal take the item first, that invoice is
// its own.
func (p *Poster) postNow(ctx context.Context, charge plan.FrozenCharge) (Report, error) {
	item, err := p.perform(ctx, charge, p.itemStep(charge, ""))
	if err != nil || item.status != plan.StatusPosted {
		return p.reportOf(charge, item), err
	}
	if isCreditNote(item.stripeID) { // as an earlier freeze had it
		return p.swept(ctx, charge, item, "", "")
	}
	events, err := p.events.Events(ctx, []string{charge.ID})
	if err != nil {
		return Report{}, err
	}
	draft := ""
	if ack := ledger.Fold(events, ledger.StepInvoice).Ack; ack != nil {
		draft = ack.StripeID
	}
	looked := p.now()
	at, err := p.stripe.InvoiceItem(ctx, item.stripeID)
	if stripe.Missing(err) {
		return itemGone(charge, item.stripeID), nil
	}
	if err != nil {
		return p.openOrStop(charge, err)
	}
	elsewhere := stripe.InvoiceOf(at)
	if elsewhere == "" && (at.Customer.ID != charge.StripeCustomer || stripe.SubscriptionOfItem(at) != charge.Target) {
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
	if err != nil || invoice.status != plan.StatusPosted {
		return p.reportOf(charge, invoice), err
	}
	at, err = p.stripe.InvoiceItem(ctx, item.stripeID)
	if stripe.Missing(err) {
		return itemGone(charge, item.stripeID), nil
	}
	if err != nil {
		return p.openOrStop(charge, err)
	}
	// A renewal was quicker, or the draft was made for the charge as an earlier freeze had it and takes nothing: then
	// the item is pending for the next renewal.
	elsewhere = stripe.InvoiceOf(at)
	if elsewhere != invoice.stripeID {
		return p.swept(ctx, charge, item, elsewhere, invoice.stripeID)
	}
	final, err := p.perform(ctx, charge, p.finalizeStep(charge, invoice.stripeID))
	if err != nil || final.status != plan.StatusPosted {
		return p.reportOf(charge, final), err
	}
	return p.reportOf(charge, item), nil
}
