package ingest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/ingesttest"
)

const csvHead = "event_id,occurred_at,customer_id,model,input_tokens,output_tokens,properties\n"

func TestCSV(t *testing.T) {
	const at = "2026-10-01T00:00:00Z"
	tests := []struct {
		name, rows string
		events     []string
		rejects    []string
	}{
		{"plain", "e," + at + ",c,m,1,2,\n", []string{"1 e c m " + at + " 1 0 0 2 0"}, nil},
		{
			"CRLF, blank lines, no last line break", "\r\n" + "e," + at + ",c,m,1,2,\r\n \r\nf," + at + ",c,m,1,2,",
			[]string{"1 e c m " + at + " 1 0 0 2 0", "2 f c m " + at + " 1 0 0 2 0"},
			nil,
		},
		{
			"blanks around numbers, none around ids", "e," + at + ",c d,m, 1 , 1e3 ,\n f," + at + ",c,m,1,,\n",
			[]string{"1 e c d m " + at + " 1 0 0 1000 0"},
			[]string{"2 event_id: has a blank at its beginning"},
		},
		{
			"quotes, delimiters and line breaks inside", "\"e,\"\"x\"\"\"," + at + ",\"\",m,1,2,\"{\n}\"\n" +
				"\"e,\"\"x\"\"\"," + at + ",c,m,\"1\",2,\"{\"\"a\"\":\r\n\"\"b,c\"\"}\"\n",
			[]string{"2 e,\"x\" c m " + at + " 1 0 0 2 0 {\"a\":\r\n\"b,c\"}"},
			[]string{"1 customer_id: is empty"},
		},
		{
			"empty counts", "e," + at + ",c,m,,5,\nf," + at + ",c,m,,,\n",
			[]string{"1 e c m " + at + " 0 0 0 5 0"},
			[]string{"2 : no token counts: at least one is needed, 0 is one"},
		},
		{
			"too few and too many fields", "e," + at + ",c,m,1,2\nf," + at + ",c,m,1,2,,\n", nil,
			[]string{"1 : has 6 fields, the header has 7", "2 : has 8 fields, the header has 7"},
		},
		{
			"bad values", "e,soon,c,m,1,2,\ne," + at + ",c,m,-1,2,\ne," + at + ",c,m,x,2,\ne," + at + ",c,m,1,2,[1\n", nil,
			[]string{
				`1 occurred_at: is not a time like 2026-10-01T00:00:00Z: "soon"`, `2 input_tokens: is negative: "-1"`,
				`3 input_tokens: want a whole number, found "x"`, `4 properties: want a JSON object or list`,
			},
		},
		{
			"quotes out of place", "e\"," + at + ",c,m,1,2,\n\"e\"x," + at + ",c,m,1,2,\n", nil,
			[]string{"1 : has a quote inside a field that is not quoted", "2 : has text after a closing quote"},
		},
		{
			"a quote that is never closed costs one row", "\"e," + at + ",c,m,1,2,\nf," + at + ",c,m,1,2,\n",
			[]string{"2 f c m " + at + " 1 0 0 2 0"},
			[]string{"1 : has a quote that is opened and not closed"},
		},
		{"invalid UTF-8", "\xff," + at + ",c,m,1,2,\n", nil, []string{"1 : is not valid UTF-8"}},
		{
			"too long", "f," + at + ",c,m,1,2,\n" + strings.Repeat("x", 300) + "\ng," + at + ",c,m,1,2,\n",
			[]string{"1 f c m " + at + " 1 0 0 2 0", "3 g c m " + at + " 1 0 0 2 0"},
			[]string{"2 : is longer than 200 bytes"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			whole, err := decodeText(t, ingesttest.Canonical(t), "a.csv", csvHead+test.rows, 200)
			if err != nil {
				t.Fatal(err)
			}
			want := ingesttest.Decoded{
				Events: test.events, Rejects: test.rejects,
				Rows: uint64(len(test.events) + len(test.rejects)),
			}
			if diff := cmp.Diff(want, whole); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			cut, err := decodeCut(t, ingesttest.Canonical(t), "a.csv", csvHead+test.rows, 200, 401)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, cut); diff != "" {
				t.Errorf("in small chunks (-want +got):\n%s", diff)
			}
		})
	}
}

// The name of a file, or the line that Excel writes first, names the delimiter.
func TestCSVDelimiterOfTheFile(t *testing.T) {
	row := func(delimiter string) string {
		head := "event_id,occurred_at,customer_id,model,input_tokens\n"
		return strings.ReplaceAll(head+"e,2026-10-01T00:00:00Z,c,m,1\n", ",", delimiter)
	}
	for _, test := range []struct{ name, file, text string }{
		{"tabs by name", "a.tsv", row("\t")},
		{"tabs by name, packed", "a.TAB.gz", row("\t")},
		{"first line", "a.csv", "sep=;\r\n" + row(";")},
		{"first line in quotes", "a.csv", "\"sep=|\"\n" + row("|")},
		{"first line of a tsv", "a.tsv", "SEP=,\n" + row(",")},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := decodeText(t, ingesttest.Canonical(t), test.file, test.text, 200)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"1 e c m 2026-10-01T00:00:00Z 1 0 0 0 0"}, d.Events); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
