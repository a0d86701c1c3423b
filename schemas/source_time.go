package schemas

import (
	"regexp"
	"slices"
	"strings"
)

// readLayout reads how a time is written.
func (r *sourceReader) readLayout(o *object, field *Field) {
	field.Layout = o.text("layout", false)
	field.Location = o.timezone("timezone")
	if layout := field.Layout; layout != "" && !slices.Contains(knownLayouts, layout) && !validLayout(layout) {
		r.problem(o.fields["layout"].value, "unknown layout %q%s", layout, suggest(layout, knownLayouts,
			": write rfc3339, unix, unix_ms, unix_us, unix_ns, or how Go would write its reference time, "+
				"as in 2006-01-02 15:04:05"))
	}
	if NamesZone(field.Layout) && field.Location == nil && r.zone == nil {
		r.problem(o.fields["layout"].value, "layout %q reads a zone's abbreviation, which says nothing by itself (CST is "+
			"three zones): add the timezone that it belongs to, or log an offset and read it with -0700", field.Layout)
	}
}

// timeUnits are the units in which a time after another one is counted, and how many places make nanoseconds of them.
var timeUnits = map[string]int{"s": 9, "ms": 6, "us": 3, "ns": 0}

// readAfter reads the time that a count of time begins at.
func (r *sourceReader) readAfter(o *object, field *Field) {
	unit, after := o.has("unit"), o.value("after", false)
	switch {
	case after == nil && !unit:
		return
	case after == nil:
		r.problem(o.fields["unit"].key, "field %q counts from a time: say which with after", "unit")
		return
	case !unit:
		r.problem(o.fields["after"].key, "field %q begins a count of time: give its unit, one of s, ms, us, ns", "after")
		return
	case o.has("layout"):
		r.problem(o.fields["layout"].key, "field %q is for a time, and with after it is a count of the unit", "layout")
	}
	text := o.text("unit", true)
	places, known := timeUnits[text]
	if !known && text != "" {
		r.problem(o.fields["unit"].value, "unknown unit %q: it is one of s, ms, us, ns", text)
	}
	begin := r.readOption("occurred_at", after)
	if begin.After != nil {
		r.problem(after, "field %q takes a time, not another count", "after")
	}
	if field.Location != nil && begin.Location == nil {
		begin.Location = field.Location
	}
	if field.Location == nil {
		field.Location = begin.Location
	}
	field.After, field.Places = &begin, places
}

// ofFile reads a value that the name of the file has.
func (r *sourceReader) ofFile(o *object, form string) Field {
	field := Field{Kind: FieldHive, Text: o.text(form, true)}
	if form == "file" {
		field.Kind = FieldFile
		pattern, err := regexp.Compile(field.Text)
		switch {
		case err != nil:
			r.problem(o.fields[form].value, "field %q is no regular expression: %v", form, err)
		case field.Text != "" && pattern.NumSubexp() != 1:
			r.problem(o.fields[form].value, "field %q needs one group, in parentheses, that is the value", form)
		}
	} else if strings.ContainsAny(field.Text, "=/") {
		r.problem(o.fields[form].value, "field %q takes the name before the =, as in hive: dt for dt=2026-10-01", form)
	}
	r.readLayout(o, &field)
	r.readBeside(o, &field)
	return field
}

func (f *Field) ofFile() bool { return f.Kind == FieldFile || f.Kind == FieldHive }

// nullWords reads the texts that are no value.
func (r *sourceReader) nullWords(node *sourceNode) []string {
	var words []string
	for _, value := range node.list("null_words", true) {
		text, kind := r.scalar(value)
		if kind == scalarNone || kind == scalarNull || text == "" {
			r.problem(value, "field %q takes texts, in quotes where YAML means something else: \"NULL\"", "null_words")
		}
		words = append(words, text)
	}
	return words
}
