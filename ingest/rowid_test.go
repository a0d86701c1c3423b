package ingest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

func rowSource(t testing.TB) schemas.Source {
	source := ingesttest.Canonical(t)
	source.ID, source.Fields.EventID = "rows", schemas.Field{Kind: schemas.FieldRow}
	return source
}

// TestRowIDs: rows without ids are the same events as long as the log begins with the same rows.
func TestRowIDs(t *testing.T) {
	a, b, c := usageLine("x", "acme", 1), usageLine("x", "acme", 20), usageLine("x", "acme", 300)
	zipped := func(text string) string {
		var buffer bytes.Buffer
		w := gzip.NewWriter(&buffer)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return buffer.String()
	}
	csv := func(rows ...string) string { return csvHead + strings.Join(rows, "") }
	one, two := "x,2026-10-01T00:00:00Z,c,m,1,0,\n", "x,2026-10-01T00:00:00Z,c,m,2,0,\n"
	tests := []struct {
		name          string
		first, second string
		loaded        uint64 // of the second
	}{
		{"compressed", a + "\n" + b + "\n", zipped(a + "\n" + b + "\n"), 0},
		{"grown", a + "\n" + b + "\n", a + "\n" + b + "\n" + c + "\n", 1},
		{"grown, compressed, no last line end", a + "\n" + b, zipped(a + "\n" + b + "\n" + c), 1},
		{"other line ends and blank lines", a + "\n" + b, a + "\r\n\r\n" + b + " \r\n", 0},
		{"the first part of a log that was cut in two", a + "\n" + b + "\n" + c, a + "\n" + b + "\n", 0},
		{"a bad row", a + "\n{\n" + b, a + "\n{\n" + b + "\n" + c, 1},
		{"rows that say the same", a + "\n" + a, a + "\n" + a + "\n" + a, 1},
		{"another log with the same rows", a + "\n" + b, c + "\n" + a + "\n" + b, 3},
		{"CSV, grown", csv(one, one), csv(one, one, two), 1},
		{"CSV, other line ends", csv(one, two), strings.ReplaceAll(csv(one, two), "\n", "\r\n"), 0},
		{"CSV, another log", csv(one, two), csv(two, one), 2},
		{"CSV, other columns", csv(one), "z," + csvHead + "," + one, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := warehousetest.New(t)
			var last Result
			for _, text := range []string{test.first, test.second} {
				input := Input{Name: "-", Reader: strings.NewReader(text)}
				results, err := loader(w).Load(t.Context(), []Input{input}, Options{Source: rowSource(t)})
				if err != nil {
					t.Fatal(err)
				}
				last = results[0]
			}
			if last.RowsLoaded != test.loaded || last.RowsConflict != 0 ||
				last.RowsLoaded+last.RowsDuplicate+last.RowsRejected != last.RowsRead {
				t.Errorf("%+v, want %d rows loaded and the rest duplicates", last, test.loaded)
			}
		})
	}
}
