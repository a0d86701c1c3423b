package web

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

// pricesPage is the price book as tables, and a proposed one against it.
type pricesPage struct {
	Currency string
	SHA256   string
	Systems  []priceTable
	Products []productRow
	Override int
	Proposed string
	Asked    bool
	Proposal *proposal
	Refused  string
}

// priceTable is a credit system: what each unit, a column, of a feature costs since when.
type priceTable struct {
	Name, ID string
	Units    []string
	Rows     []priceRow
}

// priceRow is a feature's costs by the table's units; nil where a unit has none.
type priceRow struct {
	Feature, Models, Since string
	Costs                  []*decimal.Decimal
	Conditions             int
}

// productRow is a product's terms since when.
type productRow struct {
	ID, Name, Since, Price, Included, Every, Overage string
	Default, AddOn                                   bool
}

// proposal is the JSON of `check --against`.
type proposal struct {
	OK       bool `json:"ok"`
	Problems []struct {
		File    string `json:"file"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Message string `json:"message"`
		Warning bool   `json:"warning"`
	} `json:"problems"`
	Against *struct {
		AsOf     time.Time `json:"as_of"`
		Currency string    `json:"currency"`
		// Customers are those whose figures change, the largest change first; Listed of them are shown.
		Customers []changedCustomer `json:"customers"`
		Listed    int               `json:"-"`
		Totals    []struct {
			Customers int `json:"customers"`
			Changed   int `json:"changed"`
			Above     int `json:"crosses_above"`
			Below     int `json:"crosses_below"`
			effect
		} `json:"totals"`
	} `json:"against"`
}

// changedCustomer is what changes for a customer.
type changedCustomer struct {
	CustomerID string `json:"customer_id"`
	effect
	Crosses string `json:"crosses"`
}

// effect is what changes of a credit system in a span.
type effect struct {
	CreditSystem string  `json:"credit_system"`
	Span         string  `json:"span"`
	Before       figures `json:"before"`
	After        figures `json:"after"`
	ChangeMinor  int64   `json:"change_minor"`
}

type figures struct {
	Used          decimal.Decimal `json:"used"`
	Overage       decimal.Decimal `json:"overage"`
	AmountMinor   int64           `json:"amount_minor"`
	UnratedEvents uint64          `json:"unrated_events"`
}

func showPrices(v *view) {
	catalog, err := v.app.config.Catalog()
	if err != nil {
		v.failed(err)
		return
	}
	p := &pricesPage{
		Currency: catalog.Currency.Code, SHA256: catalog.SHA256,
		Systems: priceTables(catalog), Products: productRows(catalog),
		Override: len(catalog.Overrides), Proposed: string(catalog.Text),
	}
	if v.r.Method == http.MethodPost {
		v.propose(p)
	}
	v.titled("Prices", p)
}

// propose asks what a catalog that was pasted would do.
func (v *view) propose(p *pricesPage) {
	p.Proposed, p.Asked = strings.ReplaceAll(v.r.PostFormValue("catalog"), "\r\n", "\n"), true
	answer, err := v.ask(http.MethodPost, "/v1/catalog/proposal", map[string]string{"catalog": p.Proposed}, nil)
	if err != nil {
		p.Refused = sentence(err.Error())
		return
	}
	p.Proposal = &proposal{}
	if err := json.Unmarshal(answer.Body, p.Proposal); err != nil {
		p.Proposal, p.Refused = nil, "The answer cannot be read."
		return
	}
	if p.Proposal.Against == nil {
		return
	}
	against := p.Proposal.Against
	against.Customers = slices.DeleteFunc(against.Customers, func(c changedCustomer) bool { return !c.changed() })
	slices.SortStableFunc(against.Customers, func(a, b changedCustomer) int {
		return cmp.Compare(magnitude(b.ChangeMinor), magnitude(a.ChangeMinor))
	})
	against.Listed = min(len(against.Customers), mostFindings)
}

func magnitude(minor int64) int64 { return max(minor, -minor) }

// changed tells whether any figure that is shown differs.
func (e effect) changed() bool {
	return e.ChangeMinor != 0 || !e.Before.Used.Equal(e.After.Used) || !e.Before.Overage.Equal(e.After.Overage) ||
		e.Before.UnratedEvents != e.After.UnratedEvents
}

func priceTables(catalog *schemas.Catalog) []priceTable {
	models := map[string]string{}
	for _, feature := range catalog.Features {
		models[feature.ID] = strings.Join(feature.Models, ", ")
	}
	var tables []priceTable
	for _, system := range catalog.CreditSystems {
		table := priceTable{Name: cmp.Or(system.Name, system.ID), ID: system.ID, Units: unitsOf(system)}
		for _, version := range slices.Backward(system.Costs) {
			for _, feature := range slices.Sorted(maps.Keys(version.ByFeature)) {
				costs := version.ByFeature[feature]
				row := priceRow{
					Feature: feature, Models: models[feature], Since: since(version.Effective, catalog),
					Conditions: len(costs.When),
				}
				for _, unit := range table.Units {
					if cost, priced := costs.Of(unit); priced {
						row.Costs = append(row.Costs, &cost)
					} else {
						row.Costs = append(row.Costs, nil)
					}
				}
				table.Rows = append(table.Rows, row)
			}
		}
		tables = append(tables, table)
	}
	return tables
}

// unitsOf are the units that any cost of a credit system names: those of tokens first, in their usual order.
func unitsOf(system schemas.CreditSystem) []string {
	usual := []string{"input", "cached_input", "cache_write", "output", "reasoning"}
	seen := map[string]bool{}
	for _, version := range system.Costs {
		for _, costs := range version.ByFeature {
			for unit := range costs.ByUnit {
				seen[unit] = true
			}
		}
	}
	units := slices.DeleteFunc(slices.Clone(usual), func(unit string) bool { return !seen[unit] })
	for _, unit := range slices.Sorted(maps.Keys(seen)) {
		if !slices.Contains(usual, unit) {
			units = append(units, unit)
		}
	}
	return units
}

// since is from when on something holds; empty for ever.
func since(from time.Time, catalog *schemas.Catalog) string {
	if from.IsZero() {
		return ""
	}
	return from.In(catalog.Timezone).Format(time.DateOnly)
}

func productRows(catalog *schemas.Catalog) []productRow {
	var rows []productRow
	for _, product := range catalog.Products {
		for _, version := range slices.Backward(product.Versions) {
			row := productRow{
				ID: product.ID, Name: cmp.Or(product.Name, product.ID), Since: since(version.Effective, catalog),
				Default: product.Default, AddOn: product.AddOn,
			}
			if version.Price != nil {
				row.Price = catalog.Currency.FormatExact(version.Price.Amount) + " a " + string(version.Price.Every)
			}
			if credits := version.Credits; credits != nil {
				row.Included, row.Every = figure(credits.Included), string(credits.Every)
				if credits.Unlimited {
					row.Included = "unlimited"
				}
				row.Overage = overageText(credits, catalog)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// overageText is what usage beyond the allowance costs.
func overageText(credits *schemas.Credits, catalog *schemas.Catalog) string {
	switch {
	case credits.HardCap:
		return "no use beyond it"
	case credits.Overage == nil:
		return "not sold"
	}
	var prices []string
	for _, tier := range credits.Overage.Prices() {
		text := catalog.Currency.FormatExact(tier.PerCredit) + " a credit"
		if tier.UpTo.IsPositive() {
			text += " to " + figure(tier.UpTo)
		}
		prices = append(prices, text)
	}
	return strings.Join(prices, ", then ")
}
