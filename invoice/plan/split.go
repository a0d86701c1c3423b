package plan

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
)

// MaxPartMinor is the most that one invoice is charged. It keeps away from Stripe's limit, for what else may be on the
// invoice or is carried into it: the base price, or a customer's balance that is due.
const MaxPartMinor = 97_000_000

// inParts tells whether a charge comes too near to Stripe's limit to be posted as one.
func (c Charge) inParts() bool { return abs(c.AmountMinor) > MaxPartMinor }

// split divides a charge that comes too near to Stripe's limit in parts of one size, so that none is below the least
// that Stripe charges. The first part keeps the charge's id, its credits and whatever was rounded; the others are
// exact. Each has a share of the lines, whose tokens and credits stay those of the whole period.
func split(charge Charge, identity Identity, currency money.Currency) []Charge {
	step := currency.Step
	count := (abs(charge.AmountMinor) + MaxPartMinor - 1) / MaxPartMinor
	var parts []Charge
	rest, lines := charge, charge.Lines
	for part := 0; rest.AmountMinor != 0; part++ {
		own := charge
		own.Split, own.SplitOf = true, charge.ID
		left := max(count-int64(part), 1)
		own.AmountMinor = rest.AmountMinor
		if left > 1 {
			own.AmountMinor = rest.AmountMinor / left / step * step
		}
		rest.AmountMinor -= own.AmountMinor
		own.Lines, lines = takeLines(lines, own.AmountMinor)
		if part > 0 {
			identity.Part = part
			own.ID = identity.ChargeID()
			own.BillableCredits, own.BilledCredits, own.Residual = decimal.Zero, decimal.Zero, decimal.Zero
			own.AmountExact = currency.FromMinor(own.AmountMinor)
			parts[0].AmountExact = parts[0].AmountExact.Sub(own.AmountExact)
		}
		parts = append(parts, own)
	}
	last := &parts[len(parts)-1]
	last.Lines = append(last.Lines, lines...) // those whose share is 0
	return parts
}

// Join joins the parts of a charge again; with no others it is the charge itself.
func Join(charge Charge, parts []Charge) Charge {
	if len(parts) < 2 {
		return charge
	}
	charge.AmountMinor, charge.Lines = 0, nil
	charge.PartOf, charge.SplitOf, charge.Group = "", "", nil
	charge.BillableCredits, charge.BilledCredits = decimal.Zero, decimal.Zero
	charge.AmountExact, charge.Residual = decimal.Zero, decimal.Zero
	for _, part := range parts {
		charge.AmountMinor += part.AmountMinor
		charge.BillableCredits = charge.BillableCredits.Add(part.BillableCredits)
		charge.BilledCredits = charge.BilledCredits.Add(part.BilledCredits)
		charge.AmountExact = charge.AmountExact.Add(part.AmountExact)
		charge.Residual = charge.Residual.Add(part.Residual)
		for _, line := range part.Lines {
			i := slices.IndexFunc(charge.Lines, func(l Line) bool { return l.FeatureID == line.FeatureID })
			if i < 0 {
				charge.Lines = append(charge.Lines, line)
				continue
			}
			charge.Lines[i].AmountMinor += line.AmountMinor
		}
	}
	slices.SortFunc(charge.Lines, func(a, b Line) int { return cmp.Compare(a.FeatureID, b.FeatureID) })
	return charge
}

// PartsOf lists the parts of a charge that is posted in several.
func PartsOf(parts []Charge) []EarlierCharge {
	list := []EarlierCharge{}
	if len(parts) > 1 {
		for _, part := range parts {
			list = append(list, EarlierCharge{part.ID, part.Kind, part.AmountMinor, part.Currency, featureOf(part)})
		}
	}
	return list
}

// takeLines takes lines that come to an amount, cutting the last of them.
func takeLines(lines []Line, amountMinor int64) (taken, left []Line) {
	for i, line := range lines {
		own := line
		if abs(own.AmountMinor) > abs(amountMinor) {
			own.AmountMinor = amountMinor
		}
		amountMinor -= own.AmountMinor
		taken = append(taken, own)
		if amountMinor == 0 {
			line.AmountMinor -= own.AmountMinor
			if line.AmountMinor != 0 {
				left = append(left, line)
			}
			return taken, append(left, lines[i+1:]...)
		}
	}
	return taken, nil
}

// EarlierCharge is a charge of the same period.
type EarlierCharge struct {
	ID          string `json:"charge_id"`
	Kind        string `json:"kind"`
	AmountMinor int64  `json:"amount_minor"`
	Currency    string `json:"currency"`
	// FeatureID is that of a part which is a feature's; empty for others.
	FeatureID string `json:"feature_id,omitempty"`
}

// featureOf is the feature that a part of a charge by feature is of.
func featureOf(part Charge) string {
	if part.Group == nil || len(part.Lines) == 0 {
		return ""
	}
	return part.Lines[0].FeatureID
}
