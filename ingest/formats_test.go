package ingest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apache "github.com/apache/arrow/go/v15/parquet"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/ingest/parquet"
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

// TestNotALog: what is no log is refused with what it is and what to do.
func TestNotALog(t *testing.T) {
	row := usageLine("a", "acme", 1)
	pretty := strings.ReplaceAll(strings.ReplaceAll(row, ",", ",\n  "), "{", "{\n  ") + "\n"
	utf16 := []byte{0xff, 0xfe}
	for _, c := range row {
		utf16 = append(utf16, byte(c), 0)
	}
	tests := []struct{ name, file, data, want string }{
		{
			"JSON array", "usage.json", "[" + row + "]",
			"it is a JSON array; one object a line is needed: jq -c '.[]' usage.json > usage.jsonl",
		},
		{
			"JSON array over lines", "logs/usage.jsonl", " [\n" + row + "\n]",
			"it is a JSON array; one object a line is needed: jq -c '.[]' logs/usage.jsonl > logs/usage-lines.jsonl",
		},
		{
			"JSON array in a stream", "-", "[" + row + "]",
			"it is a JSON array; one object a line is needed: … | jq -c '.[]' | creditmill load -",
		},
		{
			"JSON array, packed", "usage.json.gz", "[" + row + "]",
			"it is a JSON array; one object a line is needed: zcat usage.json.gz | jq -c '.[]' > usage.jsonl",
		},
		{
			"pretty-printed", "usage.json", pretty + pretty,
			"it is JSON over several lines; one object a line is needed: jq -c . usage.json > usage.jsonl",
		},
		{
			"pretty-printed and cut off", "usage.json", pretty[:40],
			"it is JSON over several lines; one object a line is needed: jq -c . usage.json > usage.jsonl",
		},
		{"UTF-16", "a.jsonl", string(utf16), "it is UTF-16 text: convert it first (iconv -f UTF-16 -t UTF-8)"},
		{
			"UTF-16 without a mark", "a.csv", string(utf16[2:]),
			"it is UTF-16 text: convert it first (iconv -f UTF-16 -t UTF-8)",
		},
		{"zip", "a.jsonl", "PK\x03\x04\x14\x00", "it is a zip archive: unpack it first (unzip)"},
		{"Excel", "a.csv", "PK\x03\x04\x14\x00[Content_Types].xml", "it is an Excel file: save it as CSV"},
		{
			"bzip2", "a.jsonl", "BZh91AY&SY\x00",
			"it is compressed with bzip2: unpack it first (bzip2 -d), or compress it with zstd",
		},
		{
			"LZ4 of old", "a.jsonl.lz4", "\x02\x21\x4c\x18\x05\x00\x00\x00",
			"it is compressed with LZ4's old format: unpack it first (lz4 -d), or compress it without -l",
		},
		{"packed twice", "a.jsonl", "\x1f\x8b\x08", "it is compressed twice: unpack it once"},
		{"web page", "a.jsonl", "<!DOCTYPE html>", "it is a web page, maybe of a login or an error instead of the log"},
		{"Avro", "a", "Obj\x01", "it is an Avro file: convert it to Parquet or JSON Lines"},
		{"binary", "a.csv", "\x00\x01\x02\x00", "it is neither text nor Parquet nor Arrow"},
		{"binary named JSON Lines", "a.jsonl", "\x00\x01\x02\x00\n", "it is neither text nor Parquet nor Arrow"},
		{"text named Parquet", "a.parquet", "a,b\n", "it is not a Parquet file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := formatOf(ingesttest.Canonical(t), test.file, []byte(test.data))
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
	for data, name := range map[string]string{ // logs all the same: bad rows are refused one by one
		"[1,2]\n" + row: "-", "\x00\x00\n" + row: "a.jsonl", row + "\n\x00\x00": "-",
		"PARENT,event_id\n1,2\n": "-", "a,b\n\x00,1\n": "-",
	} {
		if _, err := formatOf(ingesttest.Canonical(t), name, []byte(data)); err != nil {
			t.Errorf("%q: %v", data, err)
		}
	}
	declared := ingesttest.Canonical(t)
	declared.Format = schemas.FormatCSV
	if _, err := formatOf(declared, "a", []byte(parquet.Magic)); err == nil ||
		err.Error() != "it is a Parquet file, and source creditmill declares csv" {
		t.Errorf("error %v", err)
	}
	declared.Format = schemas.FormatParquet
	if format, err := formatOf(declared, "fix.jsonl", []byte(row)); err != nil || format != schemas.FormatJSONL {
		t.Errorf("mended rejects are %s, %v", format, err)
	}
}
