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
	// HoldCodes say for programs why it is held; empty where it is not.
	HoldCodes []plan.HoldCode `json:"hold_codes"`
	// Adopted: Stripe held of it what the ledger did not know to have been sent, as after a restore.
	Adopted bool `json:"adopted"`
	// Currency of AmountMinor.
	Currency string `json:"currency"`

	// again: the charge waits for others of the same run.
	again bool
}

// ReportOn is the report on a charge that stands so. One that is held has the codes of the charge; where those tell
// nothing, it is what Stripe is like now that holds it.
func ReportOn(f plan.FrozenCharge, status, stripeID, reason string) Report {
	codes := []plan.HoldCode{}
	if status == plan.StatusHeld {
		if codes = append(codes, f.HoldCodes...); len(codes) == 0 {
			codes = append(codes, plan.HoldAtStripe)
		}
	}
	return Report{
		ChargeID: f.ID, CustomerID: f.CustomerID, Status: status, StripeID: stripeID, AmountMinor: f.AmountMinor,
		Reason: reason, HoldCodes: codes, Currency: f.Currency,
	}
}

// HeldFor is the report on a charge of a plan that is held for a reason of that code.
func HeldFor(charge plan.Charge, code plan.HoldCode, reason string) Report {
	charge.HoldCodes = []plan.HoldCode{code}
	return ReportOn(plan.FrozenCharge{Charge: charge}, plan.StatusHeld, "", reason)
}
