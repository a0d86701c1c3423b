package schemas

import (
	"slices"
	"strings"
)

// mainForms say where a field's value comes from: a mapping has one of them.
var mainForms = []string{"path", "sum", "join", "row", "hash", "const", "file", "hive"}

// besideForms are the forms that say more, by those that they stand beside.
var besideForms = map[string][]string{
	"layout":   {"path", "file", "hive"},
	"timezone": {"path", "const", "file", "hive"},
	"unit":     {"path"},
	"after":    {"path"},
	"map":      {"path", "join"},
	"when":     {"path", "sum"},
	"scale":    {"path", "sum"},
	"count":    {"path"},
	"with":     {"join"},
	"replace":  {"path", "join", "file", "hive"},
}

// formOf returns the form that says where the value comes from; empty after noting that it is not one.
func (r *sourceReader) formOf(o *object, name string, forms []string) string {
	var found []string
	for _, form := range mainForms {
		if o.has(form) {
			found = append(found, form)
		}
	}
	if len(found) != 1 {
		choice := slices.DeleteFunc(slices.Clone(forms), func(form string) bool { return besideForms[form] != nil })
		r.problem(o.node, "field %q takes one of: %s", name, strings.Join(choice, ", "))
		return ""
	}
	for _, form := range o.keys {
		beside := besideForms[form]
		switch {
		case beside == nil || slices.Contains(beside, found[0]):
		case slices.Contains(beside, "path"):
			r.problem(o.fields[form].key, "field %q says how a path is read, and there is none", form)
		default:
			r.problem(o.fields[form].key, "field %q goes with %s", form, strings.Join(beside, ", "))
		}
	}
	return found[0]
}

// readBeside reads the forms that say what becomes of the value found.
func (r *sourceReader) readBeside(o *object, field *Field) {
	if o.has("map") {
		field.Map = r.customerMap(o)
	}
	if o.has("count") {
		field.Count = r.values(o.fields["count"].value)
		if !HasAll(field.Path) {
			r.problem(o.fields["count"].key, "field %q counts elements of a list: give a path such as output[].type", "count")
		}
	}
	if o.has("replace") {
		field.Replace = r.replacements(o)
	}
	if value := o.value("scale", false); value != nil {
		scale, ok := r.number(value, `field "scale"`)
		const most = 18 // places before and behind the point
		switch digits := scale.Coefficient(); {
		case !ok:
		case scale.IsZero():
			r.problem(value, "field %q must be above 0", "scale")
		case scale.Exponent() > most || scale.Exponent() < -most || digits.BitLen() >= 63:
			r.problem(value, "field %q has too many digits", "scale")
		default:
			field.Scale = &scale
		}
	}
}

// join reads a text that is put together of several.
func (r *sourceReader) join(o *object, name string) Field {
	field := Field{Kind: FieldJoin}
	var texts []string
	for _, node := range o.list("join", true) {
		text, _ := r.scalar(node)
		field.Join = append(field.Join, r.fieldPath(name, node, text))
		texts = append(texts, text)
	}
	field.Text = strings.Join(texts, " and ")
	if value := o.value("with", false); value != nil {
		text, kind := r.scalar(value)
		if kind == scalarNone {
			r.problem(value, "field %q must be text", "with")
		}
		field.With = text
	}
	r.readBeside(o, &field)
	return field
}

// replacements reads the values that stand for others.
func (r *sourceReader) replacements(o *object) map[string]string {
	values, _ := r.object(o.fields["replace"].value, "replace", nil)
	if len(values.keys) == 0 {
		r.problem(o.fields["replace"].value, "field %q is empty: give a value of the log and what it stands for", "replace")
	}
	to := map[string]string{}
	for _, from := range values.keys {
		if text := values.name(from, values.text(from, true)); len(text) <= maxModelBytes {
			to[from] = text
		} else {
			r.problem(values.fields[from].value, "field %q must be at most %d bytes", from, maxModelBytes)
		}
	}
	return to
}
