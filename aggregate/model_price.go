package aggregate

import (
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// ModelPrice is what a model's tokens cost at one time, as rating resolves it.
type ModelPrice struct {
	CreditSystem string
	FeatureID    string
	// Effective is since when the price list holds.
	Effective time.Time
	// Costs are credits per token; a pool that is not valid has no price.
	Costs schemas.PoolCosts
}

// PriceOf returns a model's price at an instant for a customer whose product has credits of the given system. False:
// the model has no price then.
func PriceOf(catalog *schemas.Catalog, customer, model, productSystem string, at time.Time) (ModelPrice, bool) {
	book := newPriceBook(catalog)
	found, priced := book.priceAt(customer, at, model, productSystem)
	if !priced {
		return ModelPrice{}, false
	}
	return ModelPrice{
		CreditSystem: found.System, FeatureID: found.Feature, Costs: found.Costs,
		Effective: book.epochs[book.epochAt(customer, at)].start.UTC(),
	}, true
}

// PriceChanges are the instants at which any price list of a customer begins, in order.
func PriceChanges(catalog *schemas.Catalog, customer string) []time.Time {
	book, changes := newPriceBook(catalog), []time.Time{}
	for number := book.epochAt(customer, time.Time{}); ; number++ {
		next, ok := book.nextChange(number)
		if !ok {
			return changes
		}
		changes = append(changes, next)
	}
}
