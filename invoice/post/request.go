package post

import (
	"cmp"
	"encoding/json"
	"fmt"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// request holds every parameter that is sent for a charge, as it is frozen: Stripe compares parameters under a key.
type request struct {
	Item    itemRequest     `json:"item"`
	Invoice *invoiceRequest `json:"invoice,omitempty"`
	// Credit is for ModeCreditNote: what is sent instead of the item.
	Credit *creditRequest `json:"credit,omitempty"`
	// Group is the charge that an item is a part of. It is not sent.
	Group *plan.Group `json:"group,omitempty"`
}

type itemRequest struct {
	Customer     string `json:"customer"`
	Subscription string `json:"subscription,omitempty"`
	// Invoice is the draft that a renewal's item goes on; it takes the subscription's place. An invoice of the charge's
	// own is not known yet when the item is frozen.
	Invoice     string            `json:"invoice,omitempty"`
	Currency    string            `json:"currency"`
	Amount      int64             `json:"amount"`
	Description string            `json:"description"`
	PeriodStart int64             `json:"period_start"`
	PeriodEnd   int64             `json:"period_end"`
	Metadata    map[string]string `json:"metadata"`
	TaxCode     string            `json:"tax_code,omitempty"`
	TaxBehavior string            `json:"tax_behavior,omitempty"`
}

type invoiceRequest struct {
	// Subscription is for ModeBillNow: the invoice is the subscription's and takes what is pending for it.
	Subscription     string            `json:"subscription,omitempty"`
	CollectionMethod string            `json:"collection_method"`
	DaysUntilDue     int64             `json:"days_until_due,omitempty"`
	Description      string            `json:"description"`
	Metadata         map[string]string `json:"metadata"`
	// AutomaticTax lets Stripe compute tax on it. If not set nothing is sent, and the account's default holds.
	AutomaticTax bool `json:"automatic_tax,omitempty"`
}

// Stripe takes descriptions of so many characters (maxLength in its OpenAPI specification of 2023-10-16).
const itemDescriptionMost, invoiceDescriptionMost = 5000, 1500

// freezeRequest writes the parameters of a charge down, in words for its customer.
func freezeRequest(charge plan.Charge, planSHA string, way target, words plan.Wording) ([]byte, error) {
	metadata := words.Metadata(charge, map[string]string{
		stripe.MetadataChargeID: charge.ID, stripe.MetadataAccount: metadataValue(charge.CustomerID),
		stripe.MetadataPeriod: words.Span(charge), stripe.MetadataPlan: planSHA,
	})
	if charge.Group != nil {
		metadata[stripe.MetadataPartOf] = charge.Group.Head()
		metadata[stripe.MetadataFeature] = metadataValue(charge.Lines[0].FeatureID)
	}
	if charge.Kind == plan.KindThreshold {
		metadata[stripe.MetadataKind] = charge.Kind
	}
	line := words.Line(charge)
	frozen := request{Group: charge.Group, Item: itemRequest{
		Customer: charge.StripeCustomer, Subscription: way.subscription, Currency: charge.Currency,
		Amount: charge.AmountMinor, Description: plan.Shorten(line, itemDescriptionMost),
		PeriodStart: charge.PeriodStart.Unix(),
		PeriodEnd:   charge.PeriodEnd.Unix(), Metadata: metadata,
	}}
	if charge.Tax != nil {
		frozen.Item.TaxCode, frozen.Item.TaxBehavior = charge.Tax.Code, string(charge.Tax.Behavior)
	}
	if way.mode == plan.ModeRenewal {
		frozen.Item.Subscription, frozen.Item.Invoice = "", way.draft.id
	}
	if way.mode == plan.ModeCreditNote {
		frozen.Item.Subscription = ""
		frozen.Credit = &creditRequest{
			Invoice: way.credited, Amount: -charge.AmountMinor, Paid: way.paid, Memo: plan.Shorten(line, memoMost),
			Metadata: metadata,
		}
	}
	if way.collection != nil {
		frozen.Invoice = &invoiceRequest{
			Subscription: way.subscription, CollectionMethod: way.collection.method, DaysUntilDue: way.collection.daysUntilDue,
			Description: plan.Shorten(words.WholeLine(charge), invoiceDescriptionMost),
			Metadata: words.Metadata(charge, map[string]string{
				stripe.MetadataBillID: billID(charge, way.mode), stripe.MetadataPlan: planSHA,
			}),
			AutomaticTax: way.collection.automaticTax,
		}
	}
	text, err := plan.Canonical(frozen)
	if err != nil {
		return nil, fmt.Errorf("freeze request of charge %s: %w", charge.ID, err)
	}
	return text, nil
}

// sharesInvoice tells whether a charge is a part of one that has an invoice of its own.
func sharesInvoice(charge plan.Charge, mode string) bool {
	return charge.Group != nil && (mode == plan.ModeInvoice || mode == plan.ModeDraft)
}

// billID is what an invoice that is made for a charge is known by: the parts of one share it.
func billID(charge plan.Charge, mode string) string {
	if sharesInvoice(charge, mode) {
		return charge.Group.Head()
	}
	return charge.ID
}

// billed is the charge under whose id its invoice is made.
func billed(charge plan.FrozenCharge) plan.FrozenCharge {
	charge.ID = billID(charge.Charge, charge.Mode)
	return charge
}

// goingBy is the charge as it is frozen for a way to its customer.
func goingBy(charge plan.FrozenCharge, way target, words plan.Wording) (plan.FrozenCharge, error) {
	request, err := freezeRequest(charge.Charge, charge.PlanSHA, way, words)
	charge.Mode, charge.Target, charge.Request = way.mode, way.subscription, request
	return charge, err
}

// metadataValue keeps a value within Stripe's 500 characters. Ids are at most 256 bytes, so nothing is cut in practice.
func metadataValue(text string) string { return text[:min(len(text), 500)] }

func requestOf(f plan.FrozenCharge) (request, error) {
	var parsed request
	if err := json.Unmarshal(f.Request, &parsed); err != nil {
		return request{}, fmt.Errorf("read frozen request of charge %s: %w", f.ID, err)
	}
	return parsed, nil
}

// itemParams are the frozen parameters as stripe-go sends them. ownInvoice is the charge's own; empty if it has none.
func (r itemRequest) itemParams(ownInvoice string) *stripego.InvoiceItemParams {
	params := &stripego.InvoiceItemParams{
		Customer: &r.Customer, Currency: &r.Currency, Amount: &r.Amount, Description: &r.Description,
		// A coupon of the customer is for the subscription's price; overage is not discounted.
		Discountable: stripego.Bool(false),
		Period:       &stripego.InvoiceItemPeriodParams{Start: &r.PeriodStart, End: &r.PeriodEnd},
	}
	if r.Subscription != "" {
		params.Subscription = &r.Subscription
	}
	if invoice := cmp.Or(r.Invoice, ownInvoice); invoice != "" {
		params.Invoice = &invoice
	}
	if r.TaxCode != "" {
		params.TaxCode = &r.TaxCode
	}
	if r.TaxBehavior != "" {
		params.TaxBehavior = &r.TaxBehavior
	}
	for name, value := range r.Metadata {
		params.AddMetadata(name, value)
	}
	return params
}

func (r invoiceRequest) invoiceParams(item itemRequest) *stripego.InvoiceParams {
	pending := "exclude"
	if r.Subscription != "" {
		pending = "include"
	}
	params := &stripego.InvoiceParams{
		Customer: &item.Customer, Currency: &item.Currency, CollectionMethod: &r.CollectionMethod,
		Description: &r.Description,
		// Stripe must not finalize a draft that is filled only in part, nor sweep other items into one for a charge alone.
		AutoAdvance:                 stripego.Bool(false),
		PendingInvoiceItemsBehavior: &pending,
	}
	if r.Subscription != "" {
		params.Subscription = &r.Subscription
	}
	if r.DaysUntilDue > 0 {
		params.DaysUntilDue = &r.DaysUntilDue
	}
	if r.AutomaticTax {
		params.AutomaticTax = &stripego.InvoiceAutomaticTaxParams{Enabled: stripego.Bool(true)}
	}
	for name, value := range r.Metadata {
		params.AddMetadata(name, value)
	}
	return params
}
