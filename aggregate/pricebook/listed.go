package pricebook

import (
	"slices"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// Listed is a model's price in one credit system from one instant to another.
type Listed struct {
	Customer     string // empty: everyone without costs of their own
	Model        string
	CreditSystem string
	FeatureID    string
	From, To     time.Time // a zero To is open
	Costs        schemas.PoolCosts
}

// Listed returns all prices of the models: one for each version of each system's price list, and for customers with
// costs of their own, one for each of their epochs and each model that their costs name.
func (b *Book) Listed(models []string) []Listed {
	var result []Listed
	for _, model := range models {
		feature, ok := b.catalog.FeatureOf(model)
		if !ok {
			continue
		}
		for _, system := range b.catalog.CreditSystems {
			for i, version := range system.Costs {
				costs, ok := version.PerToken[feature.ID]
				if !ok {
					continue
				}
				price := Listed{"", model, system.ID, feature.ID, version.Effective, time.Time{}, costs}
				if i+1 < len(system.Costs) {
					price.To = system.Costs[i+1].Effective
				}
				result = append(result, price)
			}
			for _, customer := range b.own {
				if b.overrides(customer, feature.ID) {
					result = append(result, b.listedFor(customer, model, system, feature.ID)...)
				}
			}
		}
	}
	return result
}

func (b *Book) overrides(customer, feature string) bool {
	return slices.ContainsFunc(b.catalog.OverridesOf(customer), func(override schemas.Override) bool {
		_, named := override.PerToken[feature]
		return named
	})
}

func (b *Book) listedFor(customer, model string, system schemas.CreditSystem, feature string) []Listed {
	var result []Listed
	for place := b.first[customer]; ; place++ {
		from := b.epochs[place].start
		to, more := b.nextChange(place)
		if costs, ok := b.catalog.CostsFor(customer, system, feature, from); ok {
			result = append(result, Listed{customer, model, system.ID, feature, from, to, costs})
		}
		if !more {
			return result
		}
	}
}
