package post

import (
	"errors"
	"net/http"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// outcome is what a request's answer proves.
type outcome struct {
	// kind is an event kind; empty where the answer is no news (a rate limit) or nothing was sent.
	kind      string
	stripeID  string
	amount    int64
	status    int
	requestID string
	replayed  bool
	code      string
	// stop ends the whole run: the key was refused.
	stop error
	// detail is for people.
	detail string
}

const replayedHeader = "Idempotent-Replayed"

// classifyError reads a failed request: first whether it is a replay, then the body, then the status. first says that
// this was the only attempt ever made under the key, as far as is known: only then does a refusal prove anything.
func classifyError(err error, first bool) outcome {
	var failure *stripego.Error
	if !errors.As(err, &failure) {
		// Cut connections, time-outs, broken JSON: the request may have been executed.
		return outcome{kind: ledger.Unknown, code: "no_answer", detail: stripe.Explain("post", err).Error()}
	}
	out := outcome{
		status: failure.HTTPStatusCode, requestID: failure.RequestID, code: string(failure.Code),
		detail: stripe.Explain("post", err).Error(),
	}
	if failure.LastResponse != nil {
		out.replayed = failure.LastResponse.Header.Get(replayedHeader) != ""
	}
	var reused *stripego.IdempotencyError
	status := failure.HTTPStatusCode
	switch {
	case errors.As(failure.Err, &reused) || failure.Type == stripego.ErrorTypeIdempotency:
		out.kind, out.code = ledger.Drift, "idempotency_error"
	case out.replayed:
		out.kind = ledger.Poison
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		out.stop = stripe.Explain("post", err)
	case status == http.StatusTooManyRequests:
		out.kind = ""
	case status == http.StatusConflict || status >= http.StatusInternalServerError || status < http.StatusBadRequest:
		out.kind = ledger.Unknown
	case first:
		out.kind = ledger.Reject
	default:
		out.kind = ledger.Unknown
	}
	return out
}

// classifyItem checks an answered invoice item against the charge. An answer that is not the charge's proves nothing.
func classifyItem(item *stripego.InvoiceItem, charge plan.FrozenCharge) outcome {
	out := outcome{kind: ledger.Ack, stripeID: item.ID, amount: item.Amount, status: http.StatusOK}
	if item.LastResponse != nil {
		out.status, out.requestID = item.LastResponse.StatusCode, item.LastResponse.RequestID
		out.replayed = item.LastResponse.Header.Get(replayedHeader) != ""
	}
	if wrong := itemDiffers(item, charge); wrong != "" || item.ID == "" {
		out.kind, out.code = ledger.Unknown, "answer_invalid"
		out.detail = "Stripe's answer is not the item that was asked for: " + wrong
	}
	return out
}

// itemDiffers names what in an item is not as the charge has it; empty if all is.
func itemDiffers(item *stripego.InvoiceItem, charge plan.FrozenCharge) string {
	return stripe.ItemDiffers(item, stripe.Wanted{
		ChargeID: charge.ID, AmountMinor: charge.AmountMinor, Currency: charge.Currency, Customer: charge.StripeCustomer,
		Livemode: charge.Livemode,
	})
}

// classifyInvoice checks an answered invoice.
func classifyInvoice(invoice *stripego.Invoice, charge plan.FrozenCharge) outcome {
	out := outcome{kind: ledger.Ack, stripeID: invoice.ID, amount: invoice.Total, status: http.StatusOK}
	if invoice.LastResponse != nil {
		out.status, out.requestID = invoice.LastResponse.StatusCode, invoice.LastResponse.RequestID
		out.replayed = invoice.LastResponse.Header.Get(replayedHeader) != ""
	}
	customer := ""
	if invoice.Customer != nil {
		customer = invoice.Customer.ID
	}
	if invoice.ID == "" || invoice.Metadata[stripe.MetadataBillID] != charge.ID || customer != charge.StripeCustomer ||
		string(invoice.Currency) != charge.Currency || invoice.Livemode != charge.Livemode {
		out.kind, out.code = ledger.Unknown, "answer_invalid"
		out.detail = "Stripe's answer is not the invoice that was asked for"
	}
	return out
}
