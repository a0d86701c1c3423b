package schemas

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestCatalogSchema holds the schema that editors read against the language that is decoded.
func TestCatalogSchema(t *testing.T) {
	text, err := CatalogSchema().JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "catalog.schema.json", string(text))
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	for _, found := range undescribed("", schema) {
		t.Errorf("%s has no description", found)
	}
	for _, file := range glob(t, "../testdata/catalogs/*.yaml") {
		if strings.HasSuffix(file, "sources.yaml") {
			continue
		}
		if err := validate(schema, decoded(t, file)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, name := range []string{"unknown_fields", "versions", "empty", "overage", "overrides", "numbers"} {
		file := filepath.Join("../testdata/catalogs/bad", name+".yaml")
		if validate(schema, decoded(t, file)) == nil {
			t.Errorf("%s is let through", file)
		}
	}
}

// TestSourcesSchema holds that every key of the language of sources is described, and that what is decoded is valid.
func TestSourcesSchema(t *testing.T) {
	text, err := SourcesSchema().JSON()
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	for _, found := range undescribed("", schema) {
		t.Errorf("%s has no description", found)
	}
	for _, name := range append(glob(t, "builtin/*.yaml"), "../testdata/catalogs/sources.yaml") {
		if err := validate(schema, decoded(t, name).(map[string]any)["sources"]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	mistakes := decoded(t, "../testdata/catalogs/bad-sources/mistakes.yaml").(map[string]any)
	if validate(schema, mistakes["sources"]) == nil {
		t.Error("sources with mistakes are let through")
	}
}

func decoded(t *testing.T, file string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(read(t, file), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// undescribed finds the properties of a schema that say nothing about themselves.
func undescribed(path string, schema any) []string {
	var found []string
	switch schema := schema.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for name, property := range properties {
			if description, _ := property.(map[string]any)["description"].(string); description == "" {
				found = append(found, path+"/"+name)
			}
			found = append(found, undescribed(path+"/"+name, property)...)
		}
		for keyword, part := range schema {
			if keyword != "properties" {
				found = append(found, undescribed(path, part)...)
			}
		}
	case []any:
		for _, part := range schema {
			found = append(found, undescribed(path, part)...)
		}
	}
	return found
}

// validate checks a decoded YAML value by the keywords of JSON Schema that the schemas here use; any other keyword is
// an error.
func validate(schema map[string]any, value any) error {
	for keyword, rule := range schema {
		if err := validateKeyword(schema, keyword, rule, value); err != nil {
			return err
		}
	}
	return nil
}

func validateKeyword(schema map[string]any, keyword string, rule, value any) error {
	switch keyword {
	case "$schema", "title", "description", "properties":
		return nil // properties are looked at with additionalProperties
	case "type":
		types, ok := rule.([]any)
		if !ok {
			types = []any{rule}
		}
		is := typeOf(value)
		if slices.Contains(types, any("number")) && is == "integer" {
			is = "number"
		}
		if !slices.Contains(types, any(is)) {
			return fmt.Errorf("%v is no %v", value, rule)
		}
	case "enum":
		if !slices.Contains(rule.([]any), value) {
			return fmt.Errorf("%v is none of %v", value, rule)
		}
	case "const":
		if value != rule {
			return fmt.Errorf("%v is not %v", value, rule)
		}
	case "pattern":
		if text, ok := value.(string); ok && !regexp.MustCompile(rule.(string)).MatchString(text) {
			return fmt.Errorf("%q does not match %s", text, rule)
		}
	case "minItems":
		if list, ok := value.([]any); ok && float64(len(list)) < rule.(float64) {
			return fmt.Errorf("%v has too few items", value)
		}
	case "items":
		list, _ := value.([]any)
		for _, item := range list {
			if err := validate(rule.(map[string]any), item); err != nil {
				return err
			}
		}
	case "anyOf":
		return validateAny(rule.([]any), value)
	case "required":
		for _, name := range rule.([]any) {
			if object, ok := value.(map[string]any); ok && object[name.(string)] == nil {
				return fmt.Errorf("missing field %q in %v", name, value)
			}
		}
	case "additionalProperties":
		return validateProperties(schema, rule, value)
	default:
		return fmt.Errorf("unknown keyword %q", keyword)
	}
	return nil
}

func validateAny(shapes []any, value any) error {
	var failed []string
	for _, shape := range shapes {
		err := validate(shape.(map[string]any), value)
		if err == nil {
			return nil
		}
		failed = append(failed, err.Error())
	}
	return fmt.Errorf("none of: %s", strings.Join(failed, ", "))
}

func validateProperties(schema map[string]any, others, value any) error {
	object, _ := value.(map[string]any)
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		shape, known := properties[name]
		if !known {
			shape = others
		}
		if shape == false {
			return fmt.Errorf("unknown field %q", name)
		}
		if err := validate(shape.(map[string]any), object[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case uint64, int64, int:
		return "integer"
	case float64:
		return "number"
	case []any:
		return "array"
	}
	return "object"
}
