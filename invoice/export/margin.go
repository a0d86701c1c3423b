package export

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Margin is a month's revenue without what providers bill for it, in minor units.
type Margin struct {
	Month        string      `json:"month"`
	Currency     string      `json:"currency"`
	By           string      `json:"by"`
	RevenueMinor int64       `json:"revenue_minor"`
	CostMinor    int64       `json:"cost_minor"`
	MarginMinor  int64       `json:"margin_minor"`
	Rows         []MarginRow `json:"rows"`
	LeftOut      []LeftOut   `json:"left_out"`
}

// MarginRow is that of a customer, a model or a product; Name is empty for what belongs to none.
type MarginRow struct {
	Name         string `json:"name"`
	RevenueMinor int64  `json:"revenue_minor"`
	CostMinor    int64  `json:"cost_minor"`
	MarginMinor  int64  `json:"margin_minor"`
}

// The ways to group a margin.
const (
	ByCustomer = "customer"
	ByModel    = "model"
	ByProduct  = "product"
)

// usageOf is a row of margin_usage.sql.
type usageOf struct {
	Customer string          `ch:"customer_id"`
	Model    string          `ch:"name"`
	Tokens   decimal.Decimal `ch:"tokens"`
	Credits  decimal.Decimal `ch:"credits"`
}

// costOf is a row of margin_costs.sql.
type costOf struct {
	Model    string          `ch:"name"`
	Customer string          `ch:"customer_id"`
	Currency string          `ch:"currency"`
	Total    decimal.Decimal `ch:"total"`
}

// cell is the finest grain of a margin.
type cell struct{ customer, product, model string }

// MakeMargin makes the margin of a month. Revenue is that of the month's journal; a customer's is shared among models
// by the credits that it spent on each. A cost whose report names a customer is that customer's; any other one is
// shared among customers by the tokens of its model, and belongs to nobody where the logs have none.
func MakeMargin(
	ctx context.Context, w *warehouse.Warehouse, catalog *schemas.Catalog, month Month, by string, livemode bool,
) (Margin, error) {
	journal, err := MakeJournal(ctx, w, catalog, month, livemode)
	if err != nil {
		return Margin{}, err
	}
	days := warehouse.Params{"from": warehouse.Date(month.Start), "to": warehouse.Date(month.End)}
	usage, err := warehouse.Select[usageOf](ctx, w, "invoice/margin_usage.sql", days)
	if err != nil {
		return Margin{}, err
	}
	costs, err := warehouse.Select[costOf](ctx, w, "invoice/margin_costs.sql", days)
	if err != nil {
		return Margin{}, err
	}
	return marginOf(catalog, journal, usage, costs, by)
}

func marginOf(
	catalog *schemas.Catalog, journal Journal, usage []usageOf, costs []costOf, by string,
) (Margin, error) {
	margin := Margin{
		Month: journal.Month, Currency: journal.Currency, By: by, Rows: []MarginRow{}, LeftOut: journal.LeftOut,
	}
	revenue, err := revenueOf(journal, usage)
	if err != nil {
		return margin, err
	}
	products := map[string]string{}
	for _, of := range slices.SortedFunc(maps.Keys(journal.revenue), compareHolders) {
		products[of.customer] = of.product
	}
	spent, left, err := costsOf(catalog, usage, costs, products)
	if err != nil {
		return margin, err
	}
	margin.LeftOut = append(margin.LeftOut, left...)
	rows := map[string]*MarginRow{}
	row := func(of cell) *MarginRow {
		name := map[string]string{ByCustomer: of.customer, ByModel: of.model, ByProduct: of.product}[by]
		if rows[name] == nil {
			rows[name] = &MarginRow{Name: name}
		}
		return rows[name]
	}
	for of, minor := range revenue {
		row(of).RevenueMinor += minor
		margin.RevenueMinor += minor
	}
	for of, minor := range spent {
		row(of).CostMinor += minor
		margin.CostMinor += minor
	}
	margin.MarginMinor = margin.RevenueMinor - margin.CostMinor
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		rows[name].MarginMinor = rows[name].RevenueMinor - rows[name].CostMinor
		margin.Rows = append(margin.Rows, *rows[name])
	}
	return margin, nil
}

func compareHolders(x, y holder) int {
	return cmp.Or(strings.Compare(x.customer, y.customer), strings.Compare(x.product, y.product))
}

// share shares an amount of either sign among cells by their weights; all of it is rest's where there are no weights.
func share(to map[cell]int64, minor int64, cells []cell, weights []decimal.Decimal, rest cell) error {
	sum := decimal.Zero
	for _, weight := range weights {
		sum = sum.Add(weight)
	}
	if !sum.IsPositive() {
		to[rest] += minor
		return nil
	}
	shares, err := money.Allocate(max(minor, -minor), weights)
	if err != nil {
		return fmt.Errorf("share %d: %w", minor, err)
	}
	for i, of := range cells {
		if minor < 0 {
			shares[i] = -shares[i]
		}
		to[of] += shares[i]
	}
	return nil
}

func revenueOf(journal Journal, usage []usageOf) (map[cell]int64, error) {
	byCustomer := map[string][]usageOf{}
	for _, of := range usage {
		byCustomer[of.Customer] = append(byCustomer[of.Customer], of)
	}
	revenue := map[cell]int64{}
	for of, minor := range journal.revenue {
		var cells []cell
		var weights []decimal.Decimal
		for _, used := range byCustomer[of.customer] {
			cells, weights = append(cells, cell{of.customer, of.product, used.Model}), append(weights, used.Credits)
		}
		if err := share(revenue, minor, cells, weights, cell{of.customer, of.product, ""}); err != nil {
			return nil, err
		}
	}
	return revenue, nil
}

func costsOf(
	catalog *schemas.Catalog, usage []usageOf, costs []costOf, products map[string]string,
) (spent map[cell]int64, left []LeftOut, err error) {
	productOf := func(customer string) string {
		if product, has := products[customer]; has {
			return product
		}
		return catalog.DefaultProduct().ID
	}
	byModel := map[string][]usageOf{}
	for _, of := range usage {
		byModel[of.Model] = append(byModel[of.Model], of)
	}
	spent = map[cell]int64{}
	for _, cost := range costs {
		if cost.Currency != catalog.Currency.Code {
			left = append(left, LeftOut{Reason: "cost of " + cost.Model + " in " + cost.Currency, Count: 1})
			continue
		}
		minor, err := catalog.Currency.Round(cost.Total)
		if err != nil {
			return nil, nil, fmt.Errorf("cost of %s: %w", cost.Model, err)
		}
		if cost.Customer != "" {
			spent[cell{cost.Customer, productOf(cost.Customer), cost.Model}] += minor
			continue
		}
		var cells []cell
		var weights []decimal.Decimal
		for _, used := range byModel[cost.Model] {
			cells = append(cells, cell{used.Customer, productOf(used.Customer), used.Model})
			weights = append(weights, used.Tokens)
		}
		if err := share(spent, minor, cells, weights, cell{"", "", cost.Model}); err != nil {
			return nil, nil, err
		}
	}
	return spent, left, nil
}
