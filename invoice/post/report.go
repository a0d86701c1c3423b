package post

import "github.com/creditmill/creditmill/invoice/plan"

// Report says what became of a charge. Its JSON is that of `invoice post`.
type Report struct {
	ChargeID    string `json:"charge_id"`
	CustomerID  string `json:"customer_id"`
	Status      string `json:"status"`
	StripeID    string `json:"stripe_id"`
	AmountMinor int64  `json:"amount_minor"`
	// Reason says why a charge is held or open, or what a person should know of one that is posted.
	Reason string `json:"hold_reason"`
	// Adopted: Stripe held of it what the ledger did not know to have been sent, as after a restore.
	Adopted bool `json:"adopted"`
	// Currency of AmountMinor.
	Currency string `json:"currency"`

	// again: the charge waits for others of the same run.
	again bool
}

// ReportOn is the report on a charge that stands so.
func ReportOn(f plan.FrozenCharge, status, stripeID, reason string) Report {
	return Report{
		ChargeID: f.ID, CustomerID: f.CustomerID, Status: status, StripeID: stripeID, AmountMinor: f.AmountMinor,
		Reason: reason, Currency: f.Currency,
	}
}
