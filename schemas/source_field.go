package schemas

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// fieldNames are the fields of an event that a source says where to find.
var fieldNames = append([]string{"event_id", "occurred_at", "customer_id", "model", "properties"}, PoolNames[:]...)

// formsOf are the keys of a field's mapping, by the field's name; any other field takes `path` alone.
var formsOf = map[string][]string{
	"event_id":    {"path", "row", "hash"},
	"occurred_at": {"path", "layout", "timezone"},
	"customer_id": {"path", "const"},
	"model":       {"path", "const"},
}

// readFields reads the fields that a source gives itself, and returns them as they were given.
func (r *sourceReader) readFields(node ast.Node, source *Source) *object {
	o, ok := r.object(node, "fields", fieldNames)
	if !ok {
		return o
	}
	targets := map[string]*Field{
		"event_id":    &source.Fields.EventID,
		"occurred_at": &source.Fields.OccurredAt,
		"customer_id": &source.Fields.CustomerID,
		"model":       &source.Fields.Model,
		"properties":  &source.Fields.Properties,
	}
	for i, pool := range PoolNames {
		targets[pool] = &source.Fields.Tokens[i]
	}
	for _, name := range o.keys {
		field := r.readField(name, o.fields[name].value)
		if name == "occurred_at" {
			if field.Layout == "" {
				field.Layout = LayoutRFC3339
			}
			if field.Location == nil {
				field.Location = source.Timezone
			}
		}
		*targets[name] = field
	}
	return o
}

func (r *sourceReader) readField(name string, node ast.Node) Field {
	if text, kind := r.scalar(node); kind != scalarNone {
		if kind == scalarNull {
			r.problem(node, "field %q has no value", name)
			return Field{}
		}
		return r.pathField(node, text)
	}
	forms, ok := formsOf[name]
	if !ok {
		forms = []string{"path"}
	}
	o, ok := r.object(node, "field "+strconv.Quote(name), forms)
	if !ok {
		return Field{}
	}
	var found []string
	for _, form := range []string{"path", "row", "hash", "const"} {
		if o.has(form) {
			found = append(found, form)
		}
	}
	if len(found) != 1 {
		choice := slices.DeleteFunc(slices.Clone(forms), func(form string) bool {
			return form == "layout" || form == "timezone"
		})
		r.problem(node, "field %q takes one of: %s", name, strings.Join(choice, ", "))
		return Field{}
	}
	return r.readForm(o, found[0])
}

func (r *sourceReader) readForm(o *object, form string) Field {
	switch form {
	case "row":
		if text, kind := r.scalar(o.fields["row"].value); kind != scalarBool || text != "true" {
			r.problem(o.fields["row"].value, "field %q takes true", "row")
		}
		return Field{Kind: FieldRow}
	case "const":
		return Field{Kind: FieldConst, Const: r.constant(o)}
	case "hash":
		field := Field{Kind: FieldHash}
		for _, node := range o.list("hash", true) {
			text, _ := r.scalar(node)
			field.Hash = append(field.Hash, r.pathField(node, text).Path)
		}
		return field
	}
	field := r.pathField(o.fields["path"].value, o.text("path", true))
	field.Layout = o.text("layout", false)
	field.Location = o.timezone("timezone")
	if layout := field.Layout; layout != "" && !slices.Contains(knownLayouts, layout) && !validLayout(layout) {
		r.problem(o.fields["layout"].value, "unknown layout %q%s", layout, suggest(layout, knownLayouts,
			": write rfc3339, unix, unix_ms, unix_us, or how Go would write its reference time, "+
				"as in 2006-01-02 15:04:05"))
	}
	return field
}

func (r *sourceReader) constant(o *object) string {
	text := o.text("const", true)
	if len(text) > maxModelBytes {
		r.problem(o.fields["const"].value, "field %q is to be at most %d bytes", "const", maxModelBytes)
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

var (
	errEmptySegment = errors.New("a part of it is empty")
	errOpenQuote    = errors.New("a quote is not closed")
	errAfterQuote   = errors.New("a quoted part is to end at a dot")
)

// splitPath splits at dots; a part in double quotes is one key, dots and all.
func splitPath(text string) ([]string, error) {
	var path []string
	for {
		var segment string
		if quoted, ok := strings.CutPrefix(text, `"`); ok {
			end := strings.IndexByte(quoted, '"')
			if end < 0 {
				return nil, errOpenQuote
			}
			segment, text = quoted[:end], quoted[end+1:]
			if text != "" && text[0] != '.' {
				return nil, errAfterQuote
			}
		} else {
			end := strings.IndexByte(text, '.')
			if end < 0 {
				end = len(text)
			}
			segment, text = text[:end], text[end:]
		}
		if segment == "" {
			return nil, errEmptySegment
		}
		path = append(path, segment)
		if text == "" {
			return path, nil
		}
		text = text[1:]
	}
}
