package invoice

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/stripe/stripe-go/v76"
)

// itemStep is the invoice item of a charge; invoiceID is empty for a pending one.
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

// findItem looks through all of the customer's items, pending or not, for those of a charge, and through what the
// account holds of it at other customers.
func (p *poster) findItem(ctx context.Context, charge FrozenCharge) (found, error) {
	items, err := p.stripe.invoiceItems(ctx, charge.listQuery())
	if err != nil && !missing(err) { // of a customer that is not there any more, the account's items tell
		return found{}, err
	}
	others, err := p.elsewhere(ctx, charge, missing(err))
	if err != nil {
		return found{}, err
	}
	var there found
	for _, item := range append(others, items...) {
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
