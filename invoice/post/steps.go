package post

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// itemStep is the invoice item of a charge; invoiceID is empty for a pending one.
func (p *Poster) itemStep(charge plan.FrozenCharge, invoiceID string) step {
	return step{
		name: ledger.StepItem,
		find: func(ctx context.Context) (found, error) { return p.findItem(ctx, charge) },
		send: func(ctx context.Context, key string) (outcome, error) {
			frozen, err := requestOf(charge)
			if err != nil {
				return outcome{}, err
			}
			item, err := p.stripe.NewInvoiceItem(ctx, key, frozen.Item.itemParams(invoiceID))
			if err != nil {
				return outcome{}, err
			}
			return classifyItem(item, charge), nil
		},
	}
}

// findItem looks through all of the customer's items, pending or not, for those of a charge, and through what the
// account holds of it at other customers.
func (p *Poster) findItem(ctx context.Context, charge plan.FrozenCharge) (found, error) {
	items, at, err := p.itemsOf(ctx, charge)
	if err != nil && !stripe.Missing(err) { // of a customer that is not there any more, the account's items tell
		return found{}, err
	}
	others, err := p.account.elsewhere(ctx, p.stripe, charge, stripe.Missing(err))
	if err != nil {
		return found{}, err
	}
	credits, err := p.creditsOf(ctx, charge)
	if err != nil {
		return found{}, err
	}
	there := foundAmong(slices.Concat(others, items, credits), charge)
	there.at = at
	return there, nil
}

// foundAmong are a charge's among items.
func foundAmong(items []*stripego.InvoiceItem, charge plan.FrozenCharge) (there found) {
	for _, item := range items {
		if item.Metadata[stripe.MetadataChargeID] == charge.ID {
			there.ids = append(there.ids, item.ID)
			there.amount, there.differs = item.Amount, itemDiffers(item, charge)
		}
	}
	return there
}

func listQuery(f plan.FrozenCharge) url.Values {
	return url.Values{
		"customer":     {f.StripeCustomer},
		"created[gte]": {strconv.FormatInt(f.ListedFrom().Unix(), 10)},
	}
}

// invoiceStep is the invoice that is made for a charge, as billed has it.
func (p *Poster) invoiceStep(charge plan.FrozenCharge) step {
	shared := sharesInvoice(charge.Charge, charge.Mode)
	name := ledger.StepInvoice
	if shared {
		name = ledger.StepShared
	}
	charge = billed(charge)
	return step{
		name: name,
		find: func(ctx context.Context) (found, error) {
			invoices, err := p.stripe.Invoices(ctx, listQuery(charge))
			if err != nil {
				return found{}, err
			}
			var there found
			for _, invoice := range invoices {
				if invoice.Metadata[stripe.MetadataBillID] != charge.ID {
					continue
				}
				// The first of several parts may have one at its subscription, too.
				if charge.Group == nil || shared == (invoice.Subscription == nil) {
					there.ids = append(there.ids, invoice.ID)
					there.amount = invoice.Total
				}
			}
			return there, nil
		},
		send: func(ctx context.Context, key string) (outcome, error) {
			frozen, err := requestOf(charge)
			if err != nil {
				return outcome{}, err
			}
			if frozen.Invoice == nil {
				return outcome{}, fmt.Errorf("charge %s has no frozen invoice: %w", charge.ID, plan.ErrInvariant)
			}
			invoice, err := p.stripe.NewInvoice(ctx, key, frozen.Invoice.invoiceParams(frozen.Item))
			if err != nil {
				return outcome{}, err
			}
			return classifyInvoice(invoice, charge), nil
		},
	}
}

// finalizeStep has taken effect once the invoice is no draft any more, whoever finalized it.
func (p *Poster) finalizeStep(charge plan.FrozenCharge, invoiceID string) step {
	return step{
		name: ledger.StepFinalize, shared: sharesInvoice(charge.Charge, charge.Mode),
		find: func(ctx context.Context) (found, error) {
			invoice, err := p.stripe.Invoice(ctx, invoiceID)
			if err != nil || invoice.Status == stripego.InvoiceStatusDraft {
				return found{}, err
			}
			return found{ids: []string{invoice.ID}, amount: invoice.Total}, nil
		},
		send: func(ctx context.Context, key string) (outcome, error) {
			invoice, err := p.stripe.FinalizeInvoice(ctx, key, invoiceID)
			if err != nil {
				return outcome{}, err
			}
			out := classifyInvoice(invoice, charge)
			if invoice.Status != stripego.InvoiceStatusOpen && invoice.Status != stripego.InvoiceStatusPaid {
				out.kind, out.code, out.detail = ledger.Unknown, "answer_invalid", "the invoice is "+string(invoice.Status)
			}
			return out, nil
		},
	}
}
