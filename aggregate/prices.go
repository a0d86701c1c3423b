package aggregate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// modelUse is a model that events name, and which of its pools hold any tokens at all.
type modelUse struct {
	Model       string `ch:"model"`
	Input       bool   `ch:"input"`
	CachedInput bool   `ch:"cached_input"`
	CacheWrite  bool   `ch:"cache_write"`
	Output      bool   `ch:"output"`
	Reasoning   bool   `ch:"reasoning"`
}

func (m modelUse) pools() [schemas.PoolCount]bool {
	return [schemas.PoolCount]bool{m.Input, m.CachedInput, m.CacheWrite, m.Output, m.Reasoning}
}

// priceBook resolves a catalog's costs: in each epoch, the time between two price changes of any credit system, a model
// has one price in each system.
type priceBook struct {
	catalog *schemas.Catalog
	starts  []time.Time // of the epochs; the first one is the beginning of time
}

func newPriceBook(catalog *schemas.Catalog) priceBook {
	starts := []time.Time{{}}
	for _, system := range catalog.CreditSystems {
		for _, version := range system.Costs {
			starts = append(starts, version.Effective.UTC())
		}
	}
	slices.SortFunc(starts, time.Time.Compare)
	return priceBook{catalog: catalog, starts: slices.CompactFunc(starts, time.Time.Equal)}
}

// epochAt is the number of the epoch that holds t.
func (b priceBook) epochAt(t time.Time) int {
	after := func(start, t time.Time) int {
		if start.After(t) {
			return 1
		}
		return -1
	}
	i, _ := slices.BinarySearchFunc(b.starts, t, after)
	return i - 1
}

// price is what a model costs at one time for the customers of a product.
type price struct {
	System  string
	Feature string
	Costs   schemas.PoolCosts
}

// priceAt returns a model's price for customers whose product has credits of the given system (empty: none): in that
// system where it prices the model, else in the one that does. False: the model is unrated; Feature tells whether it is
// known at all.
func (b priceBook) priceAt(t time.Time, model, productSystem string) (price, bool) {
	feature, ok := b.catalog.FeatureOf(model)
	if !ok {
		return price{}, false
	}
	return b.featurePriceAt(t, feature.ID, productSystem)
}

func (b priceBook) featurePriceAt(t time.Time, featureID, productSystem string) (price, bool) {
	result, found := price{Feature: featureID}, false
	for _, system := range b.catalog.CreditSystems {
		version, ok := system.CostsAt(t)
		if !ok {
			continue
		}
		costs, ok := version.PerToken[featureID]
		if ok && (!found || system.ID == productSystem) {
			result.System, result.Costs, found = system.ID, costs, true
		}
	}
	return result, found
}

// unpriced are the pools without a price as bits, the first pool being 1.
func (p price) unpriced() uint8 {
	var bits uint8
	for pool, cost := range p.Costs {
		if !cost.Valid {
			bits |= 1 << pool
		}
	}
	return bits
}

// rowByRow returns the models of which some price lacks a pool that is used: whether such an event is unrated shows in
// the event alone, so its days cannot be taken from the rollup.
func (b priceBook) rowByRow(models []modelUse) []string {
	result := []string{}
	for _, use := range models {
		if b.lacksUsedPool(use) {
			result = append(result, use.Model)
		}
	}
	return result
}

func (b priceBook) lacksUsedPool(use modelUse) bool {
	feature, ok := b.catalog.FeatureOf(use.Model)
	if !ok {
		return false
	}
	for _, system := range b.catalog.CreditSystems {
		for _, version := range system.Costs {
			costs, priced := version.PerToken[feature.ID]
			for pool, used := range use.pools() {
				if priced && used && !costs[pool].Valid {
					return true
				}
			}
		}
	}
	return false
}

// rates is the table that the rating statement joins usage with: a model's price by epoch and credit system of the
// customer's product. Models without a price have no row.
func (b priceBook) rates(models []modelUse, productSystems []string) (*ext.Table, error) {
	columns := []func(*ext.Table) error{
		ext.Column("epoch", "UInt32"), ext.Column("product_system", "String"), ext.Column("model", "String"),
		ext.Column("credit_system", "String"), ext.Column("feature_id", "String"),
		ext.Column("priced", "UInt8"), ext.Column("unpriced_pools", "UInt8"),
	}
	for _, pool := range schemas.PoolNames {
		columns = append(columns, ext.Column(pool, "Decimal(38, 18)"))
	}
	table, err := ext.NewTable("rates", columns...)
	if err != nil {
		return nil, fmt.Errorf("set up rates: %w", err)
	}
	for epoch, start := range b.starts {
		for _, system := range productSystems {
			for _, use := range models {
				price, priced := b.priceAt(start, use.Model, system)
				if price.Feature == "" {
					continue
				}
				row := []any{uint32(epoch), system, use.Model, price.System, price.Feature, bit(priced), price.unpriced()}
				for _, cost := range price.Costs {
					row = append(row, cost.Decimal)
				}
				if err := table.Append(row...); err != nil {
					return nil, fmt.Errorf("set up rates of model %s: %w", use.Model, err)
				}
			}
		}
	}
	return table, nil
}

func bit(set bool) uint8 {
	if set {
		return 1
	}
	return 0
}

// never stands for an open end in columns that are not nullable.
var never = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// lastDay is the last one that the type Date can hold.
var lastDay = day(65535)

// storePrices writes the prices of the models that the warehouse has none of yet, for views and lineage.
func (a *Aggregator) storePrices(ctx context.Context, b priceBook, models []modelUse) error {
	columns := []func(*ext.Table) error{
		ext.Column("model", "String"), ext.Column("credit_system", "String"), ext.Column("feature_id", "String"),
		ext.Column("valid_from", "DateTime64(9, 'UTC')"), ext.Column("valid_to", "DateTime64(9, 'UTC')"),
		ext.Column("first_day", "Date"), ext.Column("end_day", "Date"), ext.Column("split_days", "Array(Date)"),
	}
	for _, pool := range schemas.PoolNames {
		columns = append(columns, ext.Column(pool, "Nullable(Decimal(38, 18))"))
	}
	table, err := ext.NewTable("new_prices", columns...)
	if err != nil {
		return fmt.Errorf("store prices: %w", err)
	}
	known := newCuts(b.catalog.Timezone)
	for _, use := range models {
		feature, ok := b.catalog.FeatureOf(use.Model)
		if !ok {
			continue
		}
		for _, system := range b.catalog.CreditSystems {
			for i, version := range system.Costs {
				costs, ok := version.PerToken[feature.ID]
				if !ok {
					continue
				}
				from, to := known.at(version.Effective), cut{At: never, End: lastDay}
				if i+1 < len(system.Costs) {
					to = known.at(system.Costs[i+1].Effective)
				}
				row := []any{
					use.Model, system.ID, feature.ID, from.At, to.At, from.First.date(), to.End.date(),
					append(from.splitDays(), to.splitDays()...),
				}
				for _, cost := range costs {
					row = append(row, nullable(cost))
				}
				if err := table.Append(row...); err != nil {
					return fmt.Errorf("store prices of model %s: %w", use.Model, err)
				}
			}
		}
	}
	err = a.warehouse.Exec(withTables(ctx, table), "aggregate/insert_prices.sql",
		warehouse.Params{"catalog_sha": b.catalog.SHA256})
	if err != nil {
		return fmt.Errorf("store prices: %w", err)
	}
	return nil
}

func nullable(d decimal.NullDecimal) any {
	if !d.Valid {
		return nil
	}
	return d.Decimal
}
