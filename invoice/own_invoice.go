package invoice

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
func (p *poster) postInvoice(ctx context.Context, charge plan.FrozenCharge, events []ledger.Event) (Report, error) {
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
		return reportOn(charge, plan.StatusHeld, "", reason), nil
	}
	item, err := p.perform(ctx, charge, p.itemStep(charge, draft.stripeID))
	if err != nil || item.status != plan.StatusPosted {
		return p.reportOf(charge, item), err
	}
	return p.settleInvoice(ctx, charge, item)
}

// draftClosed says why nothing can be put on an invoice that was made for the charge; empty if it is a draft.
func (p *poster) draftClosed(ctx context.Context, charge plan.FrozenCharge, invoiceID string) (string, error) {
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
func (p *poster) settleInvoice(ctx context.Context, charge plan.FrozenCharge, item stepResult) (Report, error) {
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
		return reportOn(charge, plan.StatusHeld, item.stripeID,
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
			return reportOn(charge, plan.StatusOpen, item.stripeID, reason), nil
		}
	}
	final, err := p.perform(ctx, charge, p.finalizeStep(charge, id))
	if err != nil || final.status != plan.StatusPosted {
		return p.reportOf(charge, final), err
	}
	return p.reportOf(charge, item), nil
}

// swept notes that the item is on its way with an invoice that is not the charge's own. That invoice, or the charge's
// own draft, may be one that bills what was pending for a subscription at once, and whose maker has ended: nobody else
// finalizes it, so this charge does.
func (p *poster) swept(
	ctx context.Context, charge plan.FrozenCharge, item stepResult, on, draft string) (Report, error,
) {
	for _, id := range []string{on, draft} {
		if id == "" {
			continue
		}
		invoice, err := p.stripe.Invoice(ctx, id)
		if stripe.Missing(err) {
			continue
		}
		if err != nil {
			return p.openOrStop(charge, err)
		}
		if !billsAtOnce(invoice) {
			continue
		}
		final, err := p.perform(ctx, charge, p.finalizeStep(charge, id))
		if err != nil || final.status != plan.StatusPosted {
			return p.reportOf(charge, final), err
		}
		return p.reportOf(charge, item), nil
	}
	return p.reportOf(charge, item), p.append(ctx, p.event(charge, ledger.StepFinalize, 0, outcome{
		kind: ledger.Ack, stripeID: on, amount: item.amount, code: "swept",
	}))
}

// billsAtOnce tells a draft that some charge made for a subscription and that holds anything.
func billsAtOnce(invoice *stripego.Invoice) bool {
	return invoice.Status == stripego.InvoiceStatusDraft && !invoice.AutoAdvance && invoice.Subscription != nil &&
		invoice.Metadata[stripe.MetadataBillID] != "" && invoice.Lines != nil && len(invoice.Lines.Data) > 0
}

// invoiceDiffers compares a draft at Stripe with its item before it is finalized: one line, the item, with its amount.
// It names what is wrong.
func (p *poster) invoiceDiffers(ctx context.Context, invoice *stripego.Invoice, item stepResult) (string, error) {
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
