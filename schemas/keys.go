package schemas

// key is one field of a mapping as people write it in YAML. The decoders take its name, the JSON Schemas all of it, so
// that editors know what is decoded.
type key struct {
	name     string
	required bool
	shape    Schema
	doc      string
}

// keys are the fields of one kind of mapping.
type keys []key

func (k keys) names() []string {
	names := make([]string, len(k))
	for i, key := range k {
		names[i] = key.name
	}
	return names
}

// Schema is a JSON Schema, or a part of one.
type Schema map[string]any

// SchemaDialect is the version of JSON Schema that editors support most widely.
const SchemaDialect = "http://json-schema.org/draft-07/schema#"

// The shapes of scalars. A number may be quoted, so that YAML keeps its digits, and text may look like a number.
var (
	textShape    = Schema{"type": []string{"string", "number"}}
	numberShape  = Schema{"type": []string{"number", "string"}, "pattern": `^\+?[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?$`}
	integerShape = Schema{"type": []string{"integer", "string"}, "pattern": "^[0-9]+$"}
	boolShape    = Schema{"type": "boolean"}
	timeShape    = Schema{"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}"}
)

func choiceShape[T ~string](choices ...T) Schema {
	return Schema{"type": "string", "enum": choices}
}

func listShape(items Schema) Schema {
	return Schema{"type": "array", "items": items}
}

// nonEmpty is a list of at least one item.
func nonEmpty(items Schema) Schema {
	return Schema{"type": "array", "items": items, "minItems": 1}
}

func eitherShape(shapes ...Schema) Schema {
	return Schema{"anyOf": shapes}
}

// mapShape is a mapping with names of the user's own.
func mapShape(values Schema) Schema {
	return Schema{"type": "object", "additionalProperties": values}
}

// mappingShape is a mapping of known fields.
func mappingShape(fields keys) Schema {
	properties, required := map[string]Schema{}, []string{}
	for _, field := range fields {
		described := Schema{"description": field.doc}
		for name, value := range field.shape {
			described[name] = value
		}
		properties[field.name] = described
		if field.required {
			required = append(required, field.name)
		}
	}
	shape := Schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		shape["required"] = required
	}
	return shape
}

// fileShape is what a whole file holds.
func fileShape(title string, fields keys) Schema {
	shape := mappingShape(fields)
	shape["$schema"], shape["title"] = SchemaDialect, title
	return shape
}
