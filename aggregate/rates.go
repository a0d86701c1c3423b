package aggregate

import (
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/schemas"
)

// rates is the table that the rating statement joins usage with: a model's price by epoch and credit system of the
// customer's product. Models of no feature have no row. kinds are what its column of that name counts.
func (b priceBook) rates(models []modelUse, productSystems []string) (*ext.Table, []spendKind, error) {
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
	for number, epoch := range b.epochs {
		for _, system := range productSystems {
			for _, use := range models {
				price, priced := b.priceAt(epoch.customer, epoch.start, use.Model, system)
				if price.Feature == "" {
					continue
				}
				kind := numbers[spendKind{price.System, price.Feature}]
				row := []any{uint32(number), system, use.Model, kind, bit(priced), price.unpriced()}
				for _, cost := range price.Costs {
					row = append(row, cost.Decimal)
				}
				if err := table.Append(row...); err != nil {
					return nil, nil, fmt.Errorf("set up rates of model %s: %w", use.Model, err)
				}
			}
		}
	}
	return table, kinds, nil
}

// spendKind is what spend is added up by beside time.
type spendKind struct{ system, feature string }

// kinds are all that there can be, in order, and their numbers; 0 is usage of which not even the feature is known.
func (b priceBook) kinds() (list []spendKind, numbers map[spendKind]uint32) {
	systems := []string{""}
	for _, system := range b.catalog.CreditSystems {
		systems = append(systems, system.ID)
	}
	features := []string{""}
	for _, feature := range b.catalog.Features {
		features = append(features, feature.ID)
	}
	slices.Sort(systems)
	slices.Sort(features)
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
