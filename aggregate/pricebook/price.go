package pricebook

import (
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

// Used is what an event used: a model, or a feature that the log names.
type Used struct {
	Model, Feature string
	// Under are the circumstances that it was used under, as schemas.ParseCircumstances reads them.
	Under string
}

// String is the name that the log has for it.
func (u Used) String() string { return u.Model + u.Feature }

// PriceOf returns the price of what was used at an instant for a customer (empty: one without costs of its own) whose
// product has credits of the given system (empty: none): in that system where it prices the model, else in the one that
// does. False: it is unrated; FeatureID tells whether it is known at all.
func (b *Book) PriceOf(customer string, used Used, productSystem string, at time.Time) (Price, bool) {
	feature, ok := b.catalog.FeatureUsed(used.Model, used.Feature)
	if !ok {
		return Price{}, false
	}
	price, priced := b.featurePrice(customer, feature.ID, productSystem, at)
	price.Effective = b.epochs[b.EpochAt(customer, at)-b.base].start
	price.under(used.Under)
	return price, priced
}

// under are the price's costs under circumstances.
func (p *Price) under(circumstances string) {
	if len(p.Costs.When) > 0 {
		p.Costs = p.Costs.Under(schemas.ParseCircumstances(circumstances))
	}
}

// FeaturePrice is PriceOf for a feature, without dimensions and with every test failed.
func (b *Book) FeaturePrice(customer, featureID, productSystem string, at time.Time) (Price, bool) {
	price, priced := b.featurePrice(customer, featureID, productSystem, at)
	price.Effective = b.epochs[b.EpochAt(customer, at)-b.base].start
	price.under("")
	return price, priced
}

// priceIn is the price in an epoch, in all of which it is the same.
func (b *Book) priceIn(in epoch, used Used, productSystem string) (Price, bool) {
	feature, ok := b.catalog.FeatureUsed(used.Model, used.Feature)
	if !ok {
		return Price{}, false
	}
	price, priced := b.featurePrice(in.customer, feature.ID, productSystem, in.start)
	price.Effective = in.start
	price.under(used.Under)
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

// Credits is what a quantity of a unit costs; false if the unit has no price. It is the one place in Go where
// quantities meet their price. rate.sql multiplies the sums of a run, and v_spend_daily those that analysts see; tests
// hold them against each other to the last digit.
func (p Price) Credits(unit string, quantity decimal.Decimal) (credits decimal.Decimal, priced bool) {
	cost, priced := p.Costs.Of(unit)
	return quantity.Mul(cost), priced
}

// PerRequest is what each event costs besides its units.
func (p Price) PerRequest() decimal.Decimal { return p.Costs.ByUnit[schemas.UnitRequests] }

// Lacks tells whether any of the units has no price.
func (p Price) Lacks(units []string) bool {
	return slices.ContainsFunc(units, func(unit string) bool {
		_, priced := p.Costs.Of(unit)
		return !priced
	})
}

// UsualUnit is the unit that a feature is counted in where none is named: input, or where that has no price quantity,
// or else the first one that has a price.
func (p Price) UsualUnit() string {
	for _, unit := range []string{schemas.UnitInput, schemas.UnitQuantity} {
		if _, priced := p.Costs.Of(unit); priced {
			return unit
		}
	}
	for _, unit := range slices.SortedFunc(maps.Keys(p.Costs.ByUnit), schemas.CompareUnits) {
		return unit
	}
	return schemas.UnitInput
}
