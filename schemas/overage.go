package schemas

import (
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
)

// Overage is how usage beyond the allowance is sold: at one price, or at prices by range.
type Overage struct {
	// PerCredit is the price of one credit in the catalog's currency; zero where Tiers are given.
	PerCredit decimal.Decimal
	// Tiers are the ranges in order, none for a single price. The last one is open.
	Tiers []Tier
	// BillingUnits is the number of credits sold at a time; at least 1.
	BillingUnits int64
	// Limit is the most overage credits billed in a period; 0 = no limit.
	Limit decimal.Decimal
}

// Tier is the price of the credits of one range of a period's overage: from the end of the tier before it up to UpTo.
type Tier struct {
	// UpTo is the last credit of the range; 0 in the last tier, which is open.
	UpTo      decimal.Decimal `json:"up_to,omitzero"`
	PerCredit decimal.Decimal `json:"per_credit"`
}

// Prices are the tiers, or the single price as a tier.
func (o Overage) Prices() []Tier {
	if len(o.Tiers) == 0 {
		return []Tier{{PerCredit: o.PerCredit}}
	}
	return o.Tiers
}

// Billable is the part of a period's overage that has a price: all of it up to the limit.
func (o Overage) Billable(overage decimal.Decimal) decimal.Decimal {
	if o.Limit.IsPositive() {
		return decimal.Min(overage, o.Limit)
	}
	return overage
}

// Billed is what is sold for so many billable credits of a period: them, rounded up to billing units, never above the
// limit.
func (o Overage) Billed(billable decimal.Decimal) decimal.Decimal {
	return o.Billable(money.CeilUnits(billable, o.BillingUnits))
}

// Amount is the exact price of so many overage credits of one period, in the catalog's currency. Prices are graduated:
// each credit costs what its own range says. Amount(a+b) - Amount(a) is what b more credits add.
func (o Overage) Amount(credits decimal.Decimal) decimal.Decimal {
	amount, below := decimal.Zero, decimal.Zero
	for _, tier := range o.Prices() {
		end := credits
		if tier.UpTo.IsPositive() {
			end = decimal.Min(credits, tier.UpTo)
		}
		if end.LessThanOrEqual(below) {
			break
		}
		amount = amount.Add(end.Sub(below).Mul(tier.PerCredit))
		below = end
	}
	return amount
}
