package schemas

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
)

// object is a YAML mapping being decoded. Its getters note a problem where a value is missing or wrong and return a
// zero value then, so that decoding goes on.
type object struct {
	*decoder
	node   ast.Node
	keys   []string
	fields map[string]objectField
	meant  map[string]bool // fields that an unknown key is close to: they are not reported as missing, too
}

type objectField struct{ key, value ast.Node }

// object reads a mapping and refuses keys that are not in allowed, unless allowed is nil. It never returns nil: ok is
// false, and the object empty, if node is no mapping.
func (d *decoder) object(node ast.Node, what string, allowed []string) (o *object, ok bool) {
	o = d.newObject(node)
	mapping, ok := d.resolve(node).(*ast.MappingNode)
	if !ok {
		if d.resolve(node) != nil {
			d.problem(node, "%s must be a mapping of fields", what)
		}
		return o, false
	}
	o.node = mapping
	o.addFields(mapping, what, allowed)
	o.merge(mapping, what, allowed, 0)
	return o, true
}

func (d *decoder) newObject(node ast.Node) *object {
	return &object{decoder: d, node: node, fields: map[string]objectField{}, meant: map[string]bool{}}
}

func (o *object) addFields(mapping *ast.MappingNode, what string, allowed []string) {
	for _, value := range mapping.Values {
		if value.Key.IsMergeKey() {
			continue
		}
		key, kind := o.scalar(keyNode(value.Key))
		switch first, twice := o.fields[key]; {
		case kind == scalarNone || kind == scalarNull:
			o.problem(value.Key, "a field's name must be text")
		case twice:
			line, column := position(startToken(first.key))
			o.problem(value.Key, "field %q is repeated (first at %d:%d)", key, line, column)
		case allowed != nil && !slices.Contains(allowed, key):
			o.meant[Closest(key, allowed)] = true
			o.problem(value.Key, "unknown field %q%s", key, suggest(key, allowed, " in "+what))
		default:
			o.keys = append(o.keys, key)
			o.fields[key] = objectField{key: value.Key, value: value.Value}
		}
	}
}

// merge adds the fields of `<<: *anchor` that the mapping does not have itself.
func (o *object) merge(mapping *ast.MappingNode, what string, allowed []string, depth int) {
	for _, value := range mapping.Values {
		if !value.Key.IsMergeKey() {
			continue
		}
		if depth == maxAliasHops {
			o.problem(value.Key, "`<<` leads back to itself, or through more than %d mappings: name the fields themselves",
				maxAliasHops)
			return
		}
		sources := []ast.Node{value.Value}
		if list, ok := o.resolve(value.Value).(*ast.SequenceNode); ok {
			sources = list.Values
		}
		for _, source := range sources {
			merged, ok := o.resolve(source).(*ast.MappingNode)
			if !ok {
				o.problem(source, "`<<` takes a mapping")
				continue
			}
			other := o.newObject(merged)
			other.addFields(merged, what, allowed)
			other.merge(merged, what, allowed, depth+1)
			for _, key := range other.keys {
				if _, own := o.fields[key]; !own {
					o.keys = append(o.keys, key)
					o.fields[key] = other.fields[key]
				}
			}
		}
	}
}

// keyNode looks into the explicit form of a key, `? key`.
func keyNode(key ast.MapKeyNode) ast.Node {
	if explicit, ok := key.(*ast.MappingKeyNode); ok {
		return explicit.Value
	}
	return key
}

func (o *object) has(key string) bool {
	_, ok := o.fields[key]
	return ok
}

// value returns a field's value, or nil after noting that a required one is missing.
func (o *object) value(key string, required bool) ast.Node {
	field, ok := o.fields[key]
	if !ok && required && !o.meant[key] {
		o.problem(o.node, "missing field %q", key)
	}
	if !ok {
		return nil
	}
	return field.value
}

// text returns a field's text. A number may stand for its text, as in `id: 5`.
func (o *object) text(key string, required bool) string {
	value := o.value(key, required)
	if value == nil {
		return ""
	}
	text, kind := o.scalar(value)
	switch {
	case kind == scalarBool || kind == scalarNone:
		o.problem(value, "field %q must be text", key)
		return ""
	case kind == scalarNull || strings.TrimSpace(text) == "":
		o.problem(value, "field %q has no value", key)
		return ""
	}
	return text
}

// id returns the text of a field that names something.
func (o *object) id(key string) string {
	text := o.text(key, true)
	if text == "" {
		return ""
	}
	bad := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '*' || r == '"' })
	if len(text) > maxIDBytes || bad >= 0 {
		o.problem(o.fields[key].value, "field %q must be at most %d bytes, without blanks, quotes and stars",
			key, maxIDBytes)
		return ""
	}
	return o.name(key, text)
}

