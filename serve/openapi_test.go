package serve

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	"github.com/pb33f/libopenapi-validator/schema_validation"
)

// problemsOf are what a validator finds in an OpenAPI document: by the schema of OpenAPI's makers, and in references.
func problemsOf(t *testing.T, text []byte) (problems []string) {
	t.Helper()
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := document.BuildV3Model(); err != nil {
		problems = append(problems, err.Error())
	}
	_, found := schema_validation.ValidateOpenAPIDocument(document)
	for _, each := range found {
		problems = append(problems, each.Error())
		for _, detail := range each.SchemaValidationErrors {
			problems = append(problems, detail.Reason)
		}
	}
	return problems
}

// TestDescriptionIsOpenAPI has the description checked by a validator of its own, which finds what is wrong in others.
func TestDescriptionIsOpenAPI(t *testing.T) {
	described, err := Description(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(described)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problemsOf(t, text) {
		t.Error(problem)
	}
	for name, spoiled := range map[string][2]string{
		"a parameter in no place": {`"in":"query"`, `"in":"nowhere"`},
		"no version":              {`"version":"1"`, `"versions":"1"`},
		"a schema that is absent": {`#/components/schemas/Problem`, `#/components/schemas/Absent`},
	} {
		if len(problemsOf(t, []byte(strings.ReplaceAll(string(text), spoiled[0], spoiled[1])))) == 0 {
			t.Errorf("the validator does not see %s", name)
		}
	}
}
