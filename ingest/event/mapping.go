package event

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/creditmill/creditmill/schemas"
)

// mapping is a source laid out for reading rows: what is looked for in a row, where each value goes, and how fields are
// made of them where a field is more than one value. It does not change once made.
type mapping struct {
	Wanted     []Wanted
	units      []string // that the source looks for, in the order of its fields
	tokens     []bool   // whether each counts tokens
	hashes     []Target // inputs of a hashed event_id
	choices    []choice
	skips      [][]condition // a row that meets all of one set is left out
	required   []condition
	holds      []holds
	occurredAt *schemas.Field
	bases      []base // of fields of occurred_at that count from another time
	// dimensions are in the order of their names.
	dimensions []dimension
}

// dimension is where the value of a dimension is found, or what it is in every row.
type dimension struct {
	name     string
	from     Target
	constant []byte
	optional bool // a file of columns may be without it
}

// holds is a unit that counts others as well. They are places in units.
type holds struct {
	unit     int
	included []int
	unless   []condition // under which it does not
}

// holdsOf lays out which units a unit includes. Those that the source does not look for are in none of its rows.
func (m *mapping) holdsOf(unit string, included []string) holds {
	h := holds{unit: slices.Index(m.units, unit)}
	for _, other := range included {
		if i := slices.Index(m.units, other); i >= 0 && h.unit >= 0 {
			h.included = append(h.included, i)
		}
	}
	return h
}

// Wanted is one value that is looked for in a row.
type Wanted struct {
	Target  Target
	Field   string   // the field that it is for, as rejects name it; empty for a condition
	Out     int      // how many lists the path leads out of the element that the row is
	Path    []string // from there
	Text    string   // the name of a column
	Need    int      // of those with the same number, one column must be there
	Many    bool     // there may be several: quantities are added up
	Whole   bool     // they are whole
	Scaled  bool     // or will be, multiplied
	Count   []string // of a quantity that is how many of several values are one of these
	Allowed []string // of a condition with many: all of them must be one of these
}

// choice is a field with alternatives or conditions. What is found for it is settled before the row is put together.
type choice struct {
	target  Target
	counts  bool // it is a unit's
	whole   bool // and counts tokens
	options []option
	text    string // what is looked for, for people; empty unless there are alternatives
}

// option is one way to find a field's value.
type option struct {
	field   *schemas.Field
	from    Target
	when    []condition
	parts   []Target // of a join
	replace map[string][]byte
	scale   *factor
}

// condition is a value that must be there, and must be one of these.
type condition struct {
	from   Target
	text   string
	values []string
	truth  bool // without values false does not do
}

// NewMapping lays out a source. It is an error if the source looks for more than a row's values hold.
func NewMapping(source schemas.Source) (*mapping, error) {
	l := &layout{
		mapping: &mapping{}, next: TargetUnits + Target(len(source.Fields.Units)), places: map[string]Target{},
	}
	fields := []*schemas.Field{
		&source.Fields.EventID, &source.Fields.OccurredAt, &source.Fields.CustomerID, &source.Fields.Model,
		&source.Fields.Feature, &source.Fields.Properties, &source.Fields.AllUnits,
		&source.Fields.AllDimensions,
	}
	l.occurredAt = &source.Fields.OccurredAt
	for i := range source.Fields.Units {
		l.units = append(l.units, source.Fields.Units[i].Unit)
		l.tokens = append(l.tokens, schemas.IsTokens(source.Fields.Units[i].Unit))
		fields = append(fields, &source.Fields.Units[i].Field)
	}
	for t, field := range fields {
		if field.InRow() {
			l.field(Target(t), field)
		}
	}
	for i := range source.Fields.Dimensions {
		l.dimension(&source.Fields.Dimensions[i])
	}
	for _, path := range source.Fields.EventID.Hash {
		l.hashes = append(l.hashes, l.extra(TargetEventID.String(), path, strings.Join(path, "."), nil))
	}
	for _, set := range source.Skip {
		l.skips = append(l.skips, l.conditions(set))
	}
	l.required = l.conditions(source.Require)
	for _, include := range source.Includes {
		h := l.holdsOf(include.Unit, include.Units)
		h.unless = l.conditions(include.Unless)
		l.holds = append(l.holds, h)
	}
	if l.next > maxTargets {
		return nil, fmt.Errorf("source %s looks for %d values in a row, at most %d are possible",
			source.ID, l.next, maxTargets)
	}
	return l.mapping, nil
}

