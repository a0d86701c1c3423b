package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

// usedText says what was used: "1,000 tokens", "1,000 tokens, 2 searches", or of units that are no tokens "50 images".
// Of the unit quantity, which has no name of its own, it is the figure alone.
func usedText(tokens fmt.Stringer, others schemas.Others) string {
	parts := []string{}
	if tokens.String() != "0" || len(others) == 0 {
		parts = append(parts, money.GroupDigits(tokens.String())+" tokens")
	}
	for _, amount := range others {
		parts = append(parts, amountText(amount))
	}
	return strings.Join(parts, ", ")
}

func amountText(amount schemas.Amount) string {
	if amount.Unit == schemas.UnitQuantity {
		return money.Grouped(amount.Quantity)
	}
	return money.Grouped(amount.Quantity) + " " + amount.Unit
}

// beside are the amounts of units that the tables have no column for.
func beside(tokens schemas.Tokens, others schemas.Others) schemas.Others {
	var rest schemas.Others
	for _, amount := range tokens {
		if amount.Quantity.IsPositive() && !slices.Contains(schemas.ColumnUnits(), amount.Unit) {
			rest = append(rest, amount)
		}
	}
	return append(rest, others...)
}

// checkUnit refuses a unit that neither counts tokens nor is priced by the price book; an empty one is that of the
// feature.
func (a *app) checkUnit(unit string) error {
	if unit == "" || schemas.IsTokens(unit) {
		return nil
	}
	catalog, err := a.catalog()
	if err != nil {
		return err
	}
	units := append(slices.Clone(schemas.TokenUnits), schemas.UnitQuantity)
	for _, system := range catalog.CreditSystems {
		for _, version := range system.Costs {
			units = appendUnits(units, version.ByFeature)
		}
	}
	for _, override := range catalog.Overrides {
		units = appendUnits(units, override.ByFeature)
	}
	slices.SortFunc(units, schemas.CompareUnits)
	if units = slices.Compact(units); slices.Contains(units, unit) {
		return nil
	}
	return usagef("read --pool %q: want one of %s", unit, strings.Join(units, ", "))
}

func appendUnits(units []string, byFeature map[string]schemas.UnitCosts) []string {
	for _, costs := range byFeature {
		units = slices.AppendSeq(units, maps.Keys(costs.ByUnit))
	}
	return units
}

// parseRequired reads how much more of a unit is asked for.
func parseRequired(text string) (decimal.Decimal, error) {
	const places = 9
	required, err := decimal.NewFromString(text)
	most := decimal.NewFromUint64(1 << 63)
	switch {
	case err != nil || len(text) > 64 || strings.ContainsAny(text, "eE"):
		return decimal.Zero, usagef("read --required %q: want a number such as 1000 or 12.5", text)
	case required.IsNegative(), !required.LessThan(most):
		return decimal.Zero, usagef("read --required %q: want 0 to 2^63 - 1", text)
	case !required.Truncate(places).Equal(required):
		return decimal.Zero, usagef("read --required %q: want at most %d decimal places", text, places)
	}
	return required, nil
}

const unitsHeader = "units"

// dimensionsHeader is the head of the column of dimensions.
const dimensionsHeader = "dimensions"

// hideUnits leaves the column of units that have none of their own out where there are none.
func hideUnits(hidden bool) []table.ColumnConfig {
	return []table.ColumnConfig{{Name: unitsHeader, Hidden: hidden}}
}
