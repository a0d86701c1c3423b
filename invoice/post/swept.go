package post

import (
	"context"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// swept notes that the item is on its way with an invoice that is not the charge's own. That invoice, or the charge's
// own draft, may be one that bills what was pending for a subscription at once, and whose maker has ended: nobody else
// finalizes it, so this charge does.
func (p *Poster) swept(
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

// itemGone is the report on a charge whose item a person deleted before it was on a final invoice.
func itemGone(charge plan.FrozenCharge, id string) Report {
	return ReportOn(charge, plan.StatusHeld, id, "item "+id+" was deleted at Stripe before its invoice was final; "+
		plan.HowToResolve(charge.ID))
}
