package pricebook

import (
	"slices"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// Listed is the price of what was used in one credit system from one instant to another.
type Listed struct {
	Customer     string // empty: everyone without costs of their own
	Used         Used
	CreditSystem string
	FeatureID    string
	From, To     time.Time // a zero To is open
	Costs        schemas.UnitCosts
}

// Listed returns all prices of what was used: one for each version of each system's price list, and for customers with
// costs of their own, one for each of their epochs and each of these that their costs name.
// Of what does not depend on circumstances there is one, under none.
func (b *Book) Listed(all []Used) []Listed {
	var result []Listed
	done := map[Used]bool{}
	for _, used := range all {
		if !b.Depends(used) {
			used.Under = ""
		}
		if done[used] {
			continue
		}
		done[used] = true
		feature, ok := b.catalog.FeatureUsed(used.Model, used.Feature)
		if !ok {
			continue
		}
		for _, system := range b.catalog.CreditSystems {
			for i, version := range system.Costs {
				costs, ok := version.ByFeature[feature.ID]
				if !ok {
					continue
				}
				price := Listed{"", used, system.ID, feature.ID, version.Effective, time.Time{}, underAll(costs, used)}
				if i+1 < len(system.Costs) {
					price.To = system.Costs[i+1].Effective
				}
				result = append(result, price)
			}
			for _, customer := range b.own {
				if b.overrides(customer, feature.ID) {
					result = append(result, b.listedFor(customer, used, system, feature.ID)...)
				}
			}
		}
	}
	return result
}

func (b *Book) overrides(customer, feature string) bool {
	return slices.ContainsFunc(b.catalog.OverridesOf(customer), func(override schemas.Override) bool {
		_, named := override.ByFeature[feature]
		return named
	})
}

func (b *Book) listedFor(customer string, used Used, system schemas.CreditSystem, feature string) []Listed {
	var result []Listed
	for place := b.first[customer]; ; place++ {
		from := b.epochs[place].start
		to, more := b.nextChange(place)
		if costs, ok := b.catalog.CostsFor(customer, system, feature, from); ok {
			result = append(result, Listed{customer, used, system.ID, feature, from, to, underAll(costs, used)})
		}
		if !more {
			return result
		}
	}
}

// underAll are costs under the circumstances of what was used.
func underAll(costs schemas.UnitCosts, used Used) schemas.UnitCosts {
	price := Price{Costs: costs}
	price.under(used.Under)
	return price.Costs
}