// dimension lays out where a dimension is found.
func (l *layout) dimension(field *schemas.DimensionField) {
	d := dimension{name: field.Name, from: l.next, optional: field.Optional}
	l.next++
	if field.Kind == schemas.FieldConst {
		d.constant = []byte(field.Const)
	}
	l.dimensions = append(l.dimensions, d)
	if field.InRow() {
		l.field(d.from, &field.Field)
	}
}

// layout gives out targets while a mapping is made.
type layout struct {
	*mapping
	next   Target
	needs  int
	places map[string]Target // of conditions, by path
}

// extra makes a place for a value that is not a field itself.
func (l *layout) extra(field string, path []string, text string, allowed []string) Target {
	t := l.next
	l.next++
	l.needs++
	l.want(Wanted{Target: t, Field: field, Path: path, Text: text, Need: l.needs, Allowed: allowed})
	return t
}

func (l *layout) want(w Wanted) {
	w.Many = w.Many || schemas.HasAll(w.Path)
	w.Whole = !w.Scaled && l.wholeOf(w.Field)
	w.Out, w.Path = schemas.Outward(w.Path)
	l.Wanted = append(l.Wanted, w)
}

// wholeOf tells whether a field counts tokens.
func (l *layout) wholeOf(field string) bool {
	return slices.ContainsFunc(l.units, func(unit string) bool {
		return schemas.IsTokens(unit) && schemas.UnitColumn(unit) == field
	})
}

// field lays out a field whose value is found in the row.
func (l *layout) field(t Target, field *schemas.Field) {
	l.needs++
	need := l.needs
	c := choice{target: t, counts: l.isUnit(t), whole: l.isUnit(t) && l.tokens[t-TargetUnits]}
	c.options = append(c.options, l.option(t, l.name(t), field, need, len(field.Or) == 0))
	texts := []string{field.Text}
	for i := range field.Or {
		other := &field.Or[i]
		from := t
		if other.Kind == schemas.FieldPath || other.Kind == schemas.FieldSum {
			from = l.next
			l.next++
		}
		c.options = append(c.options, l.option(from, l.name(t), other, need, false))
		if other.InRow() {
			texts = append(texts, other.Text)
		}
	}
	if len(texts) > 1 || field.Kind == schemas.FieldJoin {
		c.text = ": looked for " + strings.Join(texts, ", ")
	}
	if first := &c.options[0]; len(c.options) > 1 || len(first.when) > 0 || first.makes() {
		l.choices = append(l.choices, c)
	}
}

func (l *layout) conditions(declared []schemas.Condition) []condition {
	var conditions []condition
	for _, c := range declared {
		key := strings.Join(c.Path, "\x00")
		if schemas.HasAll(c.Path) {
			key += "\x00" + strings.Join(c.Values, "\x00")
		}
		from, ok := l.places[key]
		if !ok {
			from = l.extra("", c.Path, c.Text, c.Values)
			l.places[key] = from
		}
		conditions = append(conditions, condition{from, c.Text, c.Values, c.Truth})
	}
	return conditions
}

// holds tells whether the row meets the condition.
func (c *condition) holds(v *Values) bool {
	found := v.get(c.from)
	if found.empty() {
		return slices.Contains(c.values, "")
	}
	if len(c.values) == 0 {
		return !c.truth || !found.isFalse()
	}
	return found.Kind < KindObject && slices.Contains(c.values, string(found.Bytes))
}

func (v Value) empty() bool {
	return v.Kind == KindNull || ((v.Kind == KindString || v.Kind == KindText) && len(v.Bytes) == 0)
}

