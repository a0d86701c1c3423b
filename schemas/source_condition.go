package schemas

import (
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// conditions reads a mapping of paths to what the value there is to be: a value, a list of values, or true for any.
func (r *sourceReader) conditions(node ast.Node, name string) []Condition {
	o, ok := r.object(node, "field "+strconv.Quote(name), nil)
	if !ok {
		return nil
	}
	if len(o.keys) == 0 {
		r.problem(node, "field %q is empty: give a path and the values it may have", name)
	}
	var conditions []Condition
	for _, text := range o.keys {
		found := o.fields[text]
		field := r.pathField(found.key, text)
		conditions = append(conditions, Condition{Path: field.Path, Text: field.Text, Values: r.values(found.value)})
	}
	return conditions
}

// values reads what a condition allows; none for true.
func (r *sourceReader) values(node ast.Node) []string {
	list, ok := r.resolve(node).(*ast.SequenceNode)
	if !ok {
		text, kind := r.scalar(node)
		switch {
		case kind == scalarBool && text == "true":
			return nil
		case kind == scalarText || kind == scalarNumber:
			return []string{text}
		}
		r.problem(node, "a condition takes a value, a list of values, or true for any")
		return nil
	}
	var values []string
	for _, value := range list.Values {
		text, kind := r.scalar(value)
		if kind != scalarText && kind != scalarNumber {
			r.problem(value, "a condition's value is to be text or a number")
		}
		values = append(values, text)
	}
	if len(values) == 0 {
		r.problem(node, "a condition takes a value, a list of values, or true for any")
	}
	return values
}

// readWithin moves what the extended source looks for into an object of the row.
func (r *sourceReader) readWithin(node *sourceNode, source *Source) {
	if !node.has("within") {
		return
	}
	text := node.text("within", true)
	if source.Extends == "" {
		r.problem(node.fields["within"].key,
			"field %q says where the row of an extended source lies, and this one extends none", "within")
		return
	}
	if text == "" {
		return
	}
	outer := r.pathField(node.fields["within"].value, text).Path
	fields := &source.Fields
	for _, field := range fields.byName() {
		*field = field.inside(outer)
	}
	source.Require = insideAll(outer, source.Require)
}

func (f Field) inside(outer []string) Field {
	if f.Kind == FieldPath {
		f.Path = slices.Concat(outer, f.Path)
		f.Text = joinPath(f.Path)
	}
	f.When = insideAll(outer, f.When)
	f.Hash = slices.Clone(f.Hash)
	for i := range f.Hash {
		f.Hash[i] = slices.Concat(outer, f.Hash[i])
	}
	f.Or = slices.Clone(f.Or)
	for i := range f.Or {
		f.Or[i] = f.Or[i].inside(outer)
	}
	return f
}

func insideAll(outer []string, conditions []Condition) []Condition {
	moved := slices.Clone(conditions)
	for i := range moved {
		moved[i].Path = slices.Concat(outer, moved[i].Path)
		moved[i].Text = joinPath(moved[i].Path)
	}
	return moved
}
