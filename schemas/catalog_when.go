package schemas

import (
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"
)

// Keys of an entry of `when` that are neither a unit nor a dimension.
const (
	keyContextOver = "context_over"
	keyBetween     = "between"
	keyTimezone    = "timezone"
	keyTimes       = "times"
)

var entryWords = []string{keyContextOver, keyBetween, keyTimezone, keyTimes}

// readWhen reads costs under conditions, of units of tokens or of all others.
func (r *catalogReader) readWhen(o *object, tokens bool, costs *UnitCosts) {
	if !o.has("when") {
		return
	}
	var entries []CostEntry
	nodes := o.list("when", true)
	for i, node := range nodes {
		entry, ok := r.readEntry(node, tokens, costs)
		if ok {
			entry.Number = i + 1
			entries = append(entries, entry)
		}
	}
	if len(entries) < len(nodes) {
		return
	}
	for i := range entries {
		if before := hiddenBy(entries[:i], &entries[i]); before > 0 {
			r.warning(nodes[i], "the entry can never match: whatever it prices, entry %d above prices first", before)
		}
	}
	costs.When = append(costs.When, entries...)
	r.checkFactors(o.fields["when"].key, tokens, *costs)
}

// maxContext is the most that context_over may be: an event's quantities are below 2^63.
var maxContext = decimal.NewFromUint64(1<<63 - 1)

func (r *catalogReader) readEntry(node ast.Node, tokens bool, costs *UnitCosts) (CostEntry, bool) {
	entry := CostEntry{
		Dimensions: map[string][]string{}, ByUnit: map[string]decimal.Decimal{}, Times: decimal.NewFromInt(1), Tokens: tokens,
	}
	o, ok := r.object(node, "an entry of when", nil)
	if !ok {
		return entry, false
	}
	before := len(r.problems)
	for _, key := range o.keys {
		field := o.fields[key]
		switch {
		case slices.Contains(entryWords, key):
		case r.prices(key, field.value, tokens, costs):
			r.readEntryCost(key, field, costs.ByUnit, &entry)
		default:
			r.readDimension(key, field, tokens, &entry)
		}
	}
	if value := o.value(keyContextOver, false); value != nil {
		if over, ok := r.number(value, "context_over"); ok && (!over.IsInteger() || over.GreaterThan(maxContext)) {
			r.problem(value, "context_over must be a whole number of tokens, at most %s", maxContext)
		} else if ok {
			entry.Tests = append(entry.Tests, Test{ContextOver: over})
		}
	}
	r.readBetween(o, &entry)
	if value := o.value(keyTimes, false); value != nil {
		entry.Times, _ = r.number(value, "times")
	}
	switch {
	case r.problems[before:].Err() != nil:
		return entry, false
	case len(entry.Dimensions)+len(entry.Tests) == 0:
		r.problem(o.node, "an entry of when needs a condition: a dimension, context_over or between")
	case len(entry.ByUnit) == 0 && !o.has(keyTimes):
		r.problem(o.node, "an entry of when needs the price of a unit, or times")
	}
	return entry, r.problems[before:].Err() == nil
}

// prices tells whether a key of an entry is a unit with its price: it names a unit that is known to be one, or its
// value is a number without quotes.
func (r *catalogReader) prices(key string, value ast.Node, tokens bool, costs *UnitCosts) bool {
	_, kind := r.scalar(value)
	_, based := costs.ByUnit[key]
	return IsTokens(key) || kind == scalarNumber || !tokens && based && kind == scalarText
}

// readEntryCost reads a price; base are the prices without conditions.
func (r *catalogReader) readEntryCost(
	unit string, field objectField, base map[string]decimal.Decimal, entry *CostEntry,
) {
	known := slices.Concat(TokenUnits, entryWords, slices.Collect(maps.Keys(base)))
	near := Closest(unit, known)
	switch {
	case slices.Contains(known, unit) && entry.Tokens == IsTokens(unit):
		r.readEntryPrice(unit, field, entry)
	case near != "" && near != unit && editDistance(unit, near) <= max(1, len(unit)/4):
		r.problem(field.key, "unknown unit %q (did you mean %q?)", unit, near)
	case entry.Tokens && !IsTokens(unit):
		r.problem(field.key, "unknown unit %q: a dimension whose value is a number takes it in quotes, and units that are "+
			"no tokens are priced in per_unit", unit)
	case !entry.Tokens && IsTokens(unit):
		r.problem(field.key, "%s counts tokens: price it in per_token", unit)
	case !IsUnit(unit):
		r.problem(field.key, badUnit, MaxUnitBytes)
	default:
		r.warning(field.key, "%s has a price under when alone: where no entry matches, it is unrated. A dimension whose "+
			"value is a number takes it in quotes", unit)
		r.readEntryPrice(unit, field, entry)
	}
}

