package schemas

import (
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
)

// maxCost is what a cost stays below: the warehouse keeps 20 digits before the point.
var maxCost = decimal.New(1, 20)

func (r *catalogReader) readCreditSystem(node ast.Node) {
	o, ok := r.object(node, "a credit system", creditSystemKeys.names())
	if !ok {
		return
	}
	system := CreditSystem{ID: r.declare(o, "credit system"), Name: o.text("name", false)}
	if system.Name == "" {
		system.Name = system.ID
	}
	for _, node := range o.list("costs", true) {
		version, ok := r.object(node, "a version of costs", costVersionKeys.names())
		if !ok {
			continue
		}
		costs := CostVersion{ByFeature: map[string]UnitCosts{}}
		at := map[string]ast.Node{}
		costs.ByFeature = r.readCosts(version, func(feature string, field objectField) {
			r.nodes[nodeID{"costs of", system.ID, feature}] = field.key
			at[feature] = field.value
		})
		for feature, node := range at {
			r.warnOfUnpriced(node, costs.ByFeature[feature])
		}
		if costs.Effective, ok = version.time("effective", true, r.catalog.Timezone); !ok {
			continue
		}
		if n := len(system.Costs); n > 0 {
			r.checkOrder(version, costs.Effective, system.Costs[n-1].Effective)
		}
		r.nodes[nodeID{"costs from", system.ID, costs.Effective.String()}] = version.fields["effective"].value
		system.Costs = append(system.Costs, costs)
	}
	r.catalog.CreditSystems = append(r.catalog.CreditSystems, system)
}

// checkOrder refuses a version that does not begin after the one before it.
func (r *catalogReader) checkOrder(version *object, effective, before time.Time) {
	node := version.fields["effective"].value
	switch {
	case effective.Equal(before):
		r.problem(node, "two versions are effective from %s", effective.Format(time.RFC3339))
	case effective.Before(before):
		r.problem(node, "versions must be in order of time: %s comes before the version above it",
			effective.Format(time.RFC3339))
	}
}

// readCosts reads per_token and per_unit, and gives each feature that has costs to each, with its key and value.
func (r *catalogReader) readCosts(version *object, each func(feature string, at objectField)) map[string]UnitCosts {
	byFeature := map[string]UnitCosts{}
	for _, key := range []string{"per_token", "per_unit"} {
		node := version.value(key, key == "per_token" && !version.has("per_unit"))
		if node == nil {
			continue
		}
		o, _ := r.object(node, key, nil)
		for _, feature := range o.keys {
			field := o.fields[feature]
			if _, ok := r.nodes[nodeID{"feature", feature}]; !ok {
				r.problem(field.key, "unknown feature %q%s", feature,
					suggest(feature, r.known("feature"), ": declare it under features"))
			}
			costs, known := byFeature[feature]
			if !known {
				costs.ByUnit = map[string]decimal.Decimal{}
			}
			if key == "per_token" {
				r.readTokenCosts(field.value, &costs)
			} else {
				r.readUnitCosts(field.value, &costs)
			}
			byFeature[feature] = costs
			if !known {
				each(feature, field)
			}
		}
	}
	return byFeature
}

// readTokenCosts reads a number for all units of tokens, or a mapping of them to numbers, of which some may be missing.
func (r *catalogReader) readTokenCosts(node ast.Node, costs *UnitCosts) {
	if _, kind := r.scalar(node); kind != scalarNone {
		if cost, ok := r.cost(node, "token", maxTokenPlaces); ok {
			for _, unit := range columnUnits { // the others cost what these do
				costs.ByUnit[unit] = cost
			}
		}
		return
	}
	o, ok := r.object(node, "costs by pool", tokenCostKeys.names())
	if !ok {
		return
	}
	costs.Inherit = o.bool("inherit")
	for _, unit := range TokenUnits {
		if value := o.value(unit, false); value != nil {
			if cost, ok := r.cost(value, "token", maxTokenPlaces); ok {
				costs.ByUnit[unit] = cost
			}
		}
	}
	r.readWhen(o, true, costs)
}

