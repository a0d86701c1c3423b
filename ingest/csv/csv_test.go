package csv_test

import (
	"strings"
	"testing"

	"github.com/creditmill/creditmill/ingest/csv"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
)

// decode decodes a whole text at once.
func decode(t *testing.T, text string) (d ingesttest.Decoded, err error) {
	t.Helper()
	header, taken, err := csv.ReadHeader(ingesttest.Canonical(t), "a.csv", []byte(text), 16<<20)
	if err != nil {
		return d, err
	}
	var b event.Block
	b.Reset()
	header.NewDecoder().Decode([]byte(text[taken:]), &b)
	d.Add(&b)
	return d, nil
}

func TestHeader(t *testing.T) {
	declared := ingesttest.Canonical(t)
	declared.ID, declared.Canonical = "declared", false
	extended := ingesttest.Canonical(t)
	extended.ID, extended.Extends = "semi", "creditmill"
	semicolon := ingesttest.Canonical(t)
	semicolon.CSV.Delimiter = ';'
	tests := []struct {
		name, header string
		source       schemas.Source
		want         string
	}{
		{"empty file", "", ingesttest.Canonical(t), "the file is empty"},
		{"blank file", "\n \n", ingesttest.Canonical(t), "the file is empty"},
		{
			"column missing", "event_id,occurred_at,model,input_tokens", ingesttest.Canonical(t),
			"column customer_id is missing",
		},
		{"no tokens", "event_id,occurred_at,customer_id,model", ingesttest.Canonical(t), "column input_tokens (or another"},
		{
			"column twice", "event_id,occurred_at,customer_id,model,input_tokens, model ", ingesttest.Canonical(t),
			`column "model" is repeated`,
		},
		{
			"declared column missing", "event_id,occurred_at,customer_id,model,input_tokens,output_tokens,properties",
			declared, "cached_input_tokens, cache_write_tokens",
		},
		{"extends the canonical one", "event_id,occurred_at,customer_id,model,input_tokens", extended, ""},
		{"twice and not needed", "id,id,event_id,occurred_at,customer_id,model,input_tokens", ingesttest.Canonical(t), ""},
		{
			"CR alone", "event_id,occurred_at,customer_id,model,input_tokens\re,f", ingesttest.Canonical(t),
			"line ends are CR alone",
		},
		{"open quote", `"event_id,occurred_at`, ingesttest.Canonical(t), "has a quote that is opened"},
		{
			"a semicolon and a column missing", "event_id;occurred_at;customer;model;input_tokens\n", ingesttest.Canonical(t),
			"the header is one column with ';' in it, and ',' was taken for the delimiter: declare `delimiter: \";\"` " +
				"with `format: csv` (extends: creditmill)",
		},
		{
			"tabs and a column missing", "event_id\toccurred_at\tcustomer\tmodel\tinput_tokens\n", ingesttest.Canonical(t),
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
			_, _, err := csv.ReadHeader(test.source, "a.csv", []byte(test.header), 16<<20)
			if test.want == "" && err == nil {
				return
			}
			if err == nil || test.want == "" || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
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
			d, err := decode(t, header+test.rows)
			if err != nil {
				t.Fatal(err)
			}
			ingesttest.WantRejects(t, d, test.rejects...)
			if len(d.Events) != test.events {
				t.Errorf("%d events, want %d", len(d.Events), test.events)
			}
		})
	}
}

// TestFoundDelimiter: where nobody has said the delimiter, the one counts with which the columns are there.
func TestFoundDelimiter(t *testing.T) {
	columns := []string{"event_id", "occurred_at", "customer_id", "model", "input_tokens"}
	for _, test := range []struct {
		file, delimiter string
		found           byte
	}{
		{"a.csv", ",", 0},
		{"a.csv", ";", ';'},
		{"a.csv", "\t", '\t'},
		{"a.csv", "|", '|'},
		{"a.tsv", "\t", 0},
		{"a.tsv", ",", ','},
	} {
		text := strings.Join(columns, test.delimiter) + "\n"
		header, _, err := csv.ReadHeader(ingesttest.Canonical(t), test.file, []byte(text), 1000)
		if err != nil || header.Found != test.found || (header.Note() != "") != (test.found != 0) {
			t.Errorf("%s with %q: %v, %+v", test.file, test.delimiter, err, header)
		}
	}
}

// TestJSONInCells: a path goes into the JSON object of a cell as it does in JSON.
func TestJSONInCells(t *testing.T) {
	sources, problems := schemas.ParseSources("c.yaml", []byte(`sources: [{id: s, fields: {event_id: id, occurred_at: at,
		customer_id: [m.who, who], model: m.used.model, input: {sum: [m.used.in, m.more]}}}]`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	const at = "2026-10-01T00:00:00Z"
	text := "id,at,who,m\n" +
		"a," + at + `,,"{""who"":""caf\u00e9"",""used"":{""model"":""m"",""in"":5},""more"":""2""}"` + "\n" +
		"b," + at + `,acme,"{""used"":{""in"":5}}"` + "\n" + "c," + at + ",acme,\n" +
		"d," + at + `,acme,"{""used"":"` + "\n" + "e," + at + `,acme,"{""used"":1,""used"":2}"` + "\n" +
		"f," + at + `,acme,"{""who"":{},""used"":{""model"":""m"",""in"":5}}"` + "\n"
	header, taken, err := csv.ReadHeader(sources[len(sources)-1], "a.csv", []byte(text), 16<<20)
	if err != nil {
		t.Fatal(err)
	}
	var b event.Block
	b.Reset()
	header.NewDecoder().Decode([]byte(text[taken:]), &b)
	var d ingesttest.Decoded
	d.Add(&b)
	ingesttest.WantRejects(t, d,
		"2 model: is missing", "3 model: is missing",
		`4 customer_id: the text in "m" begins like a JSON object and is not JSON: it ends in the middle`,
		`5 model: the text in "m" begins like a JSON object and has the key "used" twice`,
		"6 customer_id: want a string, found an object")
	if want := "1 a café m 2026-10-01T00:00:00Z 7 0 0 0 0"; len(d.Events) != 1 || d.Events[0] != want {
		t.Errorf("events %q, want %q", d.Events, want)
	}
	if _, _, err := csv.ReadHeader(sources[len(sources)-1], "a.csv", []byte("id,at,who\n"), 1000); err == nil {
		t.Error("a file without the column is taken")
	}
}
