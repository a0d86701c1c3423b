package post

import (
	"context"
	"fmt"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// postInvoice takes a charge through an invoice of its own: draft, item on it, a look at it as a whole, finalize. What
// Stripe holds of the charge already is adopted, wherever it is: the ledger may have been restored from a backup.
func (p *Poster) postInvoice(ctx context.Context, charge plan.FrozenCharge, events []ledger.Event) (Report, error) {
	there := ledger.Fold(events, ledger.StepItem).Ack != nil
	if !there {
		found, err := p.findItem(ctx, charge)
		if err != nil {
			return p.openOrStop(charge, err)
		}
		there = len(found.ids) > 0
	}
	if there { // this notes it and sends nothing
		item, err := p.perform(ctx, charge, p.itemStep(charge, ""))
		if err != nil || item.status != plan.StatusPosted {
			return p.reportOf(charge, item), err
		}
		return p.settleInvoice(ctx, charge, item)
	}
	draft, err := p.perform(ctx, charge, p.invoiceStep(charge))
	if err != nil || draft.status != plan.StatusPosted {
		return p.reportOf(charge, draft), err
	}
	if reason, err := p.draftClosed(ctx, charge, draft.stripeID); err != nil {
		return p.openOrStop(charge, err)
	} else if reason != "" {
		return ReportOn(charge, plan.StatusHeld, "", reason), nil
	}
	item, err := p.perform(ctx, charge, p.itemStep(charge, draft.stripeID))
	if err != nil || item.status != plan.StatusPosted {
		return p.reportOf(charge, item), err
	}
	return p.settleInvoice(ctx, charge, item)
}

// draftClosed says why nothing can be put on an invoice that was made for the charge; empty if it is a draft.
func (p *Poster) draftClosed(ctx context.Context, charge plan.FrozenCharge, invoiceID string) (string, error) {
	invoice, err := p.stripe.Invoice(ctx, invoiceID)
	switch {
	case stripe.Missing(err):
		return fmt.Sprintf("invoice %s, made for it, was deleted at Stripe before the charge was on it; %s", invoiceID,
			plan.HowToResolve(charge.ID)), nil
	case err != nil:
		return "", err
	case invoice.Status != stripego.InvoiceStatusDraft:
		return fmt.Sprintf("invoice %s, made for it, is %s without the charge; %s", invoiceID, invoice.Status,
			plan.HowToResolve(charge.ID)), nil
	}
	return "", nil
}

// settleInvoice brings an item that is at Stripe to its end: on a draft of the charge alone, that is finalized.
func (p *Poster) settleInvoice(ctx context.Context, charge plan.FrozenCharge, item stepResult) (Report, error) {
	if charge.Mode == plan.ModeDraft {
		return p.reportOf(charge, item), nil
	}
	at, err := p.stripe.InvoiceItem(ctx, item.stripeID)
	switch {
	case stripe.Missing(err):
		return itemGone(charge, item.stripeID), nil
	case err != nil:
		return p.openOrStop(charge, err)
	case stripe.InvoiceOf(at) == "" && stripe.SubscriptionOfItem(at) == "":
		return ReportOn(charge, plan.StatusHeld, item.stripeID,
			"item "+item.stripeID+" is pending and on no subscription, so "+
				"nothing bills it: put it on an invoice at Stripe and post again"), nil
	case stripe.InvoiceOf(at) == "": // as an earlier freeze of the charge had it: the subscription's next invoice takes it
		return p.swept(ctx, charge, item, "", "")
	}
	id := stripe.InvoiceOf(at)
	invoice, err := p.stripe.Invoice(ctx, id)
	if err != nil {
		return p.openOrStop(charge, err)
	}
	if invoice.Metadata[stripe.MetadataBillID] != charge.ID {
		return p.swept(ctx, charge, item, id, "")
	}
	if invoice.Status == stripego.InvoiceStatusDraft {
		if reason, err := p.invoiceDiffers(ctx, invoice, item); err != nil {
			return p.openOrStop(charge, err)
		} else if reason != "" {
			return ReportOn(charge, plan.StatusOpen, item.stripeID, reason), nil
		}
	}
	final, err := p.perform(ctx, charge, p.finalizeStep(charge, id))
	if err != nil || final.status != plan.StatusPosted {
		return p.reportOf(charge, final), err
	}
	return p.reportOf(charge, item), nil
}

// invoiceDiffers compares a draft at Stripe with its item before it is finalized: one line, the item, with its amount.
// It names what is wrong.
func (p *Poster) invoiceDiffers(ctx context.Context, invoice *stripego.Invoice, item stepResult) (string, error) {
	lines, err := p.stripe.InvoiceLines(ctx, invoice.ID)
	if err != nil {
		return "", err
	}
	if len(lines) != 1 || lines[0].InvoiceItem == nil || lines[0].InvoiceItem.ID != item.stripeID {
		return fmt.Sprintf("invoice %s does not hold item %s alone; it is not finalized: take the other lines off it, or "+
			"finalize it at Stripe, and post again", invoice.ID, item.stripeID), nil
	}
	if lines[0].Amount != item.amount || invoice.Subtotal != item.amount {
		return fmt.Sprintf("invoice %s comes to %d, not to %d; it is not finalized: correct it, or finalize it at Stripe, "+
			"and post again", invoice.ID, invoice.Subtotal, item.amount), nil
	}
	return "", nil
}
