package post

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// creditRequest are the parameters of a credit note. What a paid invoice comes to less is credited to the customer's
// balance, which the next invoice uses; an open one is due less (docs.stripe.com/api/credit_notes/create).
type creditRequest struct {
	Invoice string `json:"invoice"`
	Amount  int64  `json:"amount"`
	// Paid: the invoice was paid when it was frozen.
	Paid     bool              `json:"paid"`
	Memo     string            `json:"memo"`
	Metadata map[string]string `json:"metadata"`
}

// memoMost is how long a credit note's memo may be (maxLength in Stripe's OpenAPI specification of 2023-10-16).
const memoMost = 5000

func (r creditRequest) params() *stripego.CreditNoteParams {
	params := &stripego.CreditNoteParams{Invoice: &r.Invoice, Amount: &r.Amount, Memo: &r.Memo}
	if r.Paid {
		params.CreditAmount = &r.Amount
	}
	for name, value := range r.Metadata {
		params.AddMetadata(name, value)
	}
	return params
}

// credits tells a charge that may be at Stripe as a credit note.
func (p *Poster) credits(charge plan.FrozenCharge) bool {
	return charge.Mode == plan.ModeCreditNote || p.policy.CreditNotes && charge.AmountMinor < 0
}

// onCreditNote finds the invoice that a credit can be written on: one of those that its period is charged on, the
// earliest that is open or paid, untaxed, and has as much left. Without one, note says so.
func (p *Poster) onCreditNote(ctx context.Context, charge plan.Charge, charged []plan.FrozenCharge) (target, error) {
	var on []*stripego.Invoice
	for _, one := range charged {
		if one.Key() != charge.Key() || one.StripeID == "" || one.Void != nil || one.ChargedMinor() <= 0 {
			continue
		}
		item, err := p.stripe.InvoiceItem(ctx, one.StripeID)
		if stripe.Missing(err) || err == nil && stripe.InvoiceOf(item) == "" {
			continue
		}
		if err != nil {
			return target{}, err
		}
		invoice, err := p.stripe.Invoice(ctx, stripe.InvoiceOf(item))
		if err != nil {
			return target{}, err
		}
		if notCreditable(invoice, charge) == "" {
			on = append(on, invoice)
		}
	}
	if len(on) == 0 {
		return target{note: "no invoice of its period takes a credit note over it: it is on the next invoice"}, nil
	}
	invoice := slices.MinFunc(on, func(a, b *stripego.Invoice) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.ID, b.ID))
	})
	return target{mode: plan.ModeCreditNote, credited: invoice.ID, paid: invoice.Status == stripego.InvoiceStatusPaid}, nil
}

// notCreditable says why an invoice takes no credit note over a charge; empty if it does. What tax a credit takes off
// is for a person to say.
func notCreditable(invoice *stripego.Invoice, charge plan.Charge) string {
	left := invoice.AmountRemaining
	switch {
	case invoice.Status == stripego.InvoiceStatusPaid:
		left = invoice.AmountPaid - invoice.PostPaymentCreditNotesAmount
	case invoice.Status != stripego.InvoiceStatusOpen:
		return fmt.Sprintf("invoice %s is %s", invoice.ID, invoice.Status)
	}
	switch {
	case string(invoice.Currency) != charge.Currency || invoice.Customer == nil ||
		invoice.Customer.ID != charge.StripeCustomer:
		return fmt.Sprintf("invoice %s is of another currency or customer", invoice.ID)
	case invoice.Tax != 0 || invoice.AutomaticTax != nil && invoice.AutomaticTax.Enabled:
		return fmt.Sprintf("invoice %s is taxed", invoice.ID)
	case left < -charge.AmountMinor:
		return fmt.Sprintf("of invoice %s, %d are left", invoice.ID, left)
	}
	return ""
}

// creditUsable says why a credit note cannot be written as it is frozen; empty if it can.
func (p *Poster) creditUsable(ctx context.Context, charge plan.FrozenCharge) (reason string, err error) {
	frozen, err := requestOf(charge)
	if err != nil {
		return "", err
	}
	if frozen.Credit == nil {
		return "", fmt.Errorf("charge %s has no frozen credit note: %w", charge.ID, plan.ErrInvariant)
	}
	invoice, err := p.stripe.Invoice(ctx, frozen.Credit.Invoice)
	switch {
	case stripe.Missing(err):
		return "Stripe has no invoice " + frozen.Credit.Invoice, nil
	case err != nil:
		return "", err
	case frozen.Credit.Paid != (invoice.Status == stripego.InvoiceStatusPaid):
		return fmt.Sprintf("invoice %s is %s by now", invoice.ID, invoice.Status), nil
	}
	return notCreditable(invoice, charge.Charge), nil
}

// postCredit writes the credit note. Its invoice may be paid or voided at any moment; then its key is given up, and the
// next run chooses another way.
func (p *Poster) postCredit(ctx context.Context, charge plan.FrozenCharge) (Report, error) {
	result, err := p.perform(ctx, charge, step{
		name: ledger.StepItem, key: "cn",
		find: func(ctx context.Context) (found, error) { return p.findItem(ctx, charge) },
		send: func(ctx context.Context, key string) (outcome, error) {
			frozen, err := requestOf(charge)
			if err != nil {
				return outcome{}, err
			}
			if gone, err := p.creditUsable(ctx, charge); err != nil || gone != "" {
				return givenUp(gone), err
			}
			note, err := p.stripe.NewCreditNote(ctx, key, frozen.Credit.params())
			if err == nil {
				return classifyCredit(note, charge), nil
			}
			if !refused(err) {
				return outcome{}, err
			}
			gone, lookErr := p.creditUsable(ctx, charge)
			return refusedOrGone(outcome{}, err, gone, lookErr)
		},
	})
	return p.reportOf(charge, result), err
}

// classifyCredit checks an answered credit note against the charge.
func classifyCredit(note *stripego.CreditNote, charge plan.FrozenCharge) outcome {
	item := stripe.CreditItem(note)
	out := outcome{kind: ledger.Ack, stripeID: note.ID, amount: item.Amount, status: http.StatusOK}
	if note.LastResponse != nil {
		out.status, out.requestID = note.LastResponse.StatusCode, note.LastResponse.RequestID
		out.replayed = note.LastResponse.Header.Get(replayedHeader) != ""
	}
	if wrong := itemDiffers(item, charge); wrong != "" || note.ID == "" {
		out.kind, out.code = ledger.Unknown, "answer_invalid"
		out.detail = "Stripe's answer is not the credit note that was asked for: " + wrong
	}
	return out
}

// creditsOf are the credit notes of the account that a charge may be, as items.
func (p *Poster) creditsOf(ctx context.Context, charge plan.FrozenCharge) ([]*stripego.InvoiceItem, error) {
	if !p.credits(charge) {
		return nil, nil
	}
	return p.creditNotes(ctx, charge)
}

// creditNotes are the account's from the earliest that one can have been made for a charge.
func (p *Poster) creditNotes(ctx context.Context, charge plan.FrozenCharge) ([]*stripego.InvoiceItem, error) {
	return p.stripe.CreditNotes(ctx, url.Values{"created[gte]": {strconv.FormatInt(charge.ListedFrom().Unix(), 10)}})
}

// isCreditNote tells a credit note from an item: a charge that was frozen as either may be found as the other.
func isCreditNote(id string) bool { return strings.HasPrefix(id, "cn_") }