func (r *catalogReader) readEntryPrice(unit string, field objectField, entry *CostEntry) {
	per, places := "unit", maxUnitPlaces
	if entry.Tokens {
		per, places = "token", maxTokenPlaces
	}
	if cost, ok := r.cost(field.value, per, int32(places)); ok {
		entry.ByUnit[unit] = cost
	}
}

// readDimension reads the values that a dimension may have, any of a list.
func (r *catalogReader) readDimension(name string, field objectField, tokens bool, entry *CostEntry) {
	known := slices.Clone(entryWords)
	if tokens {
		known = append(known, TokenUnits...)
	}
	if near := Closest(name, known); near != "" && editDistance(name, near) <= 1 {
		r.problem(field.key, "unknown field %q (did you mean %q?)", name, near)
		return
	}
	if !IsDimension(name) {
		r.problem(field.key, badDimension, name, MaxUnitBytes)
		return
	}
	nodes := []ast.Node{field.value}
	if list, ok := r.resolve(field.value).(*ast.SequenceNode); ok {
		nodes = list.Values
	}
	if len(nodes) == 0 {
		r.problem(field.value, "dimension %q takes a value or a list of values", name)
	}
	for _, node := range nodes {
		value, kind := r.scalar(node)
		switch {
		case kind == scalarNull:
			value = "" // the event has none
		case kind == scalarNone || value == "":
			r.problem(node, "dimension %q takes a value or a list of values", name)
			return
		}
		if problem := NameProblem([]byte(value)); value != "" && problem != "" {
			r.problem(node, "no row has such a value of dimension %q: it %s", name, problem)
		}
		if len(value) > MaxDimensionBytes {
			r.problem(node, "a value of a dimension must be at most %d bytes", MaxDimensionBytes)
		}
		entry.Dimensions[name] = append(entry.Dimensions[name], value)
	}
}

const badDimension = "%q is no dimension: its name must be lower-case letters, digits and underscores, a letter " +
	"first, at most %d, and not that of a unit of tokens, context, feature or model"

// IsDimension tells whether a text may name a dimension.
func IsDimension(name string) bool {
	return IsUnit(name) && !IsTokens(name) &&
		!slices.Contains([]string{"context", "feature", "model", "when", "inherit"}, name) &&
		!slices.Contains(entryWords, name)
}

func (r *catalogReader) readBetween(o *object, entry *CostEntry) {
	value := o.value(keyBetween, false)
	if value == nil {
		if o.has(keyTimezone) {
			r.problem(o.fields[keyTimezone].key, "timezone is that of between, and there is none")
		}
		return
	}
	zone := r.catalog.Timezone
	if given := o.timezone(keyTimezone); given != nil {
		zone = given
	}
	list, _ := r.resolve(value).(*ast.SequenceNode)
	if list == nil || len(list.Values) != 2 {
		r.problem(value, `between takes two times of day, as in ["16:30", "00:30"]`)
		return
	}
	var minutes [2]int
	for i, node := range list.Values {
		text, _ := r.scalar(node)
		var ok bool
		if minutes[i], ok = parseMinutes(text); !ok {
			r.problem(node, "%q is no time of day: write hours and minutes, as in 16:30", text)
			return
		}
	}
	if minutes[0] == minutes[1] {
		r.problem(value, "between begins and ends at the same time")
		return
	}
	entry.Tests = append(entry.Tests, Test{Hours: Hours{From: minutes[0], To: minutes[1], Zone: zone.String()}})
}

