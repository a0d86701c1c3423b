package serve

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"time"

	"github.com/swaggest/jsonschema-go"
)

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	number        = reflect.TypeFor[json.Number]()
	wholeNumber   = reflect.TypeFor[big.Int]()
)

// shapeOf is the schema of the JSON of a value's type. What writes its own JSON may be anything there.
func shapeOf(value any) (object, error) {
	reflector := jsonschema.Reflector{}
	reflected, err := reflector.Reflect(value, jsonschema.InlineRefs, jsonschema.InterceptSchema(
		func(params jsonschema.InterceptSchemaParams) (stop bool, err error) {
			if params.Processed || !params.Value.IsValid() {
				return false, nil
			}
			of := params.Value.Type()
			for of.Kind() == reflect.Pointer {
				of = of.Elem()
			}
			switch {
			case of == number, of == wholeNumber:
				params.Schema.AddType(jsonschema.Number)
				return true, nil
			case of == reflect.TypeFor[time.Time](), of.Implements(textMarshaler):
				return false, nil
			case of.Implements(marshaler):
				return true, nil
			}
			return false, nil
		}))
	if err != nil {
		return nil, fmt.Errorf("describe %T: %w", value, err)
	}
	text, err := json.Marshal(reflected)
	if err != nil {
		return nil, fmt.Errorf("describe %T: %w", value, err)
	}
	var schema object
	if err := json.Unmarshal(text, &schema); err != nil {
		return nil, fmt.Errorf("describe %T: %w", value, err)
	}
	return schema, nil
}
