package ingest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/csv"
	"github.com/creditmill/creditmill/schemas"
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
			whole, err := decodeText(t, canonical(t), "a.csv", csvHead+test.rows, 200)
			if err != nil {
				t.Fatal(err)
			}
			want := decoded{test.events, test.rejects, uint64(len(test.events) + len(test.rejects))}
			if diff := cmp.Diff(want, whole); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			cut, err := decodeCut(t, canonical(t), "a.csv", csvHead+test.rows, 200, 401)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, cut); diff != "" {
				t.Errorf("in small chunks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCSVHeader(t *testing.T) {
	declared := canonical(t)
	declared.ID, declared.Canonical = "declared", false
	extended := canonical(t)
	extended.ID, extended.Extends = "semi", "creditmill"
	semicolon := canonical(t)
	semicolon.CSV.Delimiter = ';'
	tests := []struct {
		name, header string
		source       schemas.Source
		want         string
	}{
		{"empty file", "", canonical(t), "the file is empty"},
		{"blank file", "\n \n", canonical(t), "the file is empty"},
		{"column missing", "event_id,occurred_at,model,input_tokens", canonical(t), "column customer_id is missing"},
		{"no tokens", "event_id,occurred_at,customer_id,model", canonical(t), "column input_tokens (or another"},
		{
			"column twice", "event_id,occurred_at,customer_id,model,input_tokens, model ", canonical(t),
			`column "model" is repeated`,
		},
		{"declared column missing", strings.TrimSpace(csvHead), declared, "column cached_input_tokens, cache_write_tokens"},
		{"extends the canonical one", "event_id,occurred_at,customer_id,model,input_tokens", extended, ""},
		{"twice and not needed", "id,id,event_id,occurred_at,customer_id,model,input_tokens", canonical(t), ""},
		{"CR alone", "event_id,occurred_at,customer_id,model,input_tokens\re,f", canonical(t), "line ends are CR alone"},
		{"open quote", `"event_id,occurred_at`, canonical(t), "has a quote that is opened"},
		{
			"a semicolon that is not declared", "event_id;occurred_at;customer_id;model;input_tokens\n", canonical(t),
			"the header is one column with ';' in it, and ',' was taken for the delimiter: declare `delimiter: \";\"` " +
				"with `format: csv` (extends: creditmill)",
		},
		{
			"tabs in a file named .csv", "event_id\toccurred_at\tcustomer_id\tmodel\tinput_tokens\n", canonical(t),
			"one column with '\\t' in it, and ',' was taken for the delimiter: declare `delimiter: tab`",
		},
		{
			"commas where a semicolon is declared", "event_id,occurred_at,customer_id\n", semicolon,
			"one column with ',' in it, and ';' was taken for the delimiter",
		},
		{"another delimiter than Excel's line", "sep=,\nevent_id;model\n", semicolon, "first line says sep=,"},
		{"trimmed, other delimiter", "\n event_id ;occurred_at;customer_id;model;reasoning_tokens;more", semicolon, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := csv.ReadHeader(test.source, "a.csv", []byte(test.header), defaultMaxLineBytes)
			if test.want == "" && err == nil {
				return
			}
			if err == nil || test.want == "" || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
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
			d, err := decodeText(t, canonical(t), test.file, test.text, 200)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"1 e c m 2026-10-01T00:00:00Z 1 0 0 0 0"}, d.Events); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSwallowedRows: a row whose quotes hold other rows is a reject, for they would be missing else. Text of several
// lines is none.
func TestSwallowedRows(t *testing.T) {
	const at = "2026-10-05T12:00:00Z"
	const header = "event_id,occurred_at,customer_id,model,input_tokens,prompt\n"
	const reason = "1 : holds other rows within quotes: a quote is opened and not closed, or not doubled"
	plain := func(id, prompt string) string { return id + "," + at + ",acme,m,5," + prompt + "\n" }
	tests := []struct {
		name, rows string
		rejects    []string
		events     int
	}{
		{
			"a quote opens and another closes", plain("a", `"deep`) + plain("b", "") + plain("c", `12"`) + plain("d", ""),
			[]string{reason},
			1,
		},
		{"in two rows beside each other", plain("a", `"deep`) + plain("b", `12"`) + plain("d", ""), []string{reason}, 1},
		{
			"with CRLF", strings.ReplaceAll(plain("a", `"deep`)+plain("b", "")+plain("c", `12"`), "\n", "\r\n"),
			[]string{reason},
			0,
		},
		{"text of several lines", plain("a", "\"one,\ntwo, 2, 3, 4, 5, 6\nthree\"") + plain("b", ""), nil, 2},
		{"text of the log's columns, but no row", plain("a", "\"one,\nb,yesterday,acme,m,5,\n\"") + plain("b", ""), nil, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := decodeText(t, canonical(t), "a.csv", header+test.rows, defaultMaxLineBytes)
			if err != nil {
				t.Fatal(err)
			}
			wantRejects(t, d, test.rejects...)
			if len(d.Events) != test.events {
				t.Errorf("%d events, want %d", len(d.Events), test.events)
			}
		})
	}
}
