package post

import (
	"context"
	"slices"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// postPending leaves the item to the subscription's next invoice.
func (p *Poster) postPending(ctx context.Context, charge plan.FrozenCharge) (Report, error) {
	result, err := p.perform(ctx, charge, p.pendingStep(charge))
	return p.reportOf(charge, result), err
}

// pendingStep is the item of a charge that is left to the subscription's next invoice.
func (p *Poster) pendingStep(charge plan.FrozenCharge) step {
	pending := p.itemStep(charge, "")
	if charge.Mode == plan.ModeSubscription {
		pending.before = func(ctx context.Context, itemID string) (stepResult, bool, error) {
			return p.endDraft(ctx, charge, itemID)
		}
	}
	return pending
}

// endDraft finalizes the draft that holds an item left to the subscription's next invoice: a run that was to bill it at
// once, as the charge was frozen before the ledger was restored from a backup, made it and was killed, and nobody else
// finalizes it. ended says that no such draft is left; otherwise result says where that stands. The item must not be
// acknowledged before.
func (p *Poster) endDraft(ctx context.Context, charge plan.FrozenCharge, itemID string,
) (result stepResult, ended bool, err error) {
	if isCreditNote(itemID) { // as an earlier freeze had it
		return stepResult{}, true, nil
	}
	item, err := p.stripe.InvoiceItem(ctx, itemID)
	if err != nil {
		result, err := p.cannotTell(err)
		return result, false, err
	}
	made, err := p.invoiceStep(charge).find(ctx)
	if err != nil && !stripe.Missing(err) {
		result, err := p.cannotTell(err)
		return result, false, err
	}
	on := stripe.InvoiceOf(item)
	drafts := append([]string{on}, slices.DeleteFunc(made.ids, func(id string) bool { return id == on })...)
	for _, id := range drafts {
		if id == "" {
			continue
		}
		invoice, err := p.stripe.Invoice(ctx, id)
		if stripe.Missing(err) {
			continue
		}
		if err != nil {
			result, err := p.cannotTell(err)
			return result, false, err
		}
		if !billsAtOnce(invoice) { // one of its own may have been left to a person on purpose
			continue
		}
		final, err := p.perform(ctx, charge, p.finalizeStep(charge, id))
		if err != nil || final.status != plan.StatusPosted {
			return final, false, err
		}
	}
	return stepResult{}, true, nil
}
