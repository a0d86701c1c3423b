package aggregate

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// PriceRow is a row of prices.
type PriceRow struct {
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

// rowOf is the price as its row is stored.
func rowOf(l pricebook.Listed, known *cuts) PriceRow {
	from, to := known.at(l.From), cut{At: schemas.Never, End: lastDay}
	if !l.To.IsZero() {
		to = known.at(l.To)
	}
	return PriceRow{
		CustomerID: l.Customer, Model: l.Model, CreditSystem: l.CreditSystem, FeatureID: l.FeatureID,
		ValidFrom: from.At, ValidTo: to.At, FirstDay: from.First.date(), EndDay: to.End.date(),
		SplitDays: append(from.splitDays(), to.splitDays()...),
		Input:     pointer(l.Costs[schemas.PoolInput]), CachedInput: pointer(l.Costs[schemas.PoolCachedInput]),
		CacheWrite: pointer(l.Costs[schemas.PoolCacheWrite]), Output: pointer(l.Costs[schemas.PoolOutput]),
		Reasoning: pointer(l.Costs[schemas.PoolReasoning]),
	}
}

// Costs are the row's prices by pool; nil for a pool without one.
func (r PriceRow) Costs() [schemas.PoolCount]*decimal.Decimal {
	return [schemas.PoolCount]*decimal.Decimal{r.Input, r.CachedInput, r.CacheWrite, r.Output, r.Reasoning}
}

// PriceRows are the prices of the models by a catalog, as they are stored.
func PriceRows(catalog *schemas.Catalog, models []string) []PriceRow {
	known := newCuts(catalog.Timezone)
	var rows []PriceRow
	for _, price := range pricebook.New(catalog).Listed(models) {
		rows = append(rows, rowOf(price, known))
	}
	return rows
}

// storePrices writes the prices of the models that the warehouse has none of yet, for views and lineage.
func (a *Aggregator) storePrices(ctx context.Context, catalog *schemas.Catalog, models []modelUse) error {
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
	for _, r := range PriceRows(catalog, names(models)) {
		row := []any{
			r.CustomerID, r.Model, r.CreditSystem, r.FeatureID, r.ValidFrom, r.ValidTo, r.FirstDay, r.EndDay, r.SplitDays,
		}
		for _, cost := range r.Costs() {
			row = append(row, cost)
		}
		if err := table.Append(row...); err != nil {
			return fmt.Errorf("store prices of model %s: %w", r.Model, err)
		}
	}
	err = a.warehouse.Exec(ctx, "aggregate/insert_prices.sql",
		warehouse.Params{"new_prices": table, "catalog_sha": catalog.SHA256})
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
