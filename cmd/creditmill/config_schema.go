package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/creditmill/creditmill/schemas"
)

//go:generate go test -run ^(TestConfigSchema|TestReference)$ -update

// configSchema is the JSON Schema of creditmill.yaml, for editors.
func configSchema() schemas.Schema {
	properties := map[string]schemas.Schema{sourcesKey: schemas.SourcesSchema()}
	settings := (&config{}).settings()
	for _, name := range slices.Sorted(maps.Keys(settings)) { // a group comes before what is below it
		shape := maps.Clone(settings[name].shape)
		shape["description"] = settings[name].doc
		group, key, nested := strings.Cut(name, ".")
		if !nested {
			properties[name] = shape
			continue
		}
		below := properties[group]
		if below["properties"] == nil {
			below["properties"] = map[string]schemas.Schema{}
		}
		below["properties"].(map[string]schemas.Schema)[key] = shape
	}
	return schemas.Schema{
		"$schema": schemas.SchemaDialect, "title": "creditmill settings", "type": "object",
		"additionalProperties": false, "properties": properties,
	}
}
