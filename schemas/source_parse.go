package schemas

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// ParseSources reads the `sources:` of a creditmill.yaml, given whole; other keys of the file are not looked at. It
// returns the built-in sources followed by the declared ones, in the order of the file, and every mistake found.
// Without data, or without a `sources:` key, the built-in ones are returned.
func ParseSources(file string, data []byte) ([]Source, Problems) {
	return parseSources(file, data, BuiltinSources())
}

func parseSources(file string, data []byte, builtin []Source) ([]Source, Problems) {
	d, root := newDecoder(file, data)
	if root == nil {
		return builtin, d.problems
	}
	o, _ := d.object(root, "a config file", nil)
	reader := &sourceReader{decoder: d, declared: map[string]*sourceNode{}, builtin: builtin, sources: builtin}
	if value := o.value("sources", false); value != nil {
		if _, kind := d.scalar(value); kind != scalarNull {
			reader.read(o.list("sources", false))
		}
	}
	d.problems.sort()
	if d.problems.Err() != nil {
		return builtin, d.problems
	}
	return reader.sources, d.problems
}

var (
	sourceFields = []string{
		"id", "extends", "within", "format", "timezone", "delimiter", "fields", "input_includes", "output_includes",
		"includes", "require", "skip", "expect", "keep", "rows", "dimensions", "null_words",
	}
	expectations = []string{ExpectHourly, ExpectDaily}
	keeps        = []string{KeepFirst, KeepLast, KeepLargest}
	formats      = []string{FormatJSONL, FormatCSV, FormatParquet, FormatArrow}
)

// sourceReader reads declared sources in the order in which they extend each other.
type sourceReader struct {
	*decoder
	declared map[string]*sourceNode
	builtin  []Source
	sources  []Source
	zone     *time.Location // of the source under way
}

type sourceNode struct {
	*object
	id      string
	reading bool
	source  *Source // nil until read
	broken  bool    // what it extends is not known, so what it lacks is not either
}

func (r *sourceReader) read(nodes []ast.Node) {
	var order []*sourceNode
	for _, node := range nodes {
		o, ok := r.object(node, "a source", sourceFields)
		if !ok {
			continue
		}
		source := &sourceNode{object: o, id: o.id("id")}
		order = append(order, source)
		if source.id == "" {
			continue
		}
		at := o.fields["id"].value
		if _, builtin := SourceByID(r.builtin, source.id); builtin {
			r.problem(at, "source %q is built in: choose another id", source.id)
		} else if first, twice := r.declared[source.id]; twice {
			line, column := position(startToken(first.fields["id"].value))
			r.problem(at, "source %q is repeated (first at %d:%d)", source.id, line, column)
		} else {
			r.declared[source.id] = source
		}
	}
	for _, source := range order {
		r.sources = append(r.sources, r.readSource(source))
	}
}

func (r *sourceReader) readSource(node *sourceNode) Source {
	if node.source != nil {
		return *node.source
	}
	node.reading = true
	source, ok := r.base(node)
	source.ID = node.id
	if format := node.text("format", false); format != "" {
		source.Format = format
		if !slices.Contains(formats, format) {
			r.problem(node.fields["format"].value, "unknown format %q%s", format,
				suggest(format, formats, ": it is one of "+strings.Join(formats, ", ")))
		}
	}
	if expect := r.choice(node, "expect", "expectation", expectations); expect != "" {
		source.Expect = expect
	}
	if keep := r.choice(node, "keep", "row to keep", keeps); keep != "" {
		source.Keep = keep
	}
	r.readRows(node, &source)
	r.readWithin(node, &source)
	if loc := node.timezone("timezone"); loc != nil {
		source.Timezone = loc
		source.Fields.OccurredAt = source.Fields.OccurredAt.in(loc)
	}
	if delimiter := r.delimiter(node, source.Format); delimiter != 0 {
		source.CSV.Delimiter = delimiter
	}
	given := r.newObject(node.node)
	r.zone = source.Timezone
	if fields := node.value("fields", source.Extends == ""); fields != nil {
		given = r.readFields(fields, &source)
	}
	node.broken = !ok
	if ok {
		r.checkFields(node, given, source)
	}
	r.readIncludes(node, &source)
	if value := node.value("dimensions", false); value != nil {
		r.readDimensions(value, &source)
	}
	if value := node.value("require", false); value != nil {
		source.Require = r.conditions(value, "require")
	}
	if value := node.value("skip", false); value != nil {
		source.Skip = r.skips(value)
	}
	if node.has("null_words") {
		source.NullWords = r.nullWords(node)
	}
	r.checkOutward(node, &source)
	node.source = &source
	return source
}

