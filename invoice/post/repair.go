package post

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// stepRepair is the deletion of a surplus item; its events are MANUAL.
const stepRepair = "del"

// Repaired is a surplus item and what became of it.
type Repaired struct {
	ChargeID string `json:"charge_id"`
	StripeID string `json:"stripe_id"`
	Deleted  bool   `json:"deleted"`
	Detail   string `json:"detail"`
}

// Repair deletes the surplus items of a charge that Stripe holds several of, at most so many, one by one, each after
// another look at Stripe, and only while they are pending or on a draft. Everything else needs a person.
func (p *Poster) Repair(ctx context.Context, charge plan.FrozenCharge, most int) ([]Repaired, error) {
	var repaired []Repaired
	for range most {
		one, more, err := p.repairOne(ctx, charge)
		if one.ChargeID != "" {
			repaired = append(repaired, one)
		}
		if err != nil || !more {
			return repaired, err
		}
	}
	return repaired, nil
}

// repairOne deletes one surplus item of a charge, if there is still one. more says that there may be another.
func (p *Poster) repairOne(ctx context.Context, charge plan.FrozenCharge) (one Repaired, more bool, err error) {
	lookedAt := p.now()
	items, err := p.stripe.InvoiceItems(ctx, listQuery(charge))
	if err != nil {
		return Repaired{}, false, err
	}
	items = slices.DeleteFunc(items, func(item *stripego.InvoiceItem) bool {
		return item.Metadata[stripe.MetadataChargeID] != charge.ID
	})
	if len(items) < 2 {
		return Repaired{}, false, nil
	}
	surplus, reason, err := p.surplus(ctx, charge, items)
	if err != nil {
		return Repaired{}, false, err
	}
	if surplus == nil {
		return Repaired{ChargeID: charge.ID, Detail: reason}, false, nil
	}
	one = Repaired{ChargeID: charge.ID, StripeID: surplus.ID}
	event := p.event(charge, stepRepair, 0, outcome{
		kind: ledger.Manual, stripeID: surplus.ID, amount: surplus.Amount, code: "deleting",
	})
	if err := p.append(ctx, event); err != nil {
		return one, false, err
	}
	sendCtx, _ := stripe.Announced(context.WithoutCancel(ctx), lookedAt)
	if err := p.stripe.DeleteInvoiceItem(sendCtx, surplus.ID); err != nil {
		one.Detail = err.Error()
		return one, false, nil
	}
	one.Deleted = true
	event.ErrCode = "deleted"
	return one, true, p.append(ctx, event)
}

// surplus chooses the item to delete: never the one that the ledger acknowledges, nor one on an invoice that is final;
// of the others the newest. Without such a one it says why.
func (p *Poster) surplus(ctx context.Context, charge plan.FrozenCharge, items []*stripego.InvoiceItem,
) (*stripego.InvoiceItem, string, error) {
	slices.SortFunc(items, func(a, b *stripego.InvoiceItem) int {
		return cmp.Or(-cmp.Compare(a.Date, b.Date), -cmp.Compare(a.ID, b.ID))
	})
	final := 0
	var free []*stripego.InvoiceItem
	for _, item := range items {
		editable := item.Invoice == nil || item.Invoice.ID == ""
		if !editable {
			invoice, err := p.stripe.Invoice(ctx, item.Invoice.ID)
			if err != nil {
				return nil, "", err
			}
			editable = invoice.Status == stripego.InvoiceStatusDraft
		}
		if !editable {
			final++
			continue
		}
		free = append(free, item)
	}
	for _, item := range free {
		// The last that is left stays, whatever the ledger says of it.
		if item.ID != charge.StripeID || final > 0 {
			return item, "", nil
		}
	}
	return nil, fmt.Sprintf("%d items are on final invoices; a person writes a credit note", final), nil
}
