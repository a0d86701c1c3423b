package invoice

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/stripe/stripe-go/v76"
)

// itemStep is the invoice item of a charge; invoiceID is empty where it is to be pending.
func (p *poster) itemStep(charge FrozenCharge, invoiceID string) step {
	return step{
		name: stepItem,
		find: func(ctx context.Context) (found, error) { return p.findItem(ctx, charge) },
		send: func(ctx context.Context, key string) (outcome, error) {
			frozen, err := charge.request()
			if err != nil {
				return outcome{}, err
			}
			params := frozen.Item.itemParams(invoiceID)
			params.Context = ctx
			params.SetIdempotencyKey(key)
			item, err := p.stripe.api.InvoiceItems.New(params)
			if err != nil {
				return outcome{}, err
			}
			return classifyItem(item, charge), nil
		},
	}
}

// findItem looks through all of the customer's items, pending or not, for those of a charge.
func (p *poster) findItem(ctx context.Context, charge FrozenCharge) (found, error) {
	items, err := p.stripe.invoiceItems(ctx, charge.listQuery())
	if err != nil {
		return found{}, err
	}
	var there found
	for _, item := range items {
		if item.Metadata[metadataChargeID] == charge.ID {
			there.ids = append(there.ids, item.ID)
			there.amount, there.differs = item.Amount, itemDiffers(item, charge)
		}
	}
	return there, nil
}

func (f FrozenCharge) listQuery() url.Values {
	return url.Values{
		"customer":     {f.StripeCustomer},
		"created[gte]": {strconv.FormatInt(f.listedFrom().Unix(), 10)},
	}
}

// postInvoice takes a charge through an invoice of its own: draft, item on it, a look at it as a whole, finalize.
func (p *poster) postInvoice(ctx context.Context, charge FrozenCharge) (Report, error) {
	draft, err := p.perform(ctx, charge, p.invoiceStep(charge))
	if err != nil || draft.status != StatusPosted {
		return p.reportOf(charge, draft), err
	}
	item, err := p.perform(ctx, charge, p.itemStep(charge, draft.stripeID))
	if err != nil || item.status != StatusPosted {
		return p.reportOf(charge, item), err
	}
	if reason, err := p.invoiceDiffers(ctx, charge, draft.stripeID, item.stripeID); err != nil {
		return p.openOrStop(charge, err)
	} else if reason != "" {
		return charge.report(StatusOpen, item.stripeID, reason), nil
	}
	if charge.Mode == ModeInvoice {
		final, err := p.perform(ctx, charge, p.finalizeStep(charge, draft.stripeID))
		if err != nil || final.status != StatusPosted {
			return p.reportOf(charge, final), err
		}
	}
	return p.reportOf(charge, item), nil
}

func (p *poster) invoiceStep(charge FrozenCharge) step {
	return step{
		name: stepInvoice,
		find: func(ctx context.Context) (found, error) {
			invoices, err := p.stripe.invoices(ctx, charge.listQuery())
			if err != nil {
				return found{}, err
			}
			var there found
			for _, invoice := range invoices {
				if invoice.Metadata[metadataBillID] == charge.ID {
					there.ids = append(there.ids, invoice.ID)
					there.amount = invoice.Total
				}
			}
			return there, nil
		},
		send: func(ctx context.Context, key string) (outcome, error) {
			frozen, err := charge.request()
			if err != nil {
				return outcome{}, err
			}
			if frozen.Invoice == nil {
				return outcome{}, fmt.Errorf("charge %s has no frozen invoice: %w", charge.ID, ErrInvariant)
			}
			params := frozen.Invoice.invoiceParams(frozen.Item)
			params.Context = ctx
			params.SetIdempotencyKey(key)
			invoice, err := p.stripe.api.Invoices.New(params)
			if err != nil {
				return outcome{}, err
			}
			return classifyInvoice(invoice, charge), nil
		},
	}
}

// finalizeStep has taken effect once the invoice is no draft any more, whoever finalized it.
func (p *poster) finalizeStep(charge FrozenCharge, invoiceID string) step {
	return step{
		name: stepFinalize,
		find: func(ctx context.Context) (found, error) {
			invoice, err := p.invoice(ctx, invoiceID)
			if err != nil || invoice.Status == stripe.InvoiceStatusDraft {
				return found{}, err
			}
			return found{ids: []string{invoice.ID}, amount: invoice.Total}, nil
		},
		send: func(ctx context.Context, key string) (outcome, error) {
			params := &stripe.InvoiceFinalizeInvoiceParams{AutoAdvance: stripe.Bool(true)}
			params.Context = ctx
			params.SetIdempotencyKey(key)
			invoice, err := p.stripe.api.Invoices.FinalizeInvoice(invoiceID, params)
			if err != nil {
				return outcome{}, err
			}
			out := classifyInvoice(invoice, charge)
			if invoice.Status != stripe.InvoiceStatusOpen && invoice.Status != stripe.InvoiceStatusPaid {
				out.kind, out.code, out.detail = eventUnknown, "answer_invalid", "the invoice is "+string(invoice.Status)
			}
			return out, nil
		},
	}
}

func (p *poster) invoice(ctx context.Context, id string) (*stripe.Invoice, error) {
	params := &stripe.InvoiceParams{}
	params.Context = ctx
	invoice, err := p.stripe.api.Invoices.Get(id, params)
	if err != nil {
		return nil, explain("get invoice "+id, err)
	}
	if invoice.ID != id || invoice.Status == "" {
		return nil, errIncomplete
	}
	return invoice, nil
}

// invoiceDiffers compares the invoice at Stripe with the charge before it is finalized: one line, the charge's item,
// with its amount. It names what is wrong.
func (p *poster) invoiceDiffers(ctx context.Context, charge FrozenCharge, invoiceID, itemID string) (string, error) {
	invoice, err := p.invoice(ctx, invoiceID)
	if err != nil {
		return "", err
	}
	if invoice.Status == stripe.InvoiceStatusVoid || invoice.Status == stripe.InvoiceStatusUncollectible {
		return fmt.Sprintf("invoice %s is %s", invoiceID, invoice.Status), nil
	}
	lines, err := p.stripe.invoiceLines(ctx, invoiceID)
	if err != nil {
		return "", err
	}
	if len(lines) != 1 || lines[0].InvoiceItem == nil || lines[0].InvoiceItem.ID != itemID {
		return fmt.Sprintf("invoice %s does not hold item %s alone; it is not finalized", invoiceID, itemID), nil
	}
	if lines[0].Amount != charge.AmountMinor || invoice.Subtotal != charge.AmountMinor {
		return fmt.Sprintf("invoice %s comes to %d, not to %d; it is not finalized",
			invoiceID, invoice.Subtotal, charge.AmountMinor), nil
	}
	return "", nil
}
