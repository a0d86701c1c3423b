package plan

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
)

// Group is a charge that is posted as one item a feature: what all of its parts share. It is frozen with each of them.
type Group struct {
	// Charges are the ids of the parts, the one with the charge's own id first.
	Charges []string `json:"charges"`
	// What follows is of the charge as a whole.
	AmountMinor     int64           `json:"amount_minor"`
	AmountExact     decimal.Decimal `json:"amount_exact"`
	BillableCredits decimal.Decimal `json:"billable_credits"`
	BilledCredits   decimal.Decimal `json:"billed_credits"`
	Features        []string        `json:"features"`
}

// Head is the id of the first part, which is the whole charge's; empty without a group.
func (g *Group) Head() string {
	if g == nil {
		return ""
	}
	return g.Charges[0]
}

// place is where a part stands among the others.
func (g *Group) place(chargeID string) int {
	if g == nil {
		return 0
	}
	return slices.Index(g.Charges, chargeID)
}

// mostItems is how many items a charge is posted as. An invoice takes 250 lines
// (docs.stripe.com/invoicing/multi-currency-customers), and a customer reads fewer.
const mostItems = 40

// byFeature divides a charge in parts, one a feature, in the order of its lines. A line of nothing has no part of its
// own, and of more than mostItems the smallest share the last one. The lines add up to the charge and have its sign, so
// the parts do. A part may be below the least that Stripe charges, which is a bound of an invoice's amount due
// (docs.stripe.com/currencies#minimum-and-maximum-charge-amounts), not of a line. As with a split one, the first part
// keeps the charge's id, its credits and what was rounded.
func byFeature(charge Charge, identity Identity, currency money.Currency) []Charge {
	shares := shareOut(charge.Lines)
	if len(shares) < 2 {
		return []Charge{charge}
	}
	group := &Group{
		AmountMinor: charge.AmountMinor, AmountExact: charge.AmountExact, BillableCredits: charge.BillableCredits,
		BilledCredits: charge.BilledCredits,
	}
	for _, line := range charge.Lines {
		group.Features = append(group.Features, line.FeatureID)
	}
	parts := make([]Charge, 0, len(shares))
	for i, lines := range shares {
		own := charge
		own.Group, own.PartOf, own.Lines, own.AmountMinor = group, charge.ID, lines, 0
		for _, line := range lines {
			own.AmountMinor += line.AmountMinor
		}
		if i > 0 {
			identity.Part = i
			own.ID = identity.ChargeID()
			own.BillableCredits, own.BilledCredits, own.Residual = decimal.Zero, decimal.Zero, decimal.Zero
			own.AmountExact = currency.FromMinor(own.AmountMinor)
			parts[0].AmountExact = parts[0].AmountExact.Sub(own.AmountExact)
		}
		group.Charges = append(group.Charges, own.ID)
		parts = append(parts, own)
	}
	return parts
}

// shareOut are the lines of each part.
func shareOut(lines []Line) [][]Line {
	var billed, rest []Line
	for _, line := range lines {
		if line.AmountMinor == 0 {
			rest = append(rest, line)
			continue
		}
		billed = append(billed, line)
	}
	small := int64(0)
	if len(billed) > mostItems {
		amounts := make([]int64, len(billed))
		for i, line := range billed {
			amounts[i] = abs(line.AmountMinor)
		}
		slices.SortFunc(amounts, func(a, b int64) int { return cmp.Compare(b, a) })
		small = amounts[mostItems-1]
	}
	var shares [][]Line
	var together []Line
	for _, line := range billed {
		if abs(line.AmountMinor) > small {
			shares = append(shares, []Line{line})
			continue
		}
		together = append(together, line)
	}
	if len(together) > 0 {
		shares = append(shares, together)
	}
	if last := len(shares) - 1; last >= 0 {
		shares[last] = append(shares[last], rest...)
	}
	return shares
}

// whole is the charge, or the one that it is a part of. Only the first part stands for that one; counts is false for
// the others.
func (c Charge) whole() (amountMinor int64, counts bool) {
	if c.Group == nil {
		return c.AmountMinor, true
	}
	return c.Group.AmountMinor, c.ID == c.Group.Head()
}

// Compared is what is compared with the period before: an overage, once as a whole.
func (c Charge) Compared() (amountMinor int64, compared bool) {
	amountMinor, counts := c.whole()
	return amountMinor, counts && c.Kind == KindOverage
}

// FrozenGroup is the group that a frozen request says its charge is a part of; nil if it is none.
func FrozenGroup(request []byte) *Group {
	var frozen struct {
		Group *Group `json:"group"`
	}
	if err := json.Unmarshal(request, &frozen); err != nil || frozen.Group == nil || len(frozen.Group.Charges) == 0 {
		return nil
	}
	return frozen.Group
}
