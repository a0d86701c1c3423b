package sniff_test

import (
	"fmt"

	"github.com/creditmill/creditmill/ingest/sniff"
	"github.com/creditmill/creditmill/schemas"
)

func ExampleFormat() {
	format, err := sniff.Format(schemas.Source{}, "usage.log", []byte(`{"customer_id":"acme"}`))
	fmt.Println(format, err)
	_, err = sniff.Format(schemas.Source{}, "usage.log", []byte("PK\x03\x04"))
	fmt.Println(err)
	// Output:
	// jsonl <nil>
	// it is a zip archive: unpack it first (unzip)
}
