package aggregate

import (
	"context"
	"fmt"
	"maps"
	"strings"
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
	Feature      string      `ch:"feature"`
	CreditSystem string      `ch:"credit_system"`
	FeatureID    string      `ch:"feature_id"`
	ValidFrom    time.Time   `ch:"valid_from"`
	ValidTo      time.Time   `ch:"valid_to"`
	FirstDay     time.Time   `ch:"first_day"`
	EndDay       time.Time   `ch:"end_day"`
	SplitDays    []time.Time `ch:"split_days"`
	// Circumstances are those that the price holds under, as schemas.ParseCircumstances reads them, and Tests the tests
	// among them.
	Circumstances string   `ch:"circumstances"`
	Tests         []string `ch:"tests"`
	// Costs are credits per unit, by unit; a unit that is not in it has no price.
	Costs map[string]decimal.Decimal `ch:"costs"`
}

// rowOf is the price as its row is stored.
func rowOf(l pricebook.Listed, known *cuts) PriceRow {
	from, to := known.at(l.From), cut{At: schemas.Never, End: lastDay}
	if !l.To.IsZero() {
		to = known.at(l.To)
	}
	return PriceRow{
		CustomerID: l.Customer, Model: l.Used.Model, Feature: l.Used.Feature,
		CreditSystem: l.CreditSystem, FeatureID: l.FeatureID,
		ValidFrom: from.At, ValidTo: to.At, FirstDay: from.First.date(), EndDay: to.End.date(),
		SplitDays: append(from.splitDays(), to.splitDays()...), Circumstances: l.Used.Under, Tests: testsOf(l.Used.Under),
		Costs: costsOf(l.Costs),
	}
}

// testsOf are the tests of circumstances, in their order.
func testsOf(circumstances string) []string {
	tests := []string{}
	_, outcomes, _ := strings.Cut(circumstances, "#")
	for outcome := range strings.SplitSeq(outcomes, ",") {
		if at := strings.LastIndexByte(outcome, '='); at >= 0 {
			tests = append(tests, outcome[:at])
		}
	}
	return tests
}

// costsOf are what the units cost that have a price, those of tokens without a price of their own too.
func costsOf(costs schemas.UnitCosts) map[string]decimal.Decimal {
	all := maps.Clone(costs.ByUnit)
	for _, unit := range schemas.TokenUnits {
		if cost, priced := costs.Of(unit); priced {
			all[unit] = cost
		}
	}
	return all
}

// PriceRows are the prices of what was used by a catalog, as they are stored.
func PriceRows(catalog *schemas.Catalog, used []pricebook.Used) []PriceRow {
	known := newCuts(catalog.Timezone)
	var rows []PriceRow
	for _, price := range pricebook.New(catalog).Listed(used) {
		rows = append(rows, rowOf(price, known))
	}
	return rows
}

// storePrices writes the prices of what was used that the warehouse has none of yet, for views and lineage.
func (a *Aggregator) storePrices(ctx context.Context, catalog *schemas.Catalog, uses []usedList) error {
	table, err := ext.NewTable("new_prices",
		ext.Column("customer_id", "String"), ext.Column("model", "String"), ext.Column("feature", "String"),
		ext.Column("credit_system", "String"), ext.Column("feature_id", "String"),
		ext.Column("valid_from", "DateTime64(9, 'UTC')"), ext.Column("valid_to", "DateTime64(9, 'UTC')"),
		ext.Column("first_day", "Date"), ext.Column("end_day", "Date"), ext.Column("split_days", "Array(Date)"),
		ext.Column("circumstances", "String"), ext.Column("tests", "Array(String)"),
		ext.Column("costs", "Map(String, Decimal(38, 18))"))
	if err != nil {
		return fmt.Errorf("store prices: %w", err)
	}
	for _, r := range PriceRows(catalog, allUsed(uses)) {
		err := table.Append(r.CustomerID, r.Model, r.Feature, r.CreditSystem, r.FeatureID, r.ValidFrom, r.ValidTo, r.FirstDay,
			r.EndDay, r.SplitDays, r.Circumstances, r.Tests, r.Costs)
		if err != nil {
			return fmt.Errorf("store prices of %s%s: %w", r.Model, r.Feature, err)
		}
	}
	err = a.warehouse.Exec(ctx, "aggregate/insert_prices.sql",
		warehouse.Params{"new_prices": table, "catalog_sha": catalog.SHA256})
	if err != nil {
		return fmt.Errorf("store prices: %w", err)
	}
	return nil
}
