package event

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/creditmill/creditmill/ingest/jsontext"
	"github.com/creditmill/creditmill/schemas"
)

// maxKnown is how many combinations of values an assembler remembers: a load has fewer, if it is not refused.
const maxKnown = 4 * schemas.MaxCombinations

// describe finds the row's dimensions. Their values are few, so those that were seen are looked up.
func (a *Assembler) describe(v *Values) *Fault {
	a.row.Dimensions = nil
	if len(a.dimensions) == 0 && v.Found&(1<<TargetAllDimensions) == 0 {
		return nil
	}
	a.valuesOf = a.valuesOf[:0]
	for i := range a.dimensions {
		a.note(v.get(a.dimensions[i].from))
	}
	a.note(v.get(TargetAllDimensions))
	known, found := a.known[string(a.valuesOf)]
	if !found {
		var failure *Fault
		if known, failure = a.format(v); failure != nil {
			return failure
		}
		if len(a.known) >= maxKnown || a.known == nil {
			a.known = map[string][]byte{}
		}
		a.known[string(a.valuesOf)] = known
	}
	a.row.Dimensions = known
	return nil
}

// note appends a value to those found so that no others read the same.
func (a *Assembler) note(found Value) {
	a.valuesOf = append(a.valuesOf, byte(found.Kind))
	a.valuesOf = binary.AppendUvarint(a.valuesOf, uint64(len(found.Bytes)))
	a.valuesOf = append(a.valuesOf, found.Bytes...)
}

// format writes the row's dimensions; nil if it has none.
func (a *Assembler) format(v *Values) ([]byte, *Fault) {
	values := map[string]string{}
	for i := range a.dimensions {
		d := &a.dimensions[i]
		value := v.get(d.from)
		if d.constant != nil {
			value = Value{KindString, d.constant}
		}
		if failure := setDimension(values, d.name, value); failure != nil {
			return nil, failure
		}
	}
	if failure := setDimensions(values, v.get(TargetAllDimensions)); failure != nil {
		return nil, failure
	}
	if len(values) == 0 {
		return nil, nil
	}
	return []byte(schemas.FormatDimensions(values)), nil
}

func setDimension(values map[string]string, name string, value Value) *Fault {
	field := schemas.DimensionColumn(name)
	switch {
	case value.empty():
		return nil
	case value.Kind == KindObject || value.Kind == KindArray:
		return &Fault{field, "want a text, found " + value.Kind.String()}
	case len(value.Bytes) > schemas.MaxDimensionBytes:
		return &Fault{field, "has " + strconv.Itoa(len(value.Bytes)) + " bytes, at most " +
			strconv.Itoa(schemas.MaxDimensionBytes) + " are allowed"}
	}
	if problem := schemas.NameProblem(value.Bytes); problem != "" {
		return &Fault{field, problem}
	}
	if _, twice := values[name]; twice {
		return &Fault{field, "is there twice"}
	}
	values[name] = string(value.Bytes)
	return nil
}

const notDimensions = "want an object of values by dimension"

// setDimensions reads an object of values by dimension.
func setDimensions(values map[string]string, found Value) (failure *Fault) {
	field := TargetAllDimensions.String()
	if found.empty() {
		return nil
	}
	if !isContainer(found.Bytes) || found.Bytes[jsontext.SkipBlanks(found.Bytes, 0)] != '{' {
		return &Fault{field, notDimensions}
	}
	reason := jsontext.EachField(found.Bytes, func(key, value []byte) bool {
		name := string(key)
		if !schemas.IsDimension(name) {
			failure = &Fault{field, quote(key) + " is no dimension: want " + unitNames + ", and no unit of tokens"}
			return false
		}
		kind := KindOf(value[0])
		if kind == KindString {
			var plain string
			if err := json.Unmarshal(value, &plain); err != nil {
				failure = &Fault{schemas.DimensionColumn(name), "is no text"}
				return false
			}
			value = []byte(plain)
		}
		if kind != KindNull {
			failure = setDimension(values, name, Value{kind, value})
		}
		return failure == nil
	})
	if failure == nil && reason != "" {
		failure = &Fault{field, notDimensions}
	}
	return failure
}

// describes tells whether a target is a dimension's.
func (m *mapping) describes(t Target) bool {
	return slices.ContainsFunc(m.dimensions, func(d dimension) bool { return d.from == t })
}

// isDimension tells whether a field is a dimension, or an optional one.
func (m *mapping) isDimension(field string, optional bool) bool {
	return slices.ContainsFunc(m.dimensions, func(d dimension) bool {
		return schemas.DimensionColumn(d.name) == field && (d.optional || !optional)
	})
}

// withDimensionColumns is the source that also looks for the columns that hold a dimension each.
func withDimensionColumns(source schemas.Source, columns []string) (schemas.Source, error) {
	all := source.Fields.AllDimensions
	if all.Kind != schemas.FieldPath {
		return source, nil
	}
	for _, column := range columns {
		name, found := strings.CutPrefix(column, all.Text+".")
		declared := slices.ContainsFunc(source.Fields.Dimensions, func(d schemas.DimensionField) bool {
			return d.Name == name
		})
		switch {
		case !found:
		case !schemas.IsDimension(name):
			return source, fmt.Errorf("column %q: %q is no dimension: want %s, and no unit of tokens", column, name, unitNames)
		case declared:
			return source, fmt.Errorf("column %q: source %s finds %s elsewhere", column, source.ID, name)
		default:
			path := append(slices.Clone(all.Path), name)
			source.Fields.SetDimension(name, schemas.Field{Kind: schemas.FieldPath, Path: path, Text: column})
		}
	}
	return source, nil
}

// Combinations are the combinations of dimensions that some rows have, each once.
type Combinations map[string]struct{}

// Problem says that there are too many, and which dimension has the most values; empty if there are not.
func (c Combinations) Problem() string {
	if len(c) <= schemas.MaxCombinations {
		return ""
	}
	values := map[string]map[string]bool{}
	for combination := range c {
		for name, value := range schemas.ParseDimensions(combination) {
			if values[name] == nil {
				values[name] = map[string]bool{}
			}
			values[name][value] = true
		}
	}
	most := ""
	for name := range values {
		if most == "" || len(values[name]) > len(values[most]) || len(values[name]) == len(values[most]) && name < most {
			most = name
		}
	}
	return fmt.Sprintf("%s has %d values, and there are more than %d combinations of dimensions: a dimension is what "+
		"prices depend on, with few values; leave it out of dimensions, or keep it in properties",
		schemas.DimensionColumn(most), len(values[most]), schemas.MaxCombinations)
}
