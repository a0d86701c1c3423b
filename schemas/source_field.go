package schemas

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// fieldNames are the fields of an event that a source says where to find; any others stand under units.
var fieldNames = slices.Concat([]string{"event_id", "occurred_at", "customer_id", "model", "feature", "properties"},
	TokenUnits, []string{UnitQuantity, "units"})

// formsOf are the keys of a field's mapping, by the field's name; a unit takes those of unitForms.
var (
	formsOf = map[string][]string{
		"event_id":    {"path", "row", "hash"},
		"occurred_at": {"path", "const", "file", "hive", "layout", "timezone", "unit", "after"},
		"customer_id": append([]string{"map"}, textForms...),
		"model":       textForms,
		"feature":     textForms,
		"properties":  {"path"},
	}
	unitForms      = []string{"path", "sum", "when", "scale", "count"}
	textForms      = []string{"path", "join", "with", "const", "file", "hive", "replace"}
	dimensionForms = append([]string{"when"}, textForms...)
)

// readFields reads the fields that a source gives itself, and returns them as they were given.
func (r *sourceReader) readFields(node ast.Node, source *Source) *object {
	o, ok := r.object(node, "fields", fieldNames)
	if !ok {
		return o
	}
	for _, name := range o.keys {
		value := o.fields[name].value
		switch {
		case name == "units":
			r.readUnits(value, source)
		case IsTokens(name) || name == UnitQuantity:
			source.Fields.SetUnit(name, r.readField(name, value))
		case name == "occurred_at":
			source.Fields.OccurredAt = r.readField(name, value).timed(source.Timezone)
		default:
			*source.Fields.named(name) = r.readField(name, value)
		}
	}
	return o
}

// readUnits reads the fields of units that are no tokens; those of tokens may stand here, too.
func (r *sourceReader) readUnits(node ast.Node, source *Source) {
	o, _ := r.object(node, "units", nil)
	for _, unit := range o.keys {
		if !IsUnit(unit) {
			r.problem(o.fields[unit].key, badUnit, MaxUnitBytes)
			continue
		}
		if unit == UnitRequests {
			r.problem(o.fields[unit].key, "requests are not found in a log: each event counts one")
			continue
		}
		source.Fields.SetUnit(unit, r.readField(unit, o.fields[unit].value))
	}
}

const badUnit = "a unit's name must be lower-case letters, digits and underscores, a letter first, at most %d"

// named is the field of a name that is no unit's.
func (f *Fields) named(name string) *Field {
	return map[string]*Field{
		"event_id": &f.EventID, "customer_id": &f.CustomerID, "model": &f.Model, "feature": &f.Feature,
		"properties": &f.Properties,
	}[name]
}

// all are the fields, of units and others.
func (f *Fields) all() []*Field {
	list := []*Field{
		&f.EventID, &f.OccurredAt, &f.CustomerID, &f.Model, &f.Feature, &f.Properties, &f.AllUnits, &f.AllDimensions,
	}
	for i := range f.Units {
		list = append(list, &f.Units[i].Field)
	}
	for i := range f.Dimensions {
		list = append(list, &f.Dimensions[i].Field)
	}
	return list
}

// countsUnit tells whether a field is of a unit: several values of it are added up.
func countsUnit(name string) bool {
	_, other := formsOf[name]
	return !other && !strings.HasPrefix(name, dimensionsPrefix)
}

const dimensionsPrefix = "dimensions."

// DimensionColumn is the column of the canonical row that holds a dimension, and the name of its field in rejects.
func DimensionColumn(name string) string { return dimensionsPrefix + name }

// readDimensions reads where the dimensions of events are found.
func (r *sourceReader) readDimensions(node ast.Node, source *Source) {
	o, _ := r.object(node, "dimensions", nil)
	for _, name := range o.keys {
		if !IsDimension(name) {
			r.problem(o.fields[name].key, badDimension, name, MaxUnitBytes)
			continue
		}
		source.Fields.SetDimension(name, r.readField(DimensionColumn(name), o.fields[name].value))
	}
}

// timed fills in what occurred_at does not say about its layout and timezone.
func (f Field) timed(location *time.Location) Field {
	if f.Layout == "" {
		f.Layout = LayoutRFC3339
	}
	if f.Location == nil {
		f.Location = location
	}
	f.Or = slices.Clone(f.Or)
	for i := range f.Or {
		f.Or[i] = f.Or[i].timed(location)
	}
	if f.After != nil {
		after := f.After.timed(location)
		f.After = &after
	}
	return f
}

// in reads the times of occurred_at in the location.
func (f Field) in(location *time.Location) Field {
	f.Location = location
	f.Or = slices.Clone(f.Or)
	for i := range f.Or {
		f.Or[i] = f.Or[i].in(location)
	}
	if f.After != nil {
		after := f.After.in(location)
		f.After = &after
	}
	return f
}

