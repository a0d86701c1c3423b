package aggregate

import (
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/schemas"
)

// rowByRow returns the models that are rated row by row because of any of the books: of which some price lacks a pool
// that is used, so that their days cannot be taken from the rollup.
func rowByRow(books pricebook.Books, models []modelUse) []string {
	result := []string{}
	for _, use := range models {
		if books.LacksUsedPool(use.Model, use.pools()) {
			result = append(result, use.Model)
		}
	}
	return result
}

// ratesOf is the table that the rating statement joins usage with: a model's price by epoch and credit system of the
// customer's product, as far as the slices have them. Models of no feature have no row. kinds are what its column of
// that name counts.
func ratesOf(books pricebook.Books, models []modelUse, rated []slice) (*ext.Table, []pricebook.Kind, error) {
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
	kinds, numbers := books.Kinds()
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
			price, isPriced := books.PriceIn(slice.epoch, use.Model, slice.system)
			if price.FeatureID == "" {
				continue
			}
			kind := numbers[pricebook.Kind{CreditSystem: price.CreditSystem, FeatureID: price.FeatureID}]
			row := []any{uint32(slice.epoch), slice.system, use.Model, kind, bit(isPriced), price.Unpriced()}
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