// isFalse tells that the value is false, or a text that says so.
func (v Value) isFalse() bool {
	return v.Kind < KindObject && bytes.EqualFold(v.Bytes, []byte("false"))
}

// LeftOut is what assemble says of a row that the source skips; it is no fault, and nothing else of the row is looked
// at.
var LeftOut = &Fault{Reason: "is left out by skip of the source"}

func (a *Assembler) skipsRow(v *Values) bool {
	return slices.ContainsFunc(a.skips, func(set []condition) bool { return holdsAll(set, v) })
}

// choose settles what is found for the fields that have alternatives or conditions, if the row meets the requirements.
func (a *Assembler) choose(v *Values) *Fault {
	for i := range a.required {
		if c := &a.required[i]; !c.holds(v) {
			return &Fault{"", c.unmet(v)}
		}
	}
	a.made = a.made[:0]
	for i := range a.choices {
		c := &a.choices[i]
		chosen, reason := a.pick(c, v)
		if reason != "" {
			return &Fault{a.name(c.target), reason}
		}
		switch c.target {
		case TargetOccurredAt:
			a.time = chosen
		case TargetCustomerID:
			a.customer = chosen
		}
	}
	return nil
}

// pick puts the first value there is into the field's place and returns its option; with none the place is empty. A
// count of 0 is passed over where a later option has more: some logs fill one of two places and leave 0 in the other.
func (a *Assembler) pick(c *choice, v *Values) (chosen *schemas.Field, reason string) {
	zero := false
	for i := range c.options {
		o := &c.options[i]
		if o.field.Kind == schemas.FieldConst {
			v.Set(c.target, Value{KindString, []byte(o.field.Const)})
			return o.field, ""
		}
		found := v.get(o.from)
		if len(o.parts) > 0 {
			if found, reason = a.join(o, v); reason != "" {
				return nil, reason
			}
		}
		if found.empty() || !o.applies(v) {
			continue
		}
		if c.counts && found.isZero() {
			zero = true
			continue
		}
		if o.makes() {
			if found, reason = a.make(o, found, c.whole); reason != "" {
				return nil, reason
			}
		}
		v.Set(c.target, found)
		return o.field, ""
	}
	v.Found &^= 1 << c.target
	if zero {
		v.Set(c.target, Value{KindNumber, digitZero})
	}
	return c.options[0].field, ""
}

var digitZero = []byte{'0'}

// applies tells whether the row meets the conditions of the option.
func (o *option) applies(v *Values) bool {
	for i := range o.when {
		if !o.when[i].holds(v) {
			return false
		}
	}
	return true
}

func (c *condition) unmet(v *Values) string {
	found := v.get(c.from)
	if found.empty() {
		return c.text + " is missing: the source requires it"
	}
	named := slices.DeleteFunc(slices.Clone(c.values), func(allowed string) bool { return allowed == "" })
	return c.text + " is " + quote(found.Bytes) + ": the source takes " + strings.Join(named, ", ")
}

// lookedFor says where a field that is missing was looked for, if there were several places.
func (a *Assembler) lookedFor(field string) string {
	for i := range a.choices {
		if a.name(a.choices[i].target) == field {
			return a.choices[i].text
		}
	}
	return ""
}

// mapCustomer looks a key up in the customer map.
func (a *Assembler) mapCustomer(key []byte) ([]byte, *Fault) {
	id, ok := a.customer.Map.ByKey[string(key)]
	if !ok {
		reason := "no customer for the key " + masked(key) + " in " + a.customer.Map.File
		return nil, &Fault{TargetCustomerID.String(), reason}
	}
	a.mapped = append(a.mapped[:0], id...)
	return a.mapped, nil
}

// masked shows the beginning of a key that may be a secret: enough to tell keys apart, too little to use one.
func masked(key []byte) string {
	const shown = 4
	if len(key) < 4*shown {
		return fmt.Sprintf("of %d characters", len(key))
	}
	return quote(key[:shown]) + "…"
}
