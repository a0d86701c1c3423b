package pricebook

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

// PriceOf returns a model's price at an instant for a customer (empty: one without costs of its own) whose product has
// credits of the given system (empty: none): in that system where it prices the model, else in the one that does.
// False: the model is unrated; FeatureID tells whether it is known at all.
func (b *Book) PriceOf(customer, model, productSystem string, at time.Time) (Price, bool) {
	feature, ok := b.catalog.FeatureOf(model)
	if !ok {
		return Price{}, false
	}
	return b.FeaturePrice(customer, feature.ID, productSystem, at)
}

// FeaturePrice is PriceOf for the models of a feature.
func (b *Book) FeaturePrice(customer, featureID, productSystem string, at time.Time) (Price, bool) {
	price, priced := b.featurePrice(customer, featureID, productSystem, at)
	price.Effective = b.epochs[b.EpochAt(customer, at)-b.base].start
	return price, priced
}

// priceIn is the price in an epoch, in all of which it is the same.
func (b *Book) priceIn(in epoch, model, productSystem string) (Price, bool) {
	feature, ok := b.catalog.FeatureOf(model)
	if !ok {
		return Price{}, false
	}
	price, priced := b.featurePrice(in.customer, feature.ID, productSystem, in.start)
	price.Effective = in.start
	return price, priced
}

func (b *Book) featurePrice(customer, featureID, productSystem string, at time.Time) (Price, bool) {
	result, found := Price{FeatureID: featureID}, false
	for _, system := range b.catalog.CreditSystems {
		costs, ok := b.catalog.CostsFor(customer, system, featureID, at)
		if ok && (!found || system.ID == productSystem) {
			result.CreditSystem, result.Costs, found = system.ID, costs, true
		}
	}
	return result, found
}

// Credits is what tokens of one pool cost; false if the pool has no price. It is the one place in Go where tokens meet
// their price. rate.sql multiplies the sums of a run, and v_spend_daily those that analysts see; tests hold them
// against each other to the last digit.
func (p Price) Credits(pool schemas.Pool, tokens decimal.Decimal) (credits decimal.Decimal, priced bool) {
	cost := p.Costs[pool]
	return tokens.Mul(cost.Decimal), cost.Valid
}