// choice reads a key that takes one of a few words; empty where it is not there.
func (r *sourceReader) choice(node *sourceNode, key, what string, words []string) string {
	word := node.text(key, false)
	if word != "" && !slices.Contains(words, word) {
		r.problem(node.fields[key].value, "unknown %s %q%s", what, word,
			suggest(word, words, ": it is one of "+strings.Join(words, ", ")))
	}
	return word
}

// base returns the source that this one extends, or an empty one; ok is false if that is not known.
func (r *sourceReader) base(node *sourceNode) (source Source, ok bool) {
	if !node.has("extends") {
		return Source{}, !node.meant["extends"]
	}
	source.Extends = node.text("extends", true)
	if source.Extends == "" {
		return source, false
	}
	at := node.fields["extends"].value
	if builtin, ok := SourceByID(r.builtin, source.Extends); ok {
		builtin.Extends = source.Extends
		return builtin, true
	}
	other, declared := r.declared[source.Extends]
	if !declared {
		known := r.known()
		r.problem(at, "unknown source %q%s", source.Extends,
			suggest(source.Extends, known, ": known are "+quoted(known)))
		return source, false
	}
	if other.reading && other.source == nil {
		r.problem(at, "sources extend each other in a cycle")
		return source, false
	}
	extended := r.readSource(other)
	extended.Extends = source.Extends
	extended.Includes = slices.Clone(extended.Includes)
	return extended, !other.broken
}