// readUnitCosts reads a number for each of a feature, or a mapping of units to numbers.
func (r *catalogReader) readUnitCosts(node ast.Node, costs *UnitCosts) {
	if _, kind := r.scalar(node); kind != scalarNone {
		if cost, ok := r.cost(node, "unit", maxUnitPlaces); ok {
			costs.ByUnit[UnitQuantity] = cost
		}
		return
	}
	o, _ := r.object(node, "costs by unit", nil)
	for _, unit := range o.keys {
		field := o.fields[unit]
		_, twice := costs.ByUnit[unit]
		switch {
		case unit == "when":
		case !IsUnit(unit):
			r.problem(field.key, badUnit, MaxUnitBytes)
		case twice:
			r.problem(field.key, "%s is priced in per_token already: price a unit in one of the two", unit)
		case IsTokens(unit):
			r.problem(field.key, "%s counts tokens: price it in per_token", unit)
		default:
			if cost, ok := r.cost(field.value, "unit", maxUnitPlaces); ok {
				costs.ByUnit[unit] = cost
			}
		}
	}
	r.readWhen(o, false, costs)
}

// Credits are kept to 18 places. Tokens are whole, so that their price may have as many; other quantities have up to 9.
const (
	maxTokenPlaces = money.FractionDigits
	maxUnitPlaces  = money.FractionDigits - 9
)

// warnOfUnpriced warns of units of tokens that a feature prices in part.
func (r *catalogReader) warnOfUnpriced(at ast.Node, costs UnitCosts) {
	var missing []string
	for _, unit := range columnUnits {
		if _, ok := costs.Of(unit); !ok {
			missing = append(missing, unit)
		}
	}
	if len(missing) > 0 && len(missing) < len(columnUnits) {
		r.warning(at, "no costs for the pools %s: their tokens are unrated", quoted(missing))
	}
}

func (r *catalogReader) cost(node ast.Node, per string, places int32) (decimal.Decimal, bool) {
	cost, ok := r.number(node, "credits per "+per)
	switch {
	case !ok:
		return decimal.Decimal{}, false
	case cost.GreaterThanOrEqual(maxCost):
		r.problem(node, "credits per %s: at most 20 digits before the point are kept", per)
		return decimal.Decimal{}, false
	case -cost.Exponent() > places:
		r.problem(node, "credits per %s: at most %d digits after the point are kept", per, places)
		return decimal.Decimal{}, false
	}
	return cost, true
}

// warnOfCosts warns of usage that has no costs: it is kept and reported as unrated, which holds its customer's charge.
func (r *catalogReader) warnOfCosts() {
	for _, feature := range r.catalog.Features {
		if feature.ID != "" && len(r.systemsOf(feature.ID)) == 0 {
			r.warning(r.nodes[nodeID{"feature", feature.ID}],
				"feature %q has no costs in any credit system: its usage is unrated", feature.ID)
		}
	}
	for _, system := range r.catalog.CreditSystems {
		for i, version := range system.Costs {
			at := r.nodes[nodeID{"costs from", system.ID, version.Effective.String()}]
			if from := r.catalog.BillingFrom; i == 0 && from != nil && version.Effective.After(*from) {
				r.warning(at, "usage from billing_from until here has no costs in %q: it is unrated", system.ID)
			}
			for _, feature := range r.catalog.Features {
				_, priced := version.ByFeature[feature.ID]
				if _, elsewhere := r.nodes[nodeID{"costs of", system.ID, feature.ID}]; elsewhere && !priced {
					r.warning(at, "feature %q has no costs in this version: its usage is unrated", feature.ID)
				}
			}
		}
	}
}

// systemsOf returns the ids of the credit systems that price a feature at any time.
func (r *catalogReader) systemsOf(feature string) []string {
	var systems []string
	for _, system := range r.catalog.CreditSystems {
		if _, ok := r.nodes[nodeID{"costs of", system.ID, feature}]; ok {
			systems = append(systems, system.ID)
		}
	}
	return systems
}
