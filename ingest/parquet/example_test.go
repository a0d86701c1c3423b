package parquet_test

import (
	"bytes"
	"fmt"
	"os"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/parquet"
)

// A reader is asked for columns by name or path; a batch has the vectors of those that the file has.
func ExampleOpen() {
	stored, err := os.ReadFile("../../testdata/logs/clickhouse/usage.parquet")
	if err != nil {
		fmt.Println(err)
		return
	}
	reader, found, err := parquet.Open(bytes.NewReader(stored), int64(len(stored)), columnar.These(
		columnar.Name{Text: "model"}, columnar.Name{Text: "region"}, columnar.Name{Text: "input_tokens"},
	))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer reader.Close() //nolint:errcheck // it only gives memory back
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
	// "small-model" 800
	// "small-model" 400
	// "medium-model" 70
	// "large-model" 20
}
