package post

import "github.com/creditmill/creditmill/invoice/plan"

// target is how a charge will reach its customer.
type target struct {
	mode         string
	subscription string
	collection   *collection
	// byInvoice is how an invoice of the subscription is paid, should one be made at once.
	byInvoice collection
	// draft is the invoice that renews the subscription, for ModeRenewal.
	draft draft
	// credited is the invoice that a credit note is written on, for ModeCreditNote; paid tells that it is paid.
	credited string
	paid     bool
	// note tells why a charge is not on the invoice that renews its subscription; empty if it is, or need not be.
	note string
}

// collection is how an invoice of its own is paid.
type collection struct {
	method       string
	daysUntilDue int64
	// automaticTax lets Stripe compute the tax on it.
	automaticTax bool
}

// atOnce is a subscription's target with an invoice made at once, pending is one that leaves the item to an invoice
// that is made otherwise.
func (t target) atOnce() target {
	t.mode, t.collection, t.draft = plan.ModeBillNow, &t.byInvoice, draft{}
	return t
}

func (t target) pending() target {
	t.mode, t.collection, t.draft = plan.ModeSubscription, nil, draft{}
	return t
}
