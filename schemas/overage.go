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
	// Volume says that the tier which holds a period's last credit prices all of its credits, not its own range alone.
	Volume bool
	// Minimum is the least that a period's overage costs where it costs anything, in the catalog's currency; 0 = none.
	Minimum decimal.Decimal
	// ChargeEvery is the amount of overage at each multiple of which a period that goes on is charged; 0 = at its end.
	ChargeEvery decimal.Decimal
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
	// Flat is charged once a period whose overage reaches the range; by volume, whose overage ends in it.
	Flat decimal.Decimal `json:"flat,omitzero"`
}

// How tiers price credits, as the catalog has it.
const (
	tiersGraduated = "graduated"
	tiersVolume    = "volume"
)

// TiersMode is how the tiers are read: volume, or empty where each credit costs what its own range says.
func (o Overage) TiersMode() string {
	if o.Volume {
		return tiersVolume
	}
	return ""
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

// Amount is the exact price of so many overage credits of one period, in the catalog's currency: by their tiers, with
// the flat fees of those, and at least the minimum unless they are free.
func (o Overage) Amount(credits decimal.Decimal) decimal.Decimal {
	amount := o.graduated(credits)
	if o.Volume {
		amount = o.byVolume(credits)
	}
	if amount.IsPositive() {
		return decimal.Max(amount, o.Minimum)
	}
	return amount
}

// graduated adds up the tiers that are reached: each credit costs what its own range says.
func (o Overage) graduated(credits decimal.Decimal) decimal.Decimal {
	amount, below := decimal.Zero, decimal.Zero
	for _, tier := range o.Prices() {
		end := credits
		if tier.UpTo.IsPositive() {
			end = decimal.Min(credits, tier.UpTo)
		}
		if end.LessThanOrEqual(below) {
			break
		}
		amount = amount.Add(end.Sub(below).Mul(tier.PerCredit)).Add(tier.Flat)
		below = end
	}
	return amount
}

// byVolume prices all credits by the tier that holds the last of them.
func (o Overage) byVolume(credits decimal.Decimal) decimal.Decimal {
	for _, tier := range o.Prices() {
		if credits.IsPositive() && (tier.UpTo.IsZero() || credits.LessThanOrEqual(tier.UpTo)) {
			return credits.Mul(tier.PerCredit).Add(tier.Flat)
		}
	}
	return decimal.Zero
}
