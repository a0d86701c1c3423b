package arrow_test

import (
	"fmt"
	"os"

	"github.com/creditmill/creditmill/ingest/arrow"
	"github.com/creditmill/creditmill/ingest/columnar"
)

// A reader is asked for columns by name or path; a batch has the vectors of those that the file has.
func ExampleOpen() {
	file, err := os.Open("../../testdata/logs/clickhouse/usage.arrow")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close() //nolint:errcheck // it was only read
	reader, found, err := arrow.Open(file, columnar.These(
		columnar.Name{Text: "model"}, columnar.Name{Text: "region"}, columnar.Name{Text: "output_tokens"},
	))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer reader.Close() //nolint:errcheck // it holds nothing
	fmt.Println("found", found)
	batch, err := reader.Next()
	if err != nil {
		fmt.Println(err)
		return
	}
	for row := range batch.Rows {
		fmt.Printf("%s %s\n", batch.Vectors[0].AppendJSON(nil, row), batch.Vectors[1].AppendJSON(nil, row))
	}
	// Output:
	// found [true false true]
	// "small-model" 200
	// "small-model" 100
	// "medium-model" 30
	// "large-model" 6
}
