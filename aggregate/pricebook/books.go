package pricebook

import (
	"slices"

	"github.com/creditmill/creditmill/schemas"
)

// Books are that of today's catalog, and after it those of the catalogs that closed time was billed by. Their epochs
// are numbered through.
type Books []*Book

// With returns the books with that of a catalog among them.
func (b Books) With(catalog *schemas.Catalog) Books {
	if slices.ContainsFunc(b, func(book *Book) bool { return book.catalog.SHA256 == catalog.SHA256 }) {
		return b
	}
	book := New(catalog)
	if len(b) > 0 {
		last := b[len(b)-1]
		book.base = last.base + len(last.epochs)
	}
	return append(b, book)
}

// Of is the book of a catalog that is among them; of nil, that of today's.
func (b Books) Of(catalog *schemas.Catalog) *Book {
	if catalog == nil {
		return b[0]
	}
	return b[slices.IndexFunc(b, func(book *Book) bool { return book.catalog.SHA256 == catalog.SHA256 })]
}

// Depends tells whether some price of what was used depends on circumstances.
func (b Books) Depends(used Used) bool {
	return slices.ContainsFunc(b, func(book *Book) bool { return book.Depends(used) })
}

// Tests are those that some price of what was used depends on, in order.
func (b Books) Tests(used Used) []schemas.Test {
	if len(b) == 1 {
		return b[0].Tests(used)
	}
	var tests []schemas.Test
	for _, book := range b {
		tests = append(tests, book.Tests(used)...)
	}
	return schemas.SortTests(tests)
}

// AnyTests tells whether any price depends on a test.
func (b Books) AnyTests() bool {
	return slices.ContainsFunc(b, func(book *Book) bool { return len(book.tests) > 0 })
}

// Lacks tells whether any price of what was used, in any of the books, lacks a price for any of the units.
func (b Books) Lacks(used Used, units []string) bool {
	return slices.ContainsFunc(b, func(book *Book) bool { return book.lacks(used, units) })
}

// PriceIn is the price of what was used in an epoch of any of the books; see Book.PriceOf.
func (b Books) PriceIn(number int, used Used, productSystem string) (Price, bool) {
	book, in := b.epoch(number)
	return book.priceIn(in, used, productSystem)
}

// NeedsRows tells whether sums do not say what was used in an epoch comes to: its price depends on tests that the
// circumstances lack, or lacks some of the units, so that events with and without them have to be told apart.
func (b Books) NeedsRows(number int, used Used, productSystem string, units []string) bool {
	book, in := b.epoch(number)
	feature, ok := book.catalog.FeatureUsed(used.Model, used.Feature)
	if !ok {
		return false
	}
	price, priced := book.featurePrice(in.customer, feature.ID, productSystem, in.start)
	if !priced {
		return false
	}
	made := schemas.ParseCircumstances(used.Under).Tests
	if slices.ContainsFunc(price.Costs.Tests(), func(test schemas.Test) bool {
		_, known := made[test.String()]
		return !known
	}) {
		return true
	}
	price.under(used.Under)
	return price.Lacks(units)
}

// epoch is the one of a number, and the book that it is of.
func (b Books) epoch(number int) (*Book, epoch) {
	book := b[0]
	for _, next := range b[1:] {
		if next.base <= number {
			book = next
		}
	}
	return book, book.epochs[number-book.base]
}

// Kind is what spend is added up by beside time. Usage without a price has no credit system, and that of a model no
// feature matches no feature either.
type Kind struct{ CreditSystem, FeatureID string }

// Kinds are all that there can be, in order, and their numbers; 0 is usage of which not even the feature is known.
func (b Books) Kinds() (list []Kind, numbers map[Kind]uint32) {
	systems, features := []string{""}, []string{""}
	for _, book := range b {
		for _, system := range book.catalog.CreditSystems {
			systems = append(systems, system.ID)
		}
		for _, feature := range book.catalog.Features {
			features = append(features, feature.ID)
		}
	}
	slices.Sort(systems)
	slices.Sort(features)
	systems, features = slices.Compact(systems), slices.Compact(features)
	numbers = map[Kind]uint32{}
	for _, system := range systems {
		for _, feature := range features {
			kind := Kind{system, feature}
			numbers[kind] = uint32(len(list))
			list = append(list, kind)
		}
	}
	return list, numbers
}
