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
// has one price in each system. A customer with costs of its own has epochs of its own.
type priceBook struct {
	catalog *schemas.Catalog
	epochs  []epoch        // those of one customer stand together, in order of time
	first   map[string]int // number of a customer's first epoch; "" stands for customers without costs of their own
	own     []string       // customers with costs of their own, sorted
	base    int            // what its epochs are numbered from, among several price books
}

// epoch is where one price list begins to hold; the first one of a customer is the beginning of time.
type epoch struct {
	customer string
	start    time.Time
}

func newPriceBook(catalog *schemas.Catalog) priceBook {
	b := priceBook{catalog: catalog, first: map[string]int{}}
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

func (b *priceBook) add(customer string, starts []time.Time) {
	b.first[customer] = len(b.epochs)
	slices.SortFunc(starts, time.Time.Compare)
	for _, start := range slices.CompactFunc(starts, time.Time.Equal) {
		b.epochs = append(b.epochs, epoch{customer, start})
	}
}

// epochAt is the number of the customer's epoch that holds t.
func (b priceBook) epochAt(customer string, t time.Time) int {
	number, ok := b.first[customer]
	if !ok {
		number = b.first[""]
	}
	for {
		next, ok := b.nextChange(number)
		if !ok || next.After(t) {
			return number
		}
		number++
	}
}

// nextChange is when an epoch ends; false if it never does.
func (b priceBook) nextChange(number int) (time.Time, bool) {
	if number+1 == len(b.epochs) || b.epochs[number+1].customer != b.epochs[number].customer {
		return time.Time{}, false
	}
	return b.epochs[number+1].start, true
}

// price is what a model costs at one time for the customers of a product.
type price struct {
	System  string
	Feature string
	Costs   schemas.PoolCosts
}

// priceAt returns a model's price for a customer (empty: one without costs of its own) whose product has credits of the
// given system (empty: none): in that system where it prices the model, else in the one that does. False: the model is
// unrated; Feature tells whether it is known at all.
func (b priceBook) priceAt(customer string, t time.Time, model, productSystem string) (price, bool) {
	feature, ok := b.catalog.FeatureOf(model)
	if !ok {
		return price{}, false
	}
	return b.featurePriceAt(customer, t, feature.ID, productSystem)
}

func (b priceBook) featurePriceAt(customer string, t time.Time, featureID, productSystem string) (price, bool) {
	result, found := price{Feature: featureID}, false
	for _, system := range b.catalog.CreditSystems {
		costs, ok := b.catalog.CostsFor(customer, system, featureID, t)
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

// lacksPools tells whether some price lacks a pool, used or not.
func (b priceBook) lacksPools() bool {
	for _, system := range b.catalog.CreditSystems {
		for _, version := range system.Costs {
			for _, costs := range version.PerToken {
				if (price{Costs: costs}).unpriced() != 0 {
					return true
				}
			}
		}
	}
	return false
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

// listed is a model's price in one credit system from one instant to another.
type listed struct {
	customer string // empty: everyone without costs of their own
	model    string
	system   string
	feature  string
	from, to time.Time // a zero to is open
	costs    schemas.PoolCosts
}

// listed returns all prices of the models: one for each version of each system's price list, and for customers with
// costs of their own, one for each of their epochs and each model that their costs name.
func (b priceBook) listed(models []modelUse) []listed {
	var result []listed
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
				price := listed{"", use.Model, system.ID, feature.ID, version.Effective, time.Time{}, costs}
				if i+1 < len(system.Costs) {
					price.to = system.Costs[i+1].Effective
				}
				result = append(result, price)
			}
			for _, customer := range b.own {
				if b.overrides(customer, feature.ID) {
					result = append(result, b.listedFor(customer, use.Model, system, feature.ID)...)
				}
			}
		}
	}
	return result
}

func (b priceBook) overrides(customer, feature string) bool {
	return slices.ContainsFunc(b.catalog.OverridesOf(customer), func(override schemas.Override) bool {
		_, named := override.PerToken[feature]
		return named
	})
}

func (b priceBook) listedFor(customer, model string, system schemas.CreditSystem, feature string) []listed {
	var result []listed
	for number := b.first[customer]; ; number++ {
		from := b.epochs[number].start
		to, more := b.nextChange(number)
		if costs, ok := b.catalog.CostsFor(customer, system, feature, from); ok {
			result = append(result, listed{customer, model, system.ID, feature, from, to, costs})
		}
		if !more {
			return result
		}
	}
}

// priceRow is a row of prices.
type priceRow struct {
	CustomerID   string      `ch:"customer_id"`
	Model        string      `ch:"model"`
	CreditSystem string      `ch:"credit_system"`
	FeatureID    string      `ch:"feature_id"`
	ValidFrom    time.Time   `ch:"valid_from"`
	ValidTo      time.Time   `ch:"valid_to"`
	FirstDay     time.Time   `ch:"first_day"`
	EndDay       time.Time   `ch:"end_day"`
	SplitDays    []time.Time `ch:"split_days"`

	Input       *decimal.Decimal `ch:"input"`
	CachedInput *decimal.Decimal `ch:"cached_input"`
	CacheWrite  *decimal.Decimal `ch:"cache_write"`
	Output      *decimal.Decimal `ch:"output"`
	Reasoning   *decimal.Decimal `ch:"reasoning"`
}

// row is the price as its row is stored.
func (l listed) row(known *cuts) priceRow {
	from, to := known.at(l.from), cut{At: never, End: lastDay}
	if !l.to.IsZero() {
		to = known.at(l.to)
	}
	return priceRow{
		CustomerID: l.customer, Model: l.model, CreditSystem: l.system, FeatureID: l.feature,
		ValidFrom: from.At, ValidTo: to.At, FirstDay: from.First.date(), EndDay: to.End.date(),
		SplitDays: append(from.splitDays(), to.splitDays()...),
		Input:     pointer(l.costs[schemas.PoolInput]), CachedInput: pointer(l.costs[schemas.PoolCachedInput]),
		CacheWrite: pointer(l.costs[schemas.PoolCacheWrite]), Output: pointer(l.costs[schemas.PoolOutput]),
		Reasoning: pointer(l.costs[schemas.PoolReasoning]),
	}
}

func (r priceRow) costs() [schemas.PoolCount]*decimal.Decimal {
	return [schemas.PoolCount]*decimal.Decimal{r.Input, r.CachedInput, r.CacheWrite, r.Output, r.Reasoning}
}

// storePrices writes the prices of the models that the warehouse has none of yet, for views and lineage.
func (a *Aggregator) storePrices(ctx context.Context, b priceBook, models []modelUse) error {
	columns := []func(*ext.Table) error{
		ext.Column("customer_id", "String"), ext.Column("model", "String"), ext.Column("credit_system", "String"),
		ext.Column("feature_id", "String"),
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
	for _, price := range b.listed(models) {
		r := price.row(known)
		row := []any{
			r.CustomerID, r.Model, r.CreditSystem, r.FeatureID, r.ValidFrom, r.ValidTo, r.FirstDay, r.EndDay, r.SplitDays,
		}
		for _, cost := range r.costs() {
			row = append(row, cost)
		}
		if err := table.Append(row...); err != nil {
			return fmt.Errorf("store prices of model %s: %w", price.model, err)
		}
	}
	err = a.warehouse.Exec(withTables(ctx, table), "aggregate/insert_prices.sql",
		warehouse.Params{"catalog_sha": b.catalog.SHA256})
	if err != nil {
		return fmt.Errorf("store prices: %w", err)
	}
	return nil
}

func pointer(d decimal.NullDecimal) *decimal.Decimal {
	if !d.Valid {
		return nil
	}
	return &d.Decimal
}
