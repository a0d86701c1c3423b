package schemas

import (
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// conditions reads a mapping of paths to what the value there must be: a value, a list of values, or true for any.
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

// skips reads conditions under which a row is left out: a mapping, all of which must hold, or a list of such mappings,
// any of which must.
func (r *sourceReader) skips(node ast.Node) [][]Condition {
	sets := []ast.Node{node}
	if list, ok := r.resolve(node).(*ast.SequenceNode); ok {
		sets = list.Values
		if len(sets) == 0 {
			r.problem(node, "field %q is empty: give a path and the values with which a row is left out", "skip")
		}
	}
	var skips [][]Condition
	for _, set := range sets {
		conditions := r.conditions(set, "skip")
		for i := range conditions {
			conditions[i].Truth = true
		}
		if len(conditions) > 0 { // else every row would be left out
			skips = append(skips, conditions)
		}
	}
	return skips
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
		if kind == scalarNull { // it may be missing
			text, kind = "", scalarText
		}
		if kind != scalarText && kind != scalarNumber {
			r.problem(value, "a condition's value must be text or a number, or null where it may be missing")
		}
		values = append(values, text)
	}
	if len(values) == 0 {
		r.problem(node, "a condition takes a value, a list of values, or true for any")
	}
	return values
}

// wrappers are known shapes around a log line, by the name that within takes for them.
var wrappers = map[string]struct{ rows, within string }{
	"docker":     {within: "log"},
	"fluentbit":  {within: "log"},
	"cloudwatch": {rows: "logEvents[]", within: "message"},
}

// readWithin moves what the extended source looks for into an object of the row.
func (r *sourceReader) readWithin(node *sourceNode, source *Source) {
	if !node.has("within") {
		return
	}
	text := node.text("within", true)
	at := node.fields["within"]
	if source.Extends == "" {
		r.problem(at.key, "field %q says where the row of an extended source is, and this one extends none", "within")
		return
	}
	if text == "" {
		return
	}
	ownRows := node.has("rows")
	if wrapper, ok := wrappers[text]; ok {
		text = wrapper.within
		if wrapper.rows != "" && len(source.Rows) > 0 {
			r.problem(at.value, "within has rows of its own, and so has source %q: only one list can make the rows",
				source.Extends)
			return
		}
		if wrapper.rows != "" {
			source.Rows, _ = splitPath(wrapper.rows) // it is right, as TestWrappers sees
			ownRows = true
		}
	}
	outer := r.pathField(at.value, text).Path
	if _, rest := Outward(outer); HasAll(outer) || len(rest) < len(outer) {
		r.problem(at.value, "within takes the path of one value")
		return
	}
	if len(source.Rows) > 0 && !ownRows { // the extended source's paths begin at the element
		source.Within = slices.Concat(outer, source.Within)
	}
	fields := &source.Fields
	fields.Units, fields.Dimensions = slices.Clone(fields.Units), slices.Clone(fields.Dimensions)
	for _, field := range fields.all() {
		*field = field.inside(outer)
	}
	source.Require = insideAll(outer, source.Require)
	source.Skip = slices.Clone(source.Skip)
	for i := range source.Skip {
		source.Skip[i] = insideAll(outer, source.Skip[i])
	}
	source.Includes = slices.Clone(source.Includes)
	for i := range source.Includes {
		source.Includes[i].Unless = insideAll(outer, source.Includes[i].Unless)
	}
}

// within puts a path into an object, behind the steps that lead out of the element.
func within(outer, path []string) []string {
	levels, rest := Outward(path)
	if levels > 0 {
		return path
	}
	return slices.Concat(outer, rest)
}

func (f Field) inside(outer []string) Field {
	if f.Kind == FieldPath {
		f.Path = within(outer, f.Path)
		f.Text = joinPath(f.Path)
	}
	if f.After != nil {
		after := f.After.inside(outer)
		f.After = &after
	}
	f.When = insideAll(outer, f.When)
	f.Hash = slices.Clone(f.Hash)
	for i := range f.Hash {
		f.Hash[i] = within(outer, f.Hash[i])
	}
	f.Or = slices.Clone(f.Or)
	for i := range f.Or {
		f.Or[i] = f.Or[i].inside(outer)
	}
	f.Sum = slices.Clone(f.Sum)
	for i := range f.Sum {
		f.Sum[i] = f.Sum[i].inside(outer)
	}
	f.Join = slices.Clone(f.Join)
	for i := range f.Join {
		f.Join[i] = f.Join[i].inside(outer)
	}
	return f
}

func insideAll(outer []string, conditions []Condition) []Condition {
	moved := slices.Clone(conditions)
	for i := range moved {
		moved[i].Path = within(outer, moved[i].Path)
		moved[i].Text = joinPath(moved[i].Path)
	}
	return moved
}

// readRows reads the path of the lists whose elements are the rows.
func (r *sourceReader) readRows(node *sourceNode, source *Source) {
	if !node.has("rows") {
		return
	}
	text := node.text("rows", true)
	if text == "" {
		return
	}
	path := r.pathField(node.fields["rows"].value, text).Path
	for i, step := range path {
		element, isElement := ElementOf(step)
		if isElement && (!element.All || i == 0) || step == stepOut ||
			(isElement && i > 0 && path[i-1] == stepAll) {
			r.problem(node.fields["rows"].value, "field %q takes a path of lists, as in resourceSpans[].spans[]", "rows")
			return
		}
	}
	if len(path) > 0 && path[len(path)-1] != stepAll {
		r.problem(node.fields["rows"].value, "field %q must end in the list whose elements are the rows: %s[]", "rows", text)
		return
	}
	source.Rows, source.Within = path, nil
}

// checkOutward refuses paths that lead out of more lists than the rows lie in.
func (r *sourceReader) checkOutward(node *sourceNode, source *Source) {
	most := 0
	for _, field := range source.Fields.all() {
		most = max(most, field.outward())
	}
	conditions := slices.Concat(source.Require, slices.Concat(source.Skip...))
	for _, include := range source.Includes {
		conditions = append(conditions, include.Unless...)
	}
	for _, condition := range conditions {
		levels, _ := Outward(condition.Path)
		most = max(most, levels)
	}
	if levels := len(Levels(source.Rows)); most > levels {
		r.problem(node.node, "a path leads %d levels out (^), and the rows are in %d lists: give the lists in rows",
			most, levels)
	}
}

func (f *Field) outward() int {
	most, _ := Outward(f.Path)
	for _, condition := range f.When {
		levels, _ := Outward(condition.Path)
		most = max(most, levels)
	}
	for _, path := range f.Hash {
		levels, _ := Outward(path)
		most = max(most, levels)
	}
	for _, inner := range slices.Concat(f.Or, f.Sum, f.Join) {
		most = max(most, inner.outward())
	}
	if f.After != nil {
		most = max(most, f.After.outward())
	}
	return most
}
