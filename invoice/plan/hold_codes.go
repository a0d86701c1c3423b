package plan

import (
	"slices"
	"strings"
)

// HoldCode says why a charge is held, for programs: it never changes, as the words of a hold reason may.
type HoldCode string

// Codes of a plan. docs/finance.md says of each what ends it.
const (
	// HoldNoCustomer: the customer has no Stripe customer.
	HoldNoCustomer HoldCode = "no_stripe_customer"
	// HoldCustomerDeleted: Stripe has its customer no more.
	HoldCustomerDeleted HoldCode = "customer_deleted"
	// HoldSubscriptionGone: Stripe has no such subscription.
	HoldSubscriptionGone HoldCode = "subscription_gone"
	// HoldNotCollected: Stripe collects nothing for the subscription: it is paused, unpaid or not complete.
	HoldNotCollected HoldCode = "not_collected"
	// HoldUnreachable: no subscription runs, and there is neither a payment method nor an e-mail address.
	HoldUnreachable HoldCode = "unreachable"
	// HoldNotTaxable: an invoice with automatic tax does not take it.
	HoldNotTaxable HoldCode = "not_taxable"
	// HoldUnrated: usage of the period has no price.
	HoldUnrated HoldCode = "unrated"
	// HoldIncomplete: a file is missing, or usage that is expected or that a provider counted.
	HoldIncomplete HoldCode = "incomplete"
	// HoldAboveMax: it is above max_charge.
	HoldAboveMax HoldCode = "above_max_charge"
	// HoldAnomaly: the period used far more than is usual.
	HoldAnomaly HoldCode = "anomaly"
	// HoldCredit: it is a credit.
	HoldCredit HoldCode = "credit"
	// HoldByPerson: somebody keeps it back.
	HoldByPerson HoldCode = "by_person"
	// HoldBilledAgain: it bills a period or a void invoice again, or follows from that.
	HoldBilledAgain HoldCode = "billed_again"
	// HoldLate: a closed period changed later than late_window.
	HoldLate HoldCode = "late"
	// HoldEarlierOpen: a charge of the same period is not posted yet.
	HoldEarlierOpen HoldCode = "earlier_open"
	// HoldOtherCurrency: the period was charged in another currency.
	HoldOtherCurrency HoldCode = "other_currency"
	// HoldOverlap: its period shares time with a closed one, or it is planned twice.
	HoldOverlap HoldCode = "overlap"
	// HoldNotComputable: the figures cannot be computed.
	HoldNotComputable HoldCode = "not_computable"
	// HoldRefused: Stripe refused it for good.
	HoldRefused HoldCode = "stripe_refused"
	// HoldUnreadable: its row in the ledger is damaged.
	HoldUnreadable HoldCode = "unreadable"
	// HoldBeingResolved: somebody began to settle it by hand.
	HoldBeingResolved HoldCode = "being_resolved"
)

// Codes that only a post gives.
const (
	// HoldNotApproved: it waits for an approval.
	HoldNotApproved HoldCode = "not_approved"
	// HoldNotVoid: it bills an invoice again that is void no more, or cannot be seen to be.
	HoldNotVoid HoldCode = "not_void"
	// HoldAfterRestore: what Stripe holds since a restore speaks against it.
	HoldAfterRestore HoldCode = "after_restore"
	// HoldSettling: usage of its period may still arrive.
	HoldSettling HoldCode = "settling"
	// HoldDayFull: its subscription has had as many invoices as a day takes.
	HoldDayFull HoldCode = "day_full"
	// HoldAtStripe: Stripe's state as the post found it; the next preview says which.
	HoldAtStripe HoldCode = "at_stripe"
)

// holdLabels are the codes with a few words for each, in the order of the documentation.
var holdLabels = []struct {
	code  HoldCode
	label string
}{
	{HoldNoCustomer, "no Stripe customer"},
	{HoldCustomerDeleted, "customer deleted at Stripe"},
	{HoldSubscriptionGone, "subscription gone at Stripe"},
	{HoldNotCollected, "not collected at Stripe"},
	{HoldUnreachable, "no way to pay"},
	{HoldNotTaxable, "not taxable"},
	{HoldUnrated, "unrated usage"},
	{HoldIncomplete, "usage missing"},
	{HoldAboveMax, "above max_charge"},
	{HoldAnomaly, "unusual spend"},
	{HoldCredit, "a credit"},
	{HoldByPerson, "held by a person"},
	{HoldBilledAgain, "billed again"},
	{HoldLate, "later than late_window"},
	{HoldEarlierOpen, "an earlier charge is open"},
	{HoldOtherCurrency, "another currency"},
	{HoldOverlap, "overlapping periods"},
	{HoldNotComputable, "figures not computable"},
	{HoldRefused, "refused by Stripe"},
	{HoldUnreadable, "damaged in the ledger"},
	{HoldBeingResolved, "being settled by hand"},
	{HoldNotApproved, "not approved"},
	{HoldNotVoid, "invoice not void"},
	{HoldAfterRestore, "unclear after a restore"},
	{HoldSettling, "usage may still arrive"},
	{HoldDayFull, "no more invoices today"},
	{HoldAtStripe, "as Stripe is now"},
}

// HoldCodes is every code.
func HoldCodes() []HoldCode {
	codes := make([]HoldCode, 0, len(holdLabels))
	for _, each := range holdLabels {
		codes = append(codes, each.code)
	}
	return codes
}

// PlannedHoldCodes is every code that a plan can give.
func PlannedHoldCodes() []HoldCode {
	codes := HoldCodes()
	return codes[:slices.Index(codes, HoldNotApproved)]
}

// Label is a few words for people; an unknown code is its own.
func (c HoldCode) Label() string {
	for _, each := range holdLabels {
		if each.code == c {
			return each.label
		}
	}
	return string(c)
}

// Releasable tells whether a person can end such a hold; others end with their cause.
func (c HoldCode) Releasable() bool {
	switch c {
	case HoldAboveMax, HoldAnomaly, HoldCredit, HoldByPerson, HoldBilledAgain:
		return true
	}
	return false
}

// withCode adds a code to those of a charge, each once. The list may be shared with other parts of the charge.
func withCode(codes []HoldCode, code HoldCode) []HoldCode {
	if slices.Contains(codes, code) {
		return codes
	}
	return append(slices.Clip(codes), code)
}

// HeldByCode counts a plan's held charges by code: one with several reasons counts for each.
func (p Plan) HeldByCode() map[HoldCode]int {
	counts := map[HoldCode]int{}
	for _, charge := range p.Charges {
		for _, code := range charge.HoldCodes {
			counts[code]++
		}
	}
	return counts
}

// JoinCodes writes codes for a cell of a table: one after the other, with a blank between them.
func JoinCodes(codes []HoldCode) string {
	texts := make([]string, 0, len(codes))
	for _, code := range codes {
		texts = append(texts, string(code))
	}
	return strings.Join(texts, " ")
}

// codes writes a list of codes; nil as null.
func (j *jsonText) codes(name string, codes []HoldCode) {
	j.text = append(j.text, name...)
	if codes == nil {
		j.text = append(j.text, "null"...)
		return
	}
	j.text = append(j.text, '[')
	for i, code := range codes {
		if i > 0 {
			j.text = append(j.text, ',')
		}
		j.string("", string(code))
	}
	j.text = append(j.text, ']')
}
