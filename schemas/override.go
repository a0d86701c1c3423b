package schemas

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Override is what one customer has instead of what the catalog says for all, in force in [Effective, Until).
type Override struct {
	CustomerID string
	Effective  time.Time
	// Until is exclusive; zero while it goes on.
	Until time.Time
	// Product is the one whose terms are changed; empty where only costs are.
	Product string
	// Included, if valid or Unlimited, replaces the allowance.
	Included  decimal.NullDecimal
	Unlimited bool
	// Prices, if any, replace the prices of overage.
	Prices []Tier
	// Volume is how Prices are read; see Overage.
	Volume bool
	// Minimum, if valid, replaces the minimum of overage; 0 lifts it.
	Minimum decimal.NullDecimal
	// Limit, if valid, replaces the limit of overage; 0 lifts it.
	Limit decimal.NullDecimal
	// HardCap takes the overage away: there is no use beyond the allowance.
	HardCap bool
	// System is the credit system of ByFeature; empty where costs are not changed.
	System string
	// ByFeature are costs by feature id. Features and units that it leaves out cost what all pay.
	ByFeature map[string]UnitCosts
}

// holds tells whether the override is in force at t.
func (o Override) holds(t time.Time) bool {
	return !t.Before(o.Effective) && (o.Until.IsZero() || t.Before(o.Until))
}

// overlaps tells whether both are in force at some instant.
func (o Override) overlaps(other Override) bool {
	return (o.Until.IsZero() || other.Effective.Before(o.Until)) &&
		(other.Until.IsZero() || o.Effective.Before(other.Until))
}

// Terms returns what a customer has of a product at t: the version in force then, with the customer's overrides laid
// over it.
func (c *Catalog) Terms(customer string, product Product, t time.Time) ProductVersion {
	terms := product.At(t)
	for _, override := range c.byCustomer[customer] {
		if override.Product == product.ID && override.holds(t) && terms.Credits != nil {
			terms.Credits = override.apply(*terms.Credits)
		}
	}
	return terms
}

func (o Override) apply(credits Credits) *Credits {
	if o.Included.Valid || o.Unlimited {
		credits.Included, credits.Unlimited = o.Included.Decimal, o.Unlimited
	}
	switch {
	case o.HardCap:
		credits.HardCap, credits.Overage = true, nil
	case credits.Overage != nil:
		overage := *credits.Overage
		if len(o.Prices) > 0 {
			overage.PerCredit, overage.Tiers = flatten(o.Prices)
			overage.Volume = o.Volume
		}
		if o.Limit.Valid {
			overage.Limit = o.Limit.Decimal
		}
		if o.Minimum.Valid {
			overage.Minimum = o.Minimum.Decimal
		}
		credits.Overage = &overage
	}
	return &credits
}

// flatten is the inverse of Overage.Prices.
func flatten(prices []Tier) (perCredit decimal.Decimal, tiers []Tier) {
	if len(prices) == 1 && prices[0].Flat.IsZero() {
		return prices[0].PerCredit, nil
	}
	return decimal.Zero, prices
}

// CostsFor returns what a feature's units cost a customer at t in a credit system; false if the system does not price
// the feature then. The empty customer id stands for customers without overrides.
func (c *Catalog) CostsFor(customer string, system CreditSystem, feature string, t time.Time) (UnitCosts, bool) {
	version, ok := system.CostsAt(t)
	if !ok {
		return UnitCosts{}, false
	}
	costs, ok := version.ByFeature[feature]
	if !ok {
		return UnitCosts{}, false
	}
	for _, override := range c.byCustomer[customer] {
		if override.System != system.ID || !override.holds(t) {
			continue
		}
		if own, ok := override.ByFeature[feature]; ok {
			costs = costs.with(own)
		}
	}
	return costs, true
}

// OverriddenCustomers are the customers that have overrides, sorted.
func (c *Catalog) OverriddenCustomers() []string {
	customers := make([]string, 0, len(c.byCustomer))
	for customer := range c.byCustomer {
		customers = append(customers, customer)
	}
	slices.Sort(customers)
	return customers
}

// OverridesOf are a customer's overrides in the order of the file.
func (c *Catalog) OverridesOf(customer string) []Override { return c.byCustomer[customer] }
