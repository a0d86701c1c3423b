package sniff

import (
	"strings"
	"testing"

	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/ingest/parquet"
	"github.com/creditmill/creditmill/schemas"
)

// TestNotALog: what is no log is refused with what it is and what to do.
func TestNotALog(t *testing.T) {
	row := `{"event_id":"a","occurred_at":"2026-10-01T00:00:00.267Z","customer_id":"acme","model":"small-model",` +
		`"input_tokens":1}`
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
		{"web page", "a.jsonl", "<!DOCTYPE html>", "it is a web page, perhaps of a login or an error, not the log"},
		{"Avro", "a", "Obj\x01", "it is an Avro file: convert it to Parquet or JSON Lines"},
		{"binary", "a.csv", "\x00\x01\x02\x00", "it is neither text nor Parquet nor Arrow"},
		{"binary named JSON Lines", "a.jsonl", "\x00\x01\x02\x00\n", "it is neither text nor Parquet nor Arrow"},
		{"text named Parquet", "a.parquet", "a,b\n", "it is not a Parquet file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Format(ingesttest.Canonical(t), test.file, []byte(test.data))
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
	for data, name := range map[string]string{ // logs all the same: bad rows are refused one by one
		"[1,2]\n" + row: "-", "\x00\x00\n" + row: "a.jsonl", row + "\n\x00\x00": "-",
		"PARENT,event_id\n1,2\n": "-", "a,b\n\x00,1\n": "-",
	} {
		if _, err := Format(ingesttest.Canonical(t), name, []byte(data)); err != nil {
			t.Errorf("%q: %v", data, err)
		}
	}
	declared := ingesttest.Canonical(t)
	declared.Format = schemas.FormatCSV
	if _, err := Format(declared, "a", []byte(parquet.Magic)); err == nil ||
		err.Error() != "it is a Parquet file, and source creditmill declares csv" {
		t.Errorf("error %v", err)
	}
	declared.Format = schemas.FormatParquet
	if format, err := Format(declared, "fix.jsonl", []byte(row)); err != nil || format != schemas.FormatJSONL {
		t.Errorf("mended rejects are %s, %v", format, err)
	}
}
