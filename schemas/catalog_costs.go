package schemas

import (
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"
)

// maxCost is what a cost per token stays below: the warehouse keeps 20 digits before the point.
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
		costs := CostVersion{PerToken: r.readCosts(version, system.ID)}
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

func (r *catalogReader) readCosts(version *object, system string) map[string]PoolCosts {
	o := r.perToken(version)
	perToken := map[string]PoolCosts{}
	for _, feature := range o.keys {
		field := o.fields[feature]
		r.nodes[nodeID{"costs of", system, feature}] = field.key
		costs, missing := r.readPoolCosts(field.value)
		if len(missing) > 0 {
			r.warning(field.value, "no costs for the pools %s: their tokens are unrated", quoted(missing))
		}
		perToken[feature] = costs
	}
	return perToken
}

// perToken returns the mapping of features to costs, having refused unknown features.
func (r *catalogReader) perToken(version *object) *object {
	node := version.value("per_token", true)
	if node == nil {
		return r.newObject(version.node)
	}
	o, _ := r.object(node, "per_token", nil)
	for _, feature := range o.keys {
		if _, ok := r.nodes[nodeID{"feature", feature}]; !ok {
			known := r.known("feature")
			r.problem(o.fields[feature].key, "unknown feature %q%s", feature,
				suggest(feature, known, ": declare it under features"))
		}
	}
	return o
}

// readPoolCosts reads a number for all pools, or a mapping of pools to numbers, of which some may be missing.
func (r *catalogReader) readPoolCosts(node ast.Node) (costs PoolCosts, missing []string) {
	if _, kind := r.scalar(node); kind != scalarNone {
		cost, ok := r.cost(node)
		for i := range costs {
			costs[i] = decimal.NullDecimal{Decimal: cost, Valid: ok}
		}
		return costs, nil
	}
	o, ok := r.object(node, "costs by pool", poolKeys.names())
	if !ok {
		return costs, nil
	}
	for i, pool := range PoolNames {
		value := o.value(pool, false)
		if value == nil {
			missing = append(missing, pool)
			continue
		}
		costs[i].Decimal, costs[i].Valid = r.cost(value)
	}
	return costs, missing
}

func (r *catalogReader) cost(node ast.Node) (decimal.Decimal, bool) {
	cost, ok := r.number(node, "credits per token")
	if ok && cost.GreaterThanOrEqual(maxCost) {
		r.problem(node, "credits per token: at most 20 digits before the point are kept")
		return decimal.Decimal{}, false
	}
	return cost, ok
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
				_, priced := version.PerToken[feature.ID]
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
