package schemas

import (
	"maps"
	"slices"
	"strings"
)

// sourceDocs says of each key of a source what it is, for the JSON Schema that editors read.
var sourceDocs = map[string]key{
	"id":              {shape: textShape, doc: "Names the source; load --source takes it."},
	"extends":         {shape: textShape, doc: "The source to start from, built in or declared."},
	"within":          {shape: textShape, doc: "Where in the row the log line of the extended source is."},
	"format":          {shape: choiceShape(formats...), doc: "Default: the file's name and content decide."},
	"timezone":        {shape: textShape, doc: "For times that carry no offset, such as Europe/Berlin."},
	"delimiter":       {shape: textShape, doc: "Of a csv source: one character, or tab."},
	"rows":            {shape: textShape, doc: "The lists whose elements are the rows, as in resourceSpans[].spans[]."},
	"input_includes":  {shape: includesShape, doc: "Units whose tokens input holds as well; they are subtracted."},
	"output_includes": {shape: includesShape, doc: "Units whose tokens output holds as well; they are subtracted."},
	"expect":          {shape: choiceShape(expectations...), doc: "How often it has usage; a gap holds charges."},
	"includes":        {shape: mapShape(includesShape), doc: "Units of tokens and those that their counts hold as well."},
	"keep":            {shape: choiceShape(keeps...), doc: "Which row counts where an id repeats. Default: first."},
	"skip":            {shape: skipShape, doc: "Leaves a row out on purpose that meets them all; of a list, any of them."},
	"dimensions":      {doc: "What prices may depend on: names of your choosing and where each is found."},
	"null_words":      {shape: nonEmpty(textShape), doc: "Texts in CSV and columns that are no value, such as NULL."},
	"require":         {shape: conditionsShape, doc: "What every row must meet: a path and the values it may have."},
}

// eventFieldDocs says of each field of an event what a source finds there.
var eventFieldDocs = map[string]string{
	"event_id":    "What identifies the event within the source.",
	"occurred_at": "When it happened.",
	"customer_id": "Whose usage it is.",
	"model":       "The model's name, which selects the feature.",
	"feature":     "The feature that was used, instead of a model.",
	"properties":  "A JSON object kept for analysts.",
	UnitQuantity:  "How much of the feature was used. Default: 1.",
}

// formDocs says of each key of a field's mapping what it is.
var formDocs = map[string]key{
	"path":     {shape: textShape, doc: "Dots go down into objects, brackets into lists; quotes make one key."},
	"count":    {shape: eitherShape(textShape, nonEmpty(textShape)), doc: "How many elements have one of these values."},
	"sum":      {shape: nonEmpty(textShape), doc: "The values at these paths together."},
	"join":     {shape: nonEmpty(textShape), doc: "The texts at these paths; one that is missing leaves no value."},
	"with":     {shape: textShape, doc: "What stands between the texts of join."},
	"replace":  {shape: mapShape(textShape), doc: "Texts by those of the log that they stand for."},
	"scale":    {shape: numberShape, doc: "Multiplies the quantity, exactly: 1000, 0.001."},
	"file":     {shape: textShape, doc: "A regular expression; its group in the file's name is the value."},
	"hive":     {shape: textShape, doc: "The folder NAME=value in the file's path whose value it is."},
	"unit":     {shape: choiceShape("s", "ms", "us", "ns"), doc: "Of a count of time that begins at after."},
	"after":    {shape: afterShape, doc: "The time that the count begins at: a path, or a mapping as of occurred_at."},
	"row":      {shape: Schema{"const": true}, doc: "A hash of the log's rows up to this one."},
	"hash":     {shape: nonEmpty(textShape), doc: "A hash of the values at these paths."},
	"const":    {shape: textShape, doc: "The same for every row."},
	"layout":   {shape: textShape, doc: "rfc3339, unix, unix_ms, unix_us, unix_ns, or how Go writes its reference time."},
	"timezone": {shape: textShape, doc: "For times that carry no offset."},
	"map":      {shape: textShape, doc: "CSV file of key and customer_id that turns the value into a customer."},
	"when":     {shape: conditionsShape, doc: "Counts only where this holds: a path and the values it may have."},
}

var (
	poolsShape      = listShape(choiceShape(TokenUnits...))
	conditionsShape = mapShape(eitherShape(boolShape, textShape, nonEmpty(eitherShape(textShape, nullShape))))
	skipShape       = eitherShape(conditionsShape, nonEmpty(conditionsShape))
	includesShape   = eitherShape(poolsShape, mappingShape(keys{
		{name: "pools", shape: poolsShape, doc: "The pools.", required: true},
		{name: "unless", shape: conditionsShape, doc: "Where this holds, they are not included.", required: true},
	}))
	nullShape  = Schema{"type": "null"}
	afterShape = eitherShape(textShape, mapShape(textShape))
)

// SourcesSchema is the JSON Schema of the sources of creditmill.yaml.
func SourcesSchema() Schema {
	var fields keys
	for _, name := range fieldNames {
		field := key{name: name, shape: fieldShape(name), doc: eventFieldDocs[name]}
		switch {
		case name == "units":
			field.shape, field.doc = mapShape(fieldShape(UnitQuantity)), "Quantities of other units, by unit."
		case IsTokens(name):
			field.doc = "Tokens: " + strings.Split(tokenDocs[name], " Default:")[0]
		}
		fields = append(fields, field)
	}
	described := maps.Clone(sourceDocs)
	described["dimensions"] = key{shape: mapShape(fieldShape(dimensionsPrefix)), doc: sourceDocs["dimensions"].doc}
	described["fields"] = key{shape: mappingShape(fields), doc: "Where each field of an event is found in a row."}
	shape := listShape(mappingShape(keysOf(sourceFields, described)))
	shape["description"] = "How log files become events."
	return shape
}

// fieldShape is a path, a mapping of the field's forms, or where the field takes alternatives, a list of them.
func fieldShape(name string) Schema {
	forms := formsFor(name)
	one := []Schema{textShape, mappingShape(keysOf(forms, formDocs))}
	if name == "properties" {
		return eitherShape(one...)
	}
	return eitherShape(append(one, nonEmpty(eitherShape(one...)))...)
}

// keysOf returns the described keys of the given names; id alone is required.
func keysOf(names []string, described map[string]key) keys {
	var result keys
	for _, name := range slices.Sorted(slices.Values(names)) {
		key := described[name]
		key.name, key.required = name, name == "id"
		result = append(result, key)
	}
	return result
}

// formsFor are the keys of a field's mapping.
func formsFor(name string) []string {
	if forms, ok := formsOf[name]; ok {
		return forms
	}
	if !countsUnit(name) {
		return dimensionForms
	}
	return unitForms
}
