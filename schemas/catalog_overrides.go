package schemas

import (
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"
)

func (r *catalogReader) readOverride(node ast.Node) {
	o, ok := r.object(node, "an override", overrideKeys.names())
	if !ok {
		return
	}
	override := Override{CustomerID: o.name("customer", o.text("customer", true)), HardCap: o.bool("hard_cap")}
	if len(override.CustomerID) > maxCustomerBytes {
		r.problem(o.fields["customer"].value, "a customer's id must be at most %d bytes", maxCustomerBytes)
	}
	override.Effective, ok = o.time("effective", true, r.catalog.Timezone)
	until, ends := o.time("until", false, r.catalog.Timezone)
	if ends {
		override.Until = until
		if ok && !override.Effective.Before(until) {
			r.problem(o.fields["until"].value, "an override must end after it begins")
		}
	}
	r.readOverriddenTerms(o, &override)
	if value := o.value("costs", false); value != nil {
		r.readOverriddenCosts(value, &override)
	}
	if !slices.ContainsFunc(overridable, o.has) && len(o.meant) == 0 {
		r.problem(o.node, "the override changes nothing: give one of %s", strings.Join(overridable, ", "))
	}
	r.catalog.Overrides = append(r.catalog.Overrides, override)
	r.overrides = append(r.overrides, o)
	if r.catalog.byCustomer == nil {
		r.catalog.byCustomer = map[string][]Override{}
	}
	r.catalog.byCustomer[override.CustomerID] = append(r.catalog.byCustomer[override.CustomerID], override)
}

// maxCustomerBytes is the longest customer id of an event that is loaded.
const maxCustomerBytes = 256

// What an override can change: the terms of a product, and costs.
var (
	overridableTerms = []string{"included", "per_credit", "tiers", "minimum", "limit", "hard_cap"}
	overridable      = append(slices.Clone(overridableTerms), "costs")
)

func (r *catalogReader) readOverriddenTerms(o *object, override *Override) {
	if included := o.value("included", false); included != nil {
		override.Included.Valid = true
		override.Included.Decimal, override.Unlimited = r.readIncluded(included)
	}
	override.Prices, override.Volume = r.readPrices(o), r.readTiersMode(o)
	if o.has("minimum") {
		override.Minimum = decimal.NewNullDecimal(r.readMinimum(o))
	}
	if o.has("limit") {
		override.Limit = decimal.NewNullDecimal(o.decimal("limit", false))
	}
	override.Product = o.text("product", false)
	changed := slices.DeleteFunc(slices.Clone(overridableTerms), func(key string) bool { return !o.has(key) })
	switch _, known := r.nodes[nodeID{"product", override.Product}]; {
	case len(changed) > 0 && !o.has("product") && !o.meant["product"]:
		r.problem(o.fields[changed[0]].key, "name the product whose %s the override changes: add product", changed[0])
	case override.Product != "" && !known:
		r.problem(o.fields["product"].value, "unknown product %q%s", override.Product,
			suggest(override.Product, r.known("product"), ": declare it under products"))
	case override.Product != "" && len(changed) == 0 && len(o.meant) == 0:
		r.problem(o.fields["product"].key, "costs are those of all products: remove product")
	}
	if override.HardCap {
		for _, key := range []string{"per_credit", "tiers", "minimum", "limit"} {
			if o.has(key) {
				r.problem(o.fields[key].key, "hard_cap allows no use beyond the allowance: remove %s or hard_cap", key)
			}
		}
	}
}

func (r *catalogReader) readOverriddenCosts(node ast.Node, override *Override) {
	o, ok := r.object(node, "costs of an override", overrideCostKeys.names())
	if !ok {
		return
	}
	override.System = o.text("system", true)
	_, known := r.nodes[nodeID{"credit system", override.System}]
	if override.System != "" && !known {
		r.problem(o.fields["system"].value, "unknown credit system %q%s", override.System,
			suggest(override.System, r.known("credit system"), ": declare it under credit_systems"))
	}
	override.ByFeature = r.readCosts(o, func(feature string, field objectField) {
		_, isFeature := r.nodes[nodeID{"feature", feature}]
		if _, priced := r.nodes[nodeID{"costs of", override.System, feature}]; known && isFeature && !priced {
			r.problem(field.key, "credit system %q has no costs of %q to override: price it there first",
				override.System, feature)
		}
	})
	for feature := range override.ByFeature {
		for i := range override.ByFeature[feature].When {
			override.ByFeature[feature].When[i].Own = true
		}
	}
	r.checkOverriddenFactors(node, override)
}