const maxIDBytes = 128

// name returns the text of a field if it can be a name, else "" after noting why not.
func (o *object) name(key, text string) string {
	if problem := NameProblem([]byte(text)); text != "" && problem != "" {
		o.problem(o.fields[key].value, "field %q %s", key, problem)
		return ""
	}
	return text
}

// bool returns a field's truth value; false if it is not there.
func (o *object) bool(key string) bool {
	value := o.value(key, false)
	if value == nil {
		return false
	}
	text, kind := o.scalar(value)
	if kind != scalarBool {
		o.problem(value, "field %q must be true or false", key)
	}
	return kind == scalarBool && strings.EqualFold(text, "true")
}

// list returns a field's values.
func (o *object) list(key string, required bool) []ast.Node {
	value := o.value(key, required)
	if value == nil {
		return nil
	}
	sequence, ok := o.resolve(value).(*ast.SequenceNode)
	if !ok {
		o.problem(value, "field %q must be a list", key)
		return nil
	}
	if len(sequence.Values) == 0 && required {
		o.problem(value, "field %q is an empty list", key)
	}
	return sequence.Values
}

// decimal returns a field's number, which must not be negative.
func (o *object) decimal(key string, required bool) decimal.Decimal {
	value := o.value(key, required)
	if value == nil {
		return decimal.Decimal{}
	}
	amount, _ := o.number(value, "field "+strconv.Quote(key))
	return amount
}

// number reads an exact number from its text, quoted or not.
func (d *decoder) number(node ast.Node, what string) (decimal.Decimal, bool) {
	text, kind := d.scalar(node)
	if kind != scalarNumber && kind != scalarText {
		d.problem(node, "%s must be a number", what)
		return decimal.Decimal{}, false
	}
	if unsigned := strings.TrimLeft(text, "+-"); len(unsigned) > 1 && unsigned[0] == '0' && unsigned[1] != '.' &&
		unsigned[1] != 'e' && unsigned[1] != 'E' {
		d.problem(node, "%s must be a decimal number, %q begins with 0", what, text)
		return decimal.Decimal{}, false
	}
	amount, err := money.Parse(text)
	switch {
	case err != nil:
		d.problem(node, "%s: %v", what, err)
		return decimal.Decimal{}, false
	case amount.IsNegative():
		d.problem(node, "%s is negative: %s", what, text)
		return decimal.Decimal{}, false
	}
	return amount, true
}

// integer returns a field's whole number, at least least; least if it is not there.
func (o *object) integer(key string, least int64) int64 {
	return o.integerWithin(key, least, maxInteger)
}

func (o *object) integerWithin(key string, least, most int64) int64 {
	value := o.value(key, false)
	if value == nil {
		return least
	}
	text, kind := o.scalar(value)
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || kind == scalarNone || number < least || number > most {
		o.problem(value, "field %q must be a whole number from %d to %d", key, least, most)
		return least
	}
	return number
}

const maxInteger = 1_000_000_000_000

// interval returns a field's interval.
func (o *object) interval(key string, allowed []Interval) Interval {
	o.value(key, true) // notes that it is missing
	names := make([]string, len(allowed))
	for i, interval := range allowed {
		names[i] = string(interval)
	}
	return Interval(o.choice(key, names...))
}

// choice returns a field's text, which must be one of those allowed; empty if it is not there.
func (o *object) choice(key string, allowed ...string) string {
	text := o.text(key, false)
	if text == "" || slices.Contains(allowed, text) {
		return text
	}
	o.problem(o.fields[key].value, "field %q must be one of %s, not %q%s",
		key, strings.Join(allowed, ", "), text, suggest(text, allowed, ""))
	return ""
}

// time returns the instant of a field: a bare date is midnight in loc. ok is false if there is none.
func (o *object) time(key string, required bool, loc *time.Location) (t time.Time, ok bool) {
	text := o.text(key, required)
	if text == "" {
		return time.Time{}, false
	}
	t, err := ParseTime(text, loc)
	if err != nil {
		o.problem(o.fields[key].value, "field %q: %v", key, err)
		return time.Time{}, false
	}
	return t, true
}

// timezone returns the location of a field; nil if it is not there or unknown.
func (o *object) timezone(key string) *time.Location {
	text := o.text(key, false)
	if text == "" {
		return nil
	}
	loc, err := time.LoadLocation(text)
	if err != nil || text == "Local" {
		o.problem(o.fields[key].value, "unknown timezone %q: write a name such as UTC or Europe/Berlin", text)
		return nil
	}
	return loc
}
