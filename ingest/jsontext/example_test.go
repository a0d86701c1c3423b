package jsontext_test

import (
	"fmt"

	"github.com/creditmill/creditmill/ingest/jsontext"
)

// A value is checked and passed over without being taken apart.
func ExampleSkipValue() {
	text := []byte(`{"a":[1,2]} behind`)
	end, reason := jsontext.SkipValue(text, 0)
	fmt.Printf("%s %q\n", text[:end], reason)
	_, reason = jsontext.SkipValue([]byte(`{"a":}`), 0)
	fmt.Println(reason)
	// Output:
	// {"a":[1,2]} ""
	// is not JSON: unexpected '}' at byte 6
}
