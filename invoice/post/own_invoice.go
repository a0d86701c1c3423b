package post

import (
	"context"
	"fmt"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// postInvoice takes a charge through an invoice of its own: draft, item on it, a look at it as a whole, finalize. The
// parts of one share it: each is on it before any finalizes it, or has another end. What
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
	draft, err := p.perform(ctx, billed(charge), p.invoiceStep(charge))
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
	if isCreditNote(item.stripeID) { // as an earlier freeze had it
		return p.swept(ctx, charge, item, "", "")
	}
	parts, missing, err := p.partsOf(ctx, charge, item)
	if err != nil {
		return Report{}, err
	}
	if missing != "" {
		report := ReportOn(charge, plan.StatusOpen, item.stripeID, "its invoice waits for "+missing+", which is to be on it")
		report.again = true
		return report, nil
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
	if invoice.Metadata[stripe.MetadataBillID] != billed(charge).ID {
		return p.swept(ctx, charge, item, id, "")
	}
	if invoice.Status == stripego.InvoiceStatusDraft {
		if reason, err := p.invoiceDiffers(ctx, invoice, item, parts); err != nil {
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

// partsOf are the items of a charge and of those that share its invoice, with their amounts. missing is one that is not
// at Stripe yet and may get there; one that Stripe refused or a person settled is no part of it any more.
func (p *Poster) partsOf(ctx context.Context, charge plan.FrozenCharge, item stepResult,
) (parts map[string]int64, missing string, err error) {
	parts = map[string]int64{item.stripeID: item.amount}
	if charge.Group == nil {
		return parts, "", nil
	}
	events, err := p.events.Events(ctx, charge.Group.Charges)
	if err != nil {
		return nil, "", err
	}
	byCharge := map[string][]ledger.Event{}
	for _, event := range events {
		byCharge[event.ChargeID] = append(byCharge[event.ChargeID], event)
	}
	for _, id := range charge.Group.Charges {
		switch state := ledger.Fold(byCharge[id], ledger.StepItem); {
		case state.Ack != nil:
			parts[state.Ack.StripeID] = state.Ack.AmountMinor
		case !state.Manual && !state.Rejected:
			missing = id
		}
	}
	return parts, missing, nil
}

// invoiceDiffers compares a draft at Stripe with its items before it is finalized: each line is one of them, with its
// amount. One of the parts may be elsewhere. It names what is wrong.
func (p *Poster) invoiceDiffers(
	ctx context.Context, invoice *stripego.Invoice, item stepResult, parts map[string]int64,
) (string, error) {
	lines, err := p.stripe.InvoiceLines(ctx, invoice.ID)
	if err != nil {
		return "", err
	}
	ours, foreign, differs, sum := map[string]bool{}, false, false, int64(0)
	for _, line := range lines {
		if line.InvoiceItem == nil || ours[line.InvoiceItem.ID] {
			foreign = true
			continue
		}
		amount, known := parts[line.InvoiceItem.ID]
		foreign, differs = foreign || !known, differs || known && line.Amount != amount
		ours[line.InvoiceItem.ID] = known
		sum += amount
	}
	if foreign || !ours[item.stripeID] {
		return fmt.Sprintf("invoice %s does not hold %s alone; it is not finalized: take the other lines off it, or "+
			"finalize it at Stripe, and post again", invoice.ID, named(item, parts)), nil
	}
	if differs || invoice.Subtotal != sum {
		return fmt.Sprintf("invoice %s comes to %d, not to %d; it is not finalized: correct it, or finalize it at Stripe, "+
			"and post again", invoice.ID, invoice.Subtotal, sum), nil
	}
	return "", nil
}

// named names the items of an invoice.
func named(item stepResult, parts map[string]int64) string {
	if len(parts) == 1 {
		return "item " + item.stripeID
	}
	return fmt.Sprintf("its %d items", len(parts))
}