// checkOverrides refuses overrides that cannot take effect, and two that set the same at the same time.
func (r *catalogReader) checkOverrides() {
	for i, override := range r.catalog.Overrides {
		if product, ok := r.catalog.Product(override.Product); ok {
			r.checkEffect(r.overrides[i], product)
			r.checkAddOnOverride(r.overrides[i], override, product)
		}
	}
	seen := map[[2]int]bool{} // pairs that are told, whatever else both set
	for _, claims := range r.claims() {
		// In order of time, who overlaps anybody before overlaps the one of them that goes on the longest.
		slices.SortStableFunc(claims, func(a, b claim) int { return a.override.Effective.Compare(b.override.Effective) })
		longest := claims[0]
		for _, next := range claims[1:] {
			first, second := longest, next
			if first.index > second.index {
				first, second = second, first
			}
			if pair := [2]int{first.index, second.index}; next.override.overlaps(*longest.override) && !seen[pair] {
				seen[pair] = true
				line, column := position(startToken(r.overrides[first.index].node))
				r.problem(r.overrides[second.index].fields[second.key].key,
					"second override of %s of customer %q at one time (first at %d:%d): end one before the other begins",
					second.key, second.override.CustomerID, line, column)
			}
			until := longest.override.Until
			if !until.IsZero() && (next.override.Until.IsZero() || next.override.Until.After(until)) {
				longest = next
			}
		}
	}
}

// claim is an override that sets something by a key.
type claim struct {
	override *Override
	index    int
	key      string
}

// claims are the overrides that set the same thing: a term of a customer's product, or what a feature costs a customer.
// Both ways to give the price of overage set the same.
func (r *catalogReader) claims() [][]claim {
	type thing struct{ customer, of, name string }
	places := map[thing]int{}
	var all [][]claim
	add := func(what thing, who claim) {
		place, known := places[what]
		if !known {
			place, places[what] = len(all), len(all)
			all = append(all, nil)
		}
		all[place] = append(all[place], who)
	}
	for i := range r.catalog.Overrides {
		override := &r.catalog.Overrides[i]
		priced := false
		for _, key := range overridableTerms {
			if !r.overrides[i].has(key) || isPrice(key) && priced {
				continue
			}
			name := key
			if isPrice(key) {
				name, priced = "price", true
			}
			add(thing{override.CustomerID, "product " + override.Product, name}, claim{override, i, key})
		}
		for _, feature := range slices.Sorted(maps.Keys(override.ByFeature)) {
			add(thing{override.CustomerID, "system " + override.System, feature}, claim{override, i, "costs"})
		}
	}
	return all
}

// checkEffect refuses what overrides terms that the product has in none of its versions.
func (r *catalogReader) checkEffect(o *object, product Product) {
	var credits, overage bool
	for _, version := range product.Versions {
		credits = credits || version.Credits != nil
		overage = overage || version.Credits != nil && version.Credits.Overage != nil
	}
	for _, key := range overridableTerms {
		sells := isPrice(key) || key == "minimum" || key == "limit"
		switch {
		case !o.has(key):
		case !credits:
			r.problem(o.fields[key].key, "product %q has no credits: there is no %s to override", product.ID, key)
		case sells && !overage:
			r.problem(o.fields[key].key, "product %q sells no overage: there is no %s to override", product.ID, key)
		}
	}
}

// checkAddOnOverride refuses terms that an add-on cannot have.
func (r *catalogReader) checkAddOnOverride(o *object, override Override, product Product) {
	switch {
	case !product.AddOn:
	case override.Unlimited:
		r.problem(o.fields["included"].key, "add-on %q has unlimited credits: they cannot be added", product.ID)
	case override.HardCap:
		r.problem(o.fields["hard_cap"].key, "add-on %q has hard_cap: that is the product's it is beside", product.ID)
	}
}

// isPrice tells the two ways to give the price of overage.
func isPrice(key string) bool { return key == "per_credit" || key == "tiers" }