// hiddenBy is the number of an entry above that matches whenever this one does and prices all that it prices; 0 if
// there is none.
func hiddenBy(above []CostEntry, entry *CostEntry) int {
	if !entry.Times.Equal(decimal.NewFromInt(1)) {
		return 0
	}
	priced := map[string]bool{}
	for i := range above {
		if !above[i].impliedBy(entry) {
			continue
		}
		for unit := range above[i].ByUnit {
			priced[unit] = true
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(entry.ByUnit)), func(unit string) bool { return !priced[unit] }) {
			return above[i].Number
		}
	}
	return 0
}

// impliedBy tells whether all the conditions hold where the other's do.
func (e *CostEntry) impliedBy(other *CostEntry) bool {
	for name, values := range e.Dimensions {
		others, found := other.Dimensions[name]
		if !found || slices.ContainsFunc(others, func(value string) bool { return !slices.Contains(values, value) }) {
			return false
		}
	}
	for _, test := range e.Tests {
		if !slices.ContainsFunc(other.Tests, func(o Test) bool {
			if test.Hours != (Hours{}) {
				return o.Hours.within(test.Hours)
			}
			return o.Hours == (Hours{}) && !o.ContextOver.LessThan(test.ContextOver)
		}) {
			return false
		}
	}
	return true
}

// checkFactors refuses prices that, multiplied, have more digits than are kept.
func (r *catalogReader) checkFactors(at ast.Node, tokens bool, costs UnitCosts) {
	places, highest := int32(0), decimal.NewFromInt(1)
	for _, entry := range costs.When {
		if entry.Tokens == tokens && !entry.Times.Equal(decimal.NewFromInt(1)) {
			places += max(0, -entry.Times.Exponent())
			highest = highest.Mul(decimal.Max(entry.Times, decimal.NewFromInt(1)))
		}
	}
	check := func(unit string, cost decimal.Decimal) {
		most := int32(maxUnitPlaces)
		if tokens {
			most = maxTokenPlaces
		}
		switch {
		case IsTokens(unit) != tokens:
		case places > 0 && max(0, -cost.Exponent())+places > most:
			r.problem(at, "%s costs %s, and multiplied by every times that may hold it has more than %d digits after the "+
				"point: shorten one of them", unit, cost, most)
		case cost.Mul(highest).GreaterThanOrEqual(maxCost):
			r.problem(at, "%s costs %s, and multiplied by every times that may hold it has more than 20 digits", unit, cost)
		}
	}
	for _, unit := range slices.SortedFunc(maps.Keys(costs.ByUnit), CompareUnits) {
		check(unit, costs.ByUnit[unit])
	}
	for _, entry := range costs.When {
		for _, unit := range slices.SortedFunc(maps.Keys(entry.ByUnit), CompareUnits) {
			check(unit, entry.ByUnit[unit])
		}
	}
}

// checkOverriddenFactors refuses a customer's own costs that, with the price list's, have too many digits.
func (r *catalogReader) checkOverriddenFactors(at ast.Node, override *Override) {
	for _, system := range r.catalog.CreditSystems {
		if system.ID != override.System {
			continue
		}
		for _, version := range system.Costs {
			for _, feature := range slices.Sorted(maps.Keys(override.ByFeature)) {
				costs, priced := version.ByFeature[feature]
				if own := override.ByFeature[feature]; priced && len(own.When)+len(costs.When) > 0 {
					before := len(r.problems)
					r.checkFactors(at, true, costs.with(own))
					r.checkFactors(at, false, costs.with(own))
					if len(r.problems) > before {
						return
					}
				}
			}
		}
	}
}

// whenShape is the JSON Schema of `when`.
func whenShape(units Schema) Schema {
	return nonEmpty(Schema{
		"type": "object",
		"properties": map[string]Schema{
			keyContextOver: described(numberShape, "More tokens put in than this, all units of them together."),
			keyBetween: described(Schema{
				"type": "array", "items": textShape, "minItems": 2, "maxItems": 2,
			}, "Hours of the day."),
			keyTimezone: described(textShape, "That of between. Default: the catalog's."),
			keyTimes:    described(numberShape, "Multiplies what is found for a unit."),
		},
		"additionalProperties": eitherShape(units, textShape, boolShape,
			nonEmpty(eitherShape(textShape, boolShape, nullShape))),
	})
}

func described(shape Schema, doc string) Schema {
	result := Schema{"description": strings.TrimSpace(doc)}
	maps.Copy(result, shape)
	return result
}
