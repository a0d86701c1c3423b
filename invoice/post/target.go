package post

import "github.com/creditmill/creditmill/invoice/plan"

// target is how a charge will reach its customer.
type target struct {
	mode         string
	subscription string
	collection   *collection
	// byInvoice is how an invoice of the subscription is paid, should one be made at once.
	byInvoice collection
}

// collection is how an invoice of its own is paid.
type collection struct {
	method       string
	daysUntilDue int64
}

// atOnce is a subscription's target with an invoice made at once, pending is one that leaves the item to an invoice
// that is made otherwise.
func (t target) atOnce() target {
	t.mode, t.collection = plan.ModeBillNow, &t.byInvoice
	return t
}

func (t target) pending() target {
	t.mode, t.collection = plan.ModeSubscription, nil
	return t
}
