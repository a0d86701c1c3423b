package aggregate

import (
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/schemas"
)

// priceBooks are that of a query's catalog, and after it those of the catalogs that closed time was billed by.
type priceBooks []priceBook

// books are all that the timelines are priced by.
func (t timelines) books(catalog *schemas.Catalog) priceBooks {
	books := priceBooks{newPriceBook(catalog)}
	for _, own := range t.own {
		for _, s := range own {
			if s.closed == nil || s.closed.Again() || slices.ContainsFunc(books, s.closed.billedBy) {
				continue
			}
			book, last := newPriceBook(s.closed.Catalog), books[len(books)-1]
			book.base = last.base + len(last.epochs)
			books = append(books, book)
		}
	}
	return books
}

func (c *Closed) billedBy(book priceBook) bool { return book.catalog.SHA256 == c.Catalog.SHA256 }

// of is the book that a closed stretch was billed by; without one, the query's.
func (b priceBooks) of(closed *Closed) priceBook {
	if closed == nil || closed.Again() {
		return b[0]
	}
	return b[slices.IndexFunc(b, closed.billedBy)]
}

// rowByRow returns the models that are rated row by row because of any of the books.
func (b priceBooks) rowByRow(models []modelUse) []string {
	result := []string{}
	for _, book := range b {
		result = append(result, book.rowByRow(models)...)
	}
	slices.Sort(result)
	return slices.Compact(result)
}

func (b priceBooks) lacksPools() bool { return slices.ContainsFunc(b, priceBook.lacksPools) }

// rates is the table that the rating statement joins usage with: a model's price by epoch and credit system of the
// customer's product, as far as the slices have them. Models of no feature have no row. kinds are what its column of
// that name counts.
func (b priceBooks) rates(models []modelUse, rated []slice) (*ext.Table, []spendKind, error) {
	columns := []func(*ext.Table) error{
		ext.Column("epoch", "UInt32"), ext.Column("product_system", "String"), ext.Column("model", "String"),
		ext.Column("kind", "UInt32"), ext.Column("priced", "UInt8"), ext.Column("unpriced_pools", "UInt8"),
	}
	for _, pool := range schemas.PoolNames {
		columns = append(columns, ext.Column(pool, "Decimal(38, 18)"))
	}
	table, err := ext.NewTable("rates", columns...)
	if err != nil {
		return nil, nil, fmt.Errorf("set up rates: %w", err)
	}
	kinds, numbers := b.kinds()
	type priced struct {
		epoch  int
		system string
	}
	done := map[priced]bool{}
	for _, slice := range rated {
		pair := priced{slice.epoch, slice.system}
		if done[pair] {
			continue
		}
		done[pair] = true
		for _, use := range models {
			price, isPriced := b.priceIn(slice.epoch, use.Model, slice.system)
			if price.Feature == "" {
				continue
			}
			kind := numbers[spendKind{price.System, price.Feature}]
			row := []any{uint32(slice.epoch), slice.system, use.Model, kind, bit(isPriced), price.unpriced()}
			for _, cost := range price.Costs {
				row = append(row, cost.Decimal)
			}
			if err := table.Append(row...); err != nil {
				return nil, nil, fmt.Errorf("set up rates of model %s: %w", use.Model, err)
			}
		}
	}
	return table, kinds, nil
}

// priceIn is a model's price in an epoch of any of the books.
func (b priceBooks) priceIn(epoch int, model, productSystem string) (price, bool) {
	book := b[0]
	for _, next := range b[1:] {
		if next.base <= epoch {
			book = next
		}
	}
	at := book.epochs[epoch-book.base]
	return book.priceAt(at.customer, at.start, model, productSystem)
}

// spendKind is what spend is added up by beside time.
type spendKind struct{ system, feature string }

// kinds are all that there can be, in order, and their numbers; 0 is usage of which not even the feature is known.
func (b priceBooks) kinds() (list []spendKind, numbers map[spendKind]uint32) {
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
	numbers = map[spendKind]uint32{}
	for _, system := range systems {
		for _, feature := range features {
			kind := spendKind{system, feature}
			numbers[kind] = uint32(len(list))
			list = append(list, kind)
		}
	}
	return list, numbers
}
