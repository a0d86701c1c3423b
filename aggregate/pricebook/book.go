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
	epochs  []epoch        // those of one customer stand together, in order of time
	first   map[string]int // place of a customer's first epoch; "" stands for customers without costs of their own
	own     []string       // customers with costs of their own, sorted
	base    int            // what its epochs are numbered from, among several books
}

// epoch is where one price list begins to hold; the first one of a customer is the beginning of time.
type epoch struct {
	customer string
	start    time.Time
}

// New returns the book of a catalog.
func New(catalog *schemas.Catalog) *Book {
	b := &Book{catalog: catalog, first: map[string]int{}}
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

// LacksPools tells whether some price lacks a pool, used or not.
func (b *Book) LacksPools() bool {
	for _, system := range b.catalog.CreditSystems {
		for _, version := range system.Costs {
			for _, costs := range version.PerToken {
				if (Price{Costs: costs}).Unpriced() != 0 {
					return true
				}
			}
		}
	}
	return false
}

// LacksUsedPool tells whether some price of the model lacks a pool that is used.
func (b *Book) LacksUsedPool(model string, used [schemas.PoolCount]bool) bool {
	feature, ok := b.catalog.FeatureOf(model)
	if !ok {
		return false
	}
	for _, system := range b.catalog.CreditSystems {
		for _, version := range system.Costs {
			costs, priced := version.PerToken[feature.ID]
			for pool := range used {
				if priced && used[pool] && !costs[pool].Valid {
					return true
				}
			}
		}
	}
	return false
}

// Price is what a model's tokens cost at one time for the customers of a product.
type Price struct {
	// CreditSystem is empty where none prices the model.
	CreditSystem string
	// FeatureID is empty where no feature matches the model.
	FeatureID string
	// Effective is since when the price list holds.
	Effective time.Time
	// Costs are credits per token; a pool that is not valid has no price.
	Costs schemas.PoolCosts
}

// Unpriced are the pools without a price as bits, the first pool being 1.
func (p Price) Unpriced() uint8 {
	var bits uint8
	for pool, cost := range p.Costs {
		if !cost.Valid {
			bits |= 1 << pool
		}
	}
	return bits
}
