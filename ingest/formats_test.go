package ingest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	apache "github.com/apache/arrow/go/v15/parquet"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// packers are the compressions that are seen by their content.
var packers = map[string]func(io.Writer) io.WriteCloser{
	"gz":     func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"lz4":    func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) },
	"snappy": func(w io.Writer) io.WriteCloser { return s2.NewWriter(w, s2.WriterSnappyCompat()) },
	"zst": func(w io.Writer) io.WriteCloser {
		encoder, err := zstd.NewWriter(w)
		if err != nil {
			panic(err)
		}
		return encoder
	},
}

func pack(t testing.TB, how string, data []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := packers[how](&packed)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// TestEveryFormatLoads loads the same rows in every format and compression: after the first file all valid rows are
// duplicates and none is a conflict, so they are equal, and the rejects have the same reasons. Names say nothing.
func TestEveryFormatLoads(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	w := warehousetest.New(t)
	all := ingesttest.Samples(1000)
	valid := 0
	formats := []struct {
		name string
		data []byte
	}{
		{schemas.FormatJSONL, ingesttest.JSONL(all)},
		{schemas.FormatCSV, ingesttest.CSV(all, ",", "\r\n")},
		{schemas.FormatParquet, ingesttest.Parquet(t, all, 400, apache.WithCompression(ingesttest.Codecs["zstd"]))},
		{schemas.FormatArrow, ingesttest.Arrow(t, all, true, 300)},
		{schemas.FormatArrow, ingesttest.Arrow(t, all, false, 300)},
	}
	var firstRejects []string
	for _, format := range formats {
		for _, how := range []string{"", "gz", "lz4", "snappy", "zst", "-"} {
			data := format.data
			input := Input{Name: filepath.Join(t.TempDir(), "log")}
			switch how {
			case "-": // a stream of two members
				data = append(pack(t, "gz", data[:1000]), pack(t, "gz", data[1000:])...)
				input = Input{Name: "-", Reader: bytes.NewReader(data)}
			case "":
			default:
				data = pack(t, how, data)
			}
			if input.Reader == nil {
				if err := os.WriteFile(input.Name, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			result := mustLoad(t, w, input)[0]
			if valid == 0 {
				valid = int(result.RowsLoaded)
				firstRejects = rejectsOf(t, w, 1)
			} else if int(result.RowsDuplicate) != valid || result.RowsConflict != 0 || result.RowsLoaded != 0 {
				t.Errorf("%s %q: %s, want %d duplicates", format.name, how, counts(result), valid)
			}
			seq, err := schemas.ParseLoadID(result.LoadID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(firstRejects, rejectsOf(t, w, seq)); diff != "" {
				t.Errorf("%s %q: rejects (-jsonl +%s):\n%s", format.name, how, format.name, diff)
			}
		}
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

func rejectsOf(t testing.TB, w *warehouse.Warehouse, seq uint64) []string {
	t.Helper()
	var found []string
	err := Rejects(t.Context(), w, seq, func(r event.Reject) error {
		found = append(found, fmt.Sprintf("%d %s: %s", r.RowNumber, r.Field, r.Reason))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
