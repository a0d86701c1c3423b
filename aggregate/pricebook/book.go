// Package pricebook says what a model's tokens cost: for a customer, at an instant, in the credits of a product.
//
// A Book resolves one catalog and the overrides in it. In each epoch, the time between two price changes of any credit
// system, a model has one price in each system; a customer with costs of its own has epochs of its own. Books are
// several at once, where time that was billed keeps the catalog it was billed by.
//
// It never knows who used what: no usage, no periods, no warehouse. Prices are exact and never rounded.
package pricebook

import (
	"slices"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// Book resolves a catalog's costs. It is made once for a catalog, and may be used concurrently.
type Book struct {
	catalog *schemas.Catalog
	epochs  []epoch                   // those of one customer stand together, in order of time
	first   map[string]int            // place of a customer's first epoch; "": without costs of their own
	own     []string                  // customers with costs of their own, sorted
	base    int                       // what its epochs are numbered from, among several books
	tests   map[string][]schemas.Test // by feature, those that some price of it depends on
	depends map[string]bool           // features of which some price depends on circumstances
}

// epoch is where one price list begins to hold; the first one of a customer is the beginning of time.
type epoch struct {
	customer string
	start    time.Time
}

// New returns the book of a catalog.
func New(catalog *schemas.Catalog) *Book {
	b := &Book{catalog: catalog, first: map[string]int{}, tests: map[string][]schemas.Test{}, depends: map[string]bool{}}
	for _, system := range catalog.CreditSystems {
		for _, version := range system.Costs {
			b.note(version.ByFeature)
		}
	}
	for _, override := range catalog.Overrides {
		b.note(override.ByFeature)
	}
	starts := []time.Time{{}}
	for _, system := range catalog.CreditSystems {
		for _, version := range system.Costs {
			starts = append(starts, version.Effective.UTC())
		}
	}
	b.add("", slices.Clone(starts))
	for _, customer := range catalog.OverriddenCustomers() {
		own := slices.Clone(starts)
		for _, override := range catalog.OverridesOf(customer) {
			if override.System == "" {
				continue
			}
			own = append(own, override.Effective.UTC())
			if !override.Until.IsZero() {
				own = append(own, override.Until.UTC())
			}
		}
		if len(own) > len(starts) {
			b.own = append(b.own, customer)
			b.add(customer, own)
		}
	}
	return b
}

// note takes the tests that costs depend on.
func (b *Book) note(byFeature map[string]schemas.UnitCosts) {
	for feature, costs := range byFeature {
		if len(costs.When) > 0 {
			b.depends[feature] = true
		}
		if tests := costs.Tests(); len(tests) > 0 {
			b.tests[feature] = schemas.SortTests(append(b.tests[feature], tests...))
		}
	}
}

// Depends tells whether some price of what was used depends on circumstances.
func (b *Book) Depends(used Used) bool {
	if len(b.depends) == 0 {
		return false
	}
	feature, ok := b.catalog.FeatureUsed(used.Model, used.Feature)
	return ok && b.depends[feature.ID]
}

// Tests are those that some price of what was used depends on, in order.
func (b *Book) Tests(used Used) []schemas.Test {
	if len(b.tests) == 0 {
		return nil
	}
	feature, ok := b.catalog.FeatureUsed(used.Model, used.Feature)
	if !ok {
		return nil
	}
	return b.tests[feature.ID]
}

func (b *Book) add(customer string, starts []time.Time) {
	b.first[customer] = len(b.epochs)
	slices.SortFunc(starts, time.Time.Compare)
	for _, start := range slices.CompactFunc(starts, time.Time.Equal) {
		b.epochs = append(b.epochs, epoch{customer, start})
	}
}

// Catalog is the one that the book resolves.
func (b *Book) Catalog() *schemas.Catalog { return b.catalog }

// EpochAt is the number of the customer's epoch that holds t.
func (b *Book) EpochAt(customer string, t time.Time) int {
	place, ok := b.first[customer]
	if !ok {
		place = b.first[""]
	}
	for {
		next, ok := b.nextChange(place)
		if !ok || next.After(t) {
			return b.base + place
		}
		place++
	}
}

// NextChange is when an epoch ends; false if it never does.
func (b *Book) NextChange(number int) (time.Time, bool) { return b.nextChange(number - b.base) }

func (b *Book) nextChange(place int) (time.Time, bool) {
	if place+1 == len(b.epochs) || b.epochs[place+1].customer != b.epochs[place].customer {
		return time.Time{}, false
	}
	return b.epochs[place+1].start, true
}

// Changes are the instants at which any price list of a customer begins, in order.
func (b *Book) Changes(customer string) []time.Time {
	changes := []time.Time{}
	for number := b.EpochAt(customer, time.Time{}); ; number++ {
		next, ok := b.NextChange(number)
		if !ok {
			return changes
		}
		changes = append(changes, next)
	}
}

// lacks tells whether any price of what was used lacks a price for any of the units. A customer's own costs take none
// away.
func (b *Book) lacks(used Used, units []string) bool {
	feature, ok := b.catalog.FeatureUsed(used.Model, used.Feature)
	if !ok {
		return false
	}
	for _, system := range b.catalog.CreditSystems {
		for _, version := range system.Costs {
			if costs, priced := version.ByFeature[feature.ID]; priced && (Price{Costs: costs}).Lacks(units) {
				return true
			}
		}
	}
	return false
}

// Price is what a feature's units cost at one time for the customers of a product.
type Price struct {
	// CreditSystem is empty where none prices the feature.
	CreditSystem string
	// FeatureID is empty where what was used is no feature.
	FeatureID string
	// Effective is since when the price list holds.
	Effective time.Time
	// Costs are credits per unit.
	Costs schemas.UnitCosts
}