// readField reads a field: a path, a mapping, or a list of them to be tried in order.
func (r *sourceReader) readField(name string, node ast.Node) Field {
	list, ok := r.resolve(node).(*ast.SequenceNode)
	if !ok {
		return r.readOption(name, node)
	}
	switch {
	case name == "properties":
		r.problem(node, "field %q takes a path, not a list", name)
		return Field{}
	case len(list.Values) == 0:
		r.problem(node, "field %q is an empty list", name)
		return Field{}
	}
	var options []Field
	for i, value := range list.Values {
		option := r.readOption(name, value)
		switch {
		case option.Kind == FieldRow || option.Kind == FieldHash:
			r.problem(value, "field %q: row and hash always have a value and cannot be in a list", name)
		case option.Kind == FieldConst && (i == 0 || i < len(list.Values)-1):
			r.problem(value, "field %q: const always has a value, so it can only be last in a list", name)
		case option.ofFile() && (i == 0 || i < len(list.Values)-1):
			r.problem(value, "field %q: what a file's name says holds for all its rows, so it can only be last in a list",
				name)
		}
		options = append(options, option)
	}
	field := options[0]
	field.Or = options[1:]
	return field
}

func (r *sourceReader) readOption(name string, node ast.Node) Field {
	if text, kind := r.scalar(node); kind != scalarNone {
		if kind == scalarNull {
			r.problem(node, "field %q has no value", name)
			return Field{}
		}
		return r.fieldPath(name, node, text)
	}
	forms := formsFor(name)
	o, ok := r.object(node, "field "+strconv.Quote(name), forms)
	if !ok {
		return Field{}
	}
	form := r.formOf(o, name, forms)
	if form == "" {
		return Field{}
	}
	field := r.readForm(o, name, form)
	if field.Kind == FieldPath && HasAll(field.Path) && !countsUnit(name) {
		r.problem(o.fields["path"].value, oneOfAll, name)
	}
	return field
}

const oneOfAll = "field %q takes one value: say which element of the list, as in items[0] or items[key=value]"

// fieldPath reads a path that stands alone.
func (r *sourceReader) fieldPath(name string, node ast.Node, text string) Field {
	field := r.pathField(node, text)
	if HasAll(field.Path) && !countsUnit(name) {
		r.problem(node, oneOfAll, name)
	}
	return field
}

func (r *sourceReader) readForm(o *object, name, form string) Field {
	switch form {
	case "row":
		if text, kind := r.scalar(o.fields["row"].value); kind != scalarBool || text != "true" {
			r.problem(o.fields["row"].value, "field %q takes true", "row")
		}
		return Field{Kind: FieldRow}
	case "const":
		field := Field{Kind: FieldConst, Const: r.constant(o), Location: o.timezone("timezone")}
		if name == "occurred_at" && field.Const != "" {
			if _, err := ParseTime(field.Const, time.UTC); err != nil {
				r.problem(o.fields["const"].value, "field %q: %v", "const", err)
			}
		}
		return field
	case "hash":
		field := Field{Kind: FieldHash}
		for _, node := range o.list("hash", true) {
			text, _ := r.scalar(node)
			field.Hash = append(field.Hash, r.fieldPath("event_id", node, text).Path)
		}
		return field
	case "sum":
		return r.sum(o)
	case "join":
		return r.join(o, name)
	case "file", "hive":
		return r.ofFile(o, form)
	}
	field := r.pathField(o.fields["path"].value, o.text("path", true))
	r.readLayout(o, &field)
	if value := o.value("when", false); value != nil {
		field.When = r.conditions(value, "when")
	}
	r.readBeside(o, &field)
	r.readAfter(o, &field)
	return field
}

// sum reads a count that is several counts together.
func (r *sourceReader) sum(o *object) Field {
	field := Field{Kind: FieldSum}
	var texts []string
	for _, node := range o.list("sum", true) {
		text, _ := r.scalar(node)
		part := r.pathField(node, text)
		field.Sum = append(field.Sum, part)
		texts = append(texts, text)
	}
	field.Text = strings.Join(texts, " + ")
	r.readBeside(o, &field)
	if value := o.value("when", false); value != nil {
		field.When = r.conditions(value, "when")
	}
	return field
}

func (r *sourceReader) constant(o *object) string {
	text := o.name("const", o.text("const", true))
	if len(text) > maxModelBytes {
		r.problem(o.fields["const"].value, "field %q must be at most %d bytes", "const", maxModelBytes)
	}
	return text
}

func (r *sourceReader) pathField(node ast.Node, text string) Field {
	path, err := splitPath(text)
	if err != nil {
		r.problem(node, "path %q: %v", text, err)
		return Field{Kind: FieldPath}
	}
	field := Field{Kind: FieldPath, Path: path, Text: text}
	if len(path) == 1 {
		field.Text = path[0]
	}
	return field
}