// known returns the ids of all sources, sorted.
func (r *sourceReader) known() []string {
	var ids []string
	for _, builtin := range r.builtin {
		ids = append(ids, builtin.ID)
	}
	for id := range r.declared {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (r *sourceReader) delimiter(node *sourceNode, format string) rune {
	value := node.value("delimiter", false)
	if value == nil {
		return 0
	}
	text, kind := r.scalar(value)
	if text == "tab" || text == `\t` {
		text = "\t"
	}
	delimiter, size := utf8.DecodeRuneInString(text)
	if kind != scalarText || size == 0 || size != len(text) || strings.ContainsAny(text, "\"\r\n") {
		r.problem(value, "field %q must be one character, or tab", "delimiter")
		return 0
	}
	if format != FormatCSV {
		r.problem(node.fields["delimiter"].key, "field %q is for the format csv", "delimiter")
	}
	return delimiter
}

// readIncludes reads which units other counts hold as well. Tokens subtracted twice, or from each other, would be lost.
func (r *sourceReader) readIncludes(node *sourceNode, source *Source) {
	at := node.node
	set := func(key ast.Node, include Include) {
		at = key
		source.Includes = slices.DeleteFunc(source.Includes, func(other Include) bool { return other.Unit == include.Unit })
		source.Includes = append(source.Includes, include)
	}
	if value := node.value("includes", false); value != nil {
		o, _ := r.object(value, "includes", TokenUnits)
		for _, unit := range o.keys {
			set(o.fields[unit].key, r.include(o, unit, unit))
		}
	}
	for _, unit := range []string{UnitInput, UnitOutput} {
		if key := unit + "_includes"; node.has(key) {
			set(node.fields[key].key, r.include(node.object, key, unit))
		}
	}
	holder := map[string]string{} // of a unit, the one that includes it
	for _, include := range source.Includes {
		for _, unit := range include.Units {
			if other, twice := holder[unit]; twice {
				first, second := other, include.Unit
				if CompareUnits(first, second) > 0 {
					first, second = second, first
				}
				r.problem(at, "pool %q is included in both %s and %s: its tokens can be in one", unit, first, second)
			}
			holder[unit] = include.Unit
		}
	}
	depth := func(unit string) (levels int) {
		for holder[unit] != "" && levels <= len(TokenUnits) {
			unit = holder[unit]
			levels++
		}
		return levels
	}
	slices.SortStableFunc(source.Includes, func(a, b Include) int {
		return cmp.Or(cmp.Compare(depth(a.Unit), depth(b.Unit)), CompareUnits(a.Unit, b.Unit))
	})
	for _, include := range source.Includes {
		if depth(include.Unit) > len(TokenUnits) {
			r.problem(at, "%s and %s cannot include each other", include.Unit, holder[include.Unit])
			return
		}
	}
}

// include reads a list of units, or a mapping of it and the conditions under which they are not included.
func (r *sourceReader) include(of *object, key, unit string) Include {
	value := of.fields[key].value
	if _, ok := r.resolve(value).(*ast.MappingNode); !ok {
		return Include{Unit: unit, Units: r.pools(of, key, unit)}
	}
	o, ok := r.object(value, "field "+strconv.Quote(key), []string{"pools", "unless"})
	if !ok {
		return Include{Unit: unit}
	}
	include := Include{Unit: unit}
	if conditions := o.value("unless", true); conditions != nil {
		include.Unless = r.conditions(conditions, "unless")
	}
	include.Units = r.pools(o, "pools", unit)
	return include
}

func (r *sourceReader) pools(node *object, key, itself string) []string {
	var pools []string
	for _, value := range node.list(key, false) {
		pool, _ := r.scalar(value)
		switch {
		case !IsTokens(pool):
			r.problem(value, "unknown pool %q%s", pool,
				suggest(pool, TokenUnits, ": it is one of "+strings.Join(TokenUnits, ", ")))
		case pool == itself:
			r.problem(value, "pool %q cannot include itself", pool)
		case slices.Contains(pools, pool):
			r.problem(value, "pool %q is repeated", pool)
		default:
			pools = append(pools, pool)
		}
	}
	return pools
}

// checkFields refuses a source that lacks what every event has. A pool alone may be missing: it counts 0. A field that
// is given and wrong has its own problem.
func (r *sourceReader) checkFields(node *sourceNode, given *object, source Source) {
	if !node.has("fields") {
		return // either it extends one that has all, or the fields are reported as missing
	}
	at := node.fields["fields"].key
	missing := func(name string, field Field) bool {
		return field.Kind == FieldNone && !given.has(name) && !given.meant[name]
	}
	f := source.Fields
	for _, needed := range []struct {
		name  string
		field Field
	}{{"event_id", f.EventID}, {"occurred_at", f.OccurredAt}, {"customer_id", f.CustomerID}} {
		if missing(needed.name, needed.field) {
			r.problem(at, "missing field %q", needed.name)
		}
	}
	if missing("feature", f.Feature) { // whose quantity is 1 where there is none
		if missing("model", f.Model) {
			r.problem(at, "missing field %q", "model")
		}
		if len(f.Units) == 0 && f.AllUnits.Kind == FieldNone && !slices.ContainsFunc(fieldNames, func(name string) bool {
			return countsUnit(name) && (given.has(name) || given.meant[name])
		}) {
			r.problem(at, "no field for tokens: give at least one of %s", strings.Join(columnUnits, ", "))
		}
	}
}

// knownLayouts are the layouts of time that have a name.
var knownLayouts = []string{LayoutRFC3339, LayoutUnix, LayoutUnixMS, LayoutUnixUS, LayoutUnixNS}

// NamesZone tells that a layout reads a zone by its abbreviation alone, which means an offset only in a timezone.
func NamesZone(layout string) bool {
	return strings.Contains(layout, "MST") && !strings.Contains(layout, "-07") && !strings.Contains(layout, "Z07")
}

// validLayout says whether a Go layout holds a whole date: what it writes must read back to the same day.
func validLayout(layout string) bool {
	day := time.Date(2013, time.November, 28, 0, 0, 0, 0, time.UTC)
	read, err := time.Parse(layout, day.Format(layout))
	return err == nil && read.Equal(day)
}
