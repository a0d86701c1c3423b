package aggregate

import (
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/schemas"
)

// rowByRow are the models and features that are rated row by row because of any of the books: of which some price lacks
// a unit that is used, or depends on more than the rollup (stale), so that their days cannot be taken from it.
func rowByRow(books pricebook.Books, uses []usedList, stale map[pricebook.Used]bool) (*ext.Table, int, error) {
	table, err := ext.NewTable("alone", ext.Column("model", "String"), ext.Column("feature", "String"))
	if err != nil {
		return nil, 0, fmt.Errorf("set up what is rated row by row: %w", err)
	}
	alone := map[pricebook.Used]bool{}
	for _, use := range uses {
		if used := use.what(); !alone[used] && (stale[used] || books.Lacks(used, use.present())) {
			alone[used] = true
			if err := table.Append(use.Model, use.Feature); err != nil {
				return nil, 0, fmt.Errorf("set up what is rated row by row: %w", err)
			}
		}
	}
	return table, len(alone), nil
}

// alikeOf are the models and features that cost the same under all circumstances that they were used under.
func alikeOf(books pricebook.Books, uses []usedList) (table *ext.Table, count int, err error) {
	table, err = ext.NewTable("alike", ext.Column("model", "String"), ext.Column("feature", "String"))
	if err != nil {
		return nil, 0, fmt.Errorf("set up what costs the same: %w", err)
	}
	known := map[pricebook.Used]bool{}
	for _, use := range uses {
		if use.used().Under == "" || known[use.what()] || books.Depends(use.what()) {
			continue
		}
		known[use.what()] = true
		if err := table.Append(use.Model, use.Feature); err != nil {
			return nil, 0, fmt.Errorf("set up what costs the same: %w", err)
		}
	}
	return table, len(known), nil
}

// pricedAlike are the uses without circumstances that change no price, each once.
func pricedAlike(books pricebook.Books, uses []usedList) []usedList {
	var all []usedList
	known := map[[3]string]bool{}
	for _, use := range uses {
		if !books.Depends(use.what()) {
			use.Units, _ = schemas.SplitUnits(use.Units)
		}
		if key := [3]string{use.Model, use.Feature, use.Units}; !known[key] {
			known[key] = true
			all = append(all, use)
		}
	}
	return all
}

// ratesOf is the table that the rating statement joins usage with: the price of what was used by epoch and credit
// system of the customer's product, as far as the slices have them, for each list of units that is used, and for what
// is no feature the kind of none. kinds are what its column of that name counts.
func ratesOf(books pricebook.Books, uses []usedList, rated []slice) (*ext.Table, []pricebook.Kind, error) {
	table, err := ext.NewTable("rates",
		ext.Column("epoch", "UInt32"), ext.Column("product_system", "String"),
		ext.Column("model", "String"), ext.Column("feature", "String"), ext.Column("units", "String"),
		ext.Column("kind", "UInt32"), ext.Column("priced", "UInt8"), ext.Column("unpriced", "Array(UInt32)"),
		ext.Column("prices", "Array(Decimal(38, 18))"), ext.Column("per_request", "Decimal(38, 18)"),
		ext.Column("known", "UInt8"))
	if err != nil {
		return nil, nil, fmt.Errorf("set up rates: %w", err)
	}
	kinds, numbers := books.Kinds()
	type priced struct {
		epoch  int
		system string
	}
	done := map[priced]bool{}
	uses = pricedAlike(books, uses)
	for _, slice := range rated {
		pair := priced{slice.epoch, slice.system}
		if done[pair] {
			continue
		}
		done[pair] = true
		for _, use := range uses {
			price, isPriced := books.PriceIn(slice.epoch, use.used(), slice.system)
			kind := numbers[pricebook.Kind{CreditSystem: price.CreditSystem, FeatureID: price.FeatureID}]
			prices, unpriced := pricesOf(price, use.names())
			err := table.Append(uint32(slice.epoch), slice.system, use.Model, use.Feature, use.Units, kind, bit(isPriced),
				unpriced, prices, price.PerRequest(), uint8(1))
			if err != nil {
				return nil, nil, fmt.Errorf("set up rates of %s: %w", use.used(), err)
			}
		}
	}
	return table, kinds, nil
}

// pricesOf are the prices of what a list of units counts, 0 for a unit without one, and the places of these, from 1.
func pricesOf(price pricebook.Price, names []string) (prices []decimal.Decimal, unpriced []uint32) {
	unpriced = []uint32{}
	for i, name := range names {
		unit, inNanos := schemas.ListedUnit(name)
		cost, priced := price.Costs.Of(unit)
		if inNanos {
			cost = cost.Shift(-9)
		}
		prices = append(prices, cost)
		if !priced {
			unpriced = append(unpriced, uint32(i+1))
		}
	}
	return prices, unpriced
}
