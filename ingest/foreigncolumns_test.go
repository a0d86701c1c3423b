package ingest

import (
	"os"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
)

// What others wrote: Databricks' VARIANT beside the columns that count, a list as properties, the text views of Polars.
func TestForeignColumnFiles(t *testing.T) {
	parquetOf := func(t testing.TB, _ schemas.Source, data []byte) (ingesttest.Decoded, error) {
		return decodeParquet(t, data)
	}
	tests := []struct {
		file   string
		decode func(testing.TB, schemas.Source, []byte) (ingesttest.Decoded, error)
		counts []string
	}{
		{"variant.parquet", parquetOf, []string{"Z 5 0 0 0 0", "Z 6 0 0 0 0", "Z 7 0 0 0 0"}},
		{"list-properties.parquet", parquetOf, []string{`Z 5 0 0 0 0 ["batch","eu"]`, `Z 6 0 0 0 0 ["chat"]`}},
		{"polars-views.arrow", decodeArrow, []string{"Z 5 0 0 0 0", "Z 6 0 0 0 0"}},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			data, err := os.ReadFile("../testdata/logs/columns/" + test.file)
			if err != nil {
				t.Fatal(err)
			}
			d, err := test.decode(t, ingesttest.Canonical(t), data)
			if err != nil {
				t.Fatal(err)
			}
			if len(d.Rejects) > 0 || len(d.Events) != len(test.counts) {
				t.Fatalf("%q %q", d.Events, d.Rejects)
			}
			for i, event := range d.Events {
				if !strings.HasSuffix(event, test.counts[i]) {
					t.Errorf("got %s, want %s at its end", event, test.counts[i])
				}
			}
		})
	}
}
