package parquet

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/parquet"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/ingesttest"
)

// TestWideBorder reads a row group again, in which wide rows stand at the end of one batch and at the beginning of the
// next: fewer rows at once, those too, are more than a batch may have.
func TestWideBorder(t *testing.T) {
	const most = 200
	all := ingesttest.Samples(3 * most)
	wide := `{"a":"` + strings.Repeat("x", 6<<20) + `"}`
	for _, from := range []int{most - 10, most, 2 * most} {
		for i := range 10 {
			all[from+i].Properties = wide
		}
	}
	all[2*most+10].Properties, all[2*most+11].Properties = wide, wide
	stored := ingesttest.Parquet(t, all, len(all), parquet.WithDictionaryDefault(false),
		parquet.WithCompression(ingesttest.Codecs["zstd"]),
		parquet.WithBatchSize(8)) // so that a page has not all of the wide rows
	names := columnar.These(columnar.Name{Text: "event_id"}, columnar.Name{Text: "properties"})
	reader, _, err := Open(bytes.NewReader(stored), int64(len(stored)), names)
	if err != nil {
		t.Fatal(err)
	}
	reader.group = 1
	if err := reader.openGroup(); err != nil {
		t.Fatal(err)
	}
	reader.most = most
	read := 0
	for {
		batch, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for row := range batch.Rows {
			if id := batch.Vectors[0].At(row); read+row >= len(all) || string(id) != all[read+row].ID {
				t.Fatalf("row %d of %d has the id %q", read+row, len(all), id)
			}
		}
		read += batch.Rows
		batch.Release()
	}
	if err := reader.Close(); err != nil || read != len(all) || reader.most == most {
		t.Errorf("%d rows, %d at once at the end, %v; want %d, and fewer than %d", read, reader.most, err, len(all), most)
	}
}
