package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"
	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
)

// previewed reads a file of a name as a dry run does: "id customer model time" of events, "field: reason" of rejects,
// or the error.
func previewed(t *testing.T, source schemas.Source, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	preview, err := ReadPreview(t.Context(), Input{Name: path}, Options{Source: source}, 100)
	if err != nil {
		return err.Error()
	}
	var rows []string
	for _, row := range preview.Rows {
		if row.Event == nil {
			rows = append(rows, row.Field+": "+row.Reason)
			continue
		}
		e := row.Event
		rows = append(rows, fmt.Sprintf("%s %s %s %s", e.EventID, e.CustomerID, e.Model,
			e.OccurredAt.Format(time.RFC3339Nano)))
	}
	return strings.Join(rows, "; ")
}

// Times and names that hold for a whole file, and times that are counted from another one.
func TestValuesOfFile(t *testing.T) {
	const line = `{"id":"a","customer":"c","model":"m","in":1}`
	row := func(rest string) string { return languageRow("a", `,"in":1`+rest) }
	for _, test := range []struct{ name, field, of, file, text, want string }{
		{"a constant date", "occurred_at", `{const: "2026-10-01"}`, "a.jsonl", line, "a c m 2026-10-01T00:00:00Z"},
		{
			"in a timezone", "occurred_at", `{const: "2026-10-01", timezone: Europe/Berlin}`, "a.jsonl", line,
			"a c m 2026-09-30T22:00:00Z",
		},
		{
			"where the row has none", "occurred_at", `[at, {const: "2026-10-02T01:00:00Z"}]`, "a.jsonl",
			line + "\n" + row(""), "a c m 2026-10-02T01:00:00Z; a c m 2026-10-01T00:00:00Z",
		},
		{
			"the file's name", "occurred_at", `{file: 'usage-(\d{4}-\d{2}-\d{2})'}`, "usage-2026-10-03.jsonl", line,
			"a c m 2026-10-03T00:00:00Z",
		},
		{
			"by a layout", "occurred_at", `{file: '-(\d+)\.', layout: "2006010215", timezone: Europe/Berlin}`,
			"usage-2026100302.jsonl", line, "a c m 2026-10-03T00:00:00Z",
		},
		{
			"a pattern of folders", "occurred_at", `{file: '/(\d{4}/\d\d/\d\d)/', layout: 2006/01/02}`,
			"2026/10/03/usage.jsonl", line, "a c m 2026-10-03T00:00:00Z",
		},
		{
			"another name", "occurred_at", `{file: 'usage-(\d+)'}`, "usage.jsonl", line,
			`occurred_at is read from the file's name, which does not match "usage-(\\d+)"`,
		},
		{
			"a name without a date", "occurred_at", `{file: 'usage-(\d+)'}`, "usage-99.jsonl", line,
			`occurred_at "99" is not a time`,
		},
		{
			"another century", "occurred_at", `{file: '(\d+)\.', layout: unix}`, "1.jsonl", line,
			`occurred_at by the file's name outside of 2000-01-01 to 2100-01-01: "1"`,
		},
		{
			"a folder of Hive", "occurred_at", "{hive: dt}", "dt=2026-10-03/region=eu/part-0.jsonl", line,
			"a c m 2026-10-03T00:00:00Z",
		},
		{
			"a customer of Hive", "customer_id", "[{path: who}, {hive: tenant, replace: {x y: c}}]",
			"tenant=x%20y/part-0.jsonl", row(""), "a c m 2026-10-01T00:00:00Z",
		},
		{
			"the null of Hive", "model", "{hive: m}", "m=__HIVE_DEFAULT_PARTITION__/a.jsonl", row(""),
			"model is read from the file's path, which has no folder m=",
		},
		{
			"milliseconds after a path", "occurred_at", "{path: ms, unit: ms, after: at}", "a.jsonl",
			row(`,"ms":1500.5`) + "\n" + row(`,"ms":"7"`) + "\n" + row(`,"ms":-1`) + "\n" + row(``) + "\n" + row(`,"ms":1e30`) +
				"\n" + row(`,"ms":"soon"`) + "\n" + line[:len(line)-1] + `,"ms":1}`,
			"a c m 2026-10-01T00:00:01.5005Z; a c m 2026-10-01T00:00:00.007Z; occurred_at: is negative: \"-1\"; " +
				"occurred_at: is missing; occurred_at: is too large: \"1e30\"; occurred_at: want a number, found \"soon\"; " +
				"occurred_at: counts from at, which is missing",
		},
		{
			"seconds after a constant", "occurred_at", `[{path: s, unit: s, after: {const: "2026-10-01"}}, at]`, "a.jsonl",
			row(`,"s":90`) + "\n" + row(""), "a c m 2026-10-01T00:01:30Z; a c m 2026-10-01T00:00:00Z",
		},
		{
			"after a Unix time", "occurred_at", "{path: us, unit: us, after: {path: start, layout: unix}}", "a.jsonl",
			row(`,"us":1,"start":1790812800`) + "\n" + row(`,"us":1,"start":1`),
			`a c m 2026-10-01T00:00:00.000001Z; occurred_at: counts from a time outside of 2000-01-01 to 2100-01-01: "1"`,
		},
		{
			"after a folder", "occurred_at", "{path: ns, unit: ns, after: {hive: dt}}", "dt=2026-10-03/a.jsonl",
			row(`,"ns":1`), "a c m 2026-10-03T00:00:00.000000001Z",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := declared(t, "sources:\n  - id: s\n    "+fieldsWith(test.field, test.of), nil)
			got := previewed(t, source, test.file, test.text)
			if got != test.want && (!strings.Contains(got, "source s: ") || !strings.Contains(got, test.want)) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
	source := declared(t, "sources:\n  - id: s\n    "+fieldsWith("model", "{hive: m}"), nil)
	_, err := ReadPreview(t.Context(), Input{Name: "-", Reader: strings.NewReader(line)}, Options{Source: source}, 1)
	if err == nil || !strings.Contains(err.Error(), "standard input has none") {
		t.Errorf("of standard input: %v", err)
	}
}

// TestNullWords: words that stand for no value are none in CSV and in columns, and stay text in JSON.
func TestNullWords(t *testing.T) {
	source := declared(t, `sources: [{id: s, null_words: ["NULL", '\N'], `+
		fieldsWith("model", "[alias, model]")+`, skip: {kind: [null]}}]`, nil)
	got := previewed(t, source, "a.csv", "id,at,customer,alias,model,in,out,kind\n"+
		"a,2026-10-01T00:00:00Z,c,NULL,m,1,\\N,x\n"+"b,2026-10-01T00:00:00Z,c,\"NULL\",null,NULL,5,x\n"+
		"c,2026-10-01T00:00:00Z,NULL,m,,1,1,x\n"+"d,,,,,,,NULL\n"+"e,2026-10-01T00:00:00Z,c,m,,N/A,1,x\n")
	want := `a c m 2026-10-01T00:00:00Z; b c null 2026-10-01T00:00:00Z; customer_id: is empty; : ; ` +
		`input_tokens: want a whole number, found "N/A"`
	if got != want {
		t.Errorf("csv\ngot  %s\nwant %s", got, want)
	}
	if got := previewed(t, source, "a.jsonl", languageRow("a", `,"alias":"NULL","in":1,"kind":"x"`)); got !=
		"a c NULL 2026-10-01T00:00:00Z" {
		t.Errorf("jsonl: %s", got)
	}
	texts := map[string][]string{
		"id": {"a", "b"}, "at": {"2026-10-01T00:00:00Z", "2026-10-01T00:00:00Z"}, "customer": {"c", "NULL"},
		"alias": {"NULL", "x"}, "model": {"m", "m"}, "in": {"1", "2"}, "out": {`\N`, "3"}, "kind": {"x", "x"},
	}
	var fields schema.FieldList
	var group []ingesttest.Column
	for _, name := range []string{"id", "at", "customer", "alias", "model", "in", "out", "kind"} {
		fields = append(fields, ingesttest.Field(t, name, false, schema.StringLogicalType{}, parquet.Types.ByteArray, 0))
		group = append(group, ingesttest.Column{Values: ingesttest.ByteArrays(texts[name]...)})
	}
	data := ingesttest.WriteParquet(t, fields, [][]ingesttest.Column{group})
	d, err := ingesttest.DecodeColumns(source, openParquet(data))
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.WantRejects(t, d, "2 customer_id: is empty")
	if diff := cmp.Diff([]string{languageEvent("1", "a", "1 0 0 0 0")}, d.Events); diff != "" {
		t.Errorf("parquet (-want +got):\n%s", diff)
	}
}

// TestRawOfCountedTime: a row of columns whose time counts from a typed one is kept so that it is read again.
func TestRawOfCountedTime(t *testing.T) {
	source := declared(t, "sources:\n  - id: s\n    "+
		fieldsWith("occurred_at", "{path: ms, unit: ms, after: {path: at, layout: unix_us}}"), nil)
	fields := schema.FieldList{
		ingesttest.Field(t, "at", false, schema.NewTimestampLogicalType(true, schema.TimeUnitMicros), parquet.Types.Int64, 0),
		ingesttest.Field(t, "ms", false, nil, parquet.Types.Int64, 0),
		ingesttest.Field(t, "in", false, nil, parquet.Types.Int64, 0),
	}
	group := []ingesttest.Column{
		{Values: []int64{1790812800000001, 1790812800000001}}, {Values: []int64{5, 5}}, {Values: []int64{1, -1}},
	}
	for _, name := range []string{"id", "customer", "model", "out"} {
		value := map[string]string{"id": "a", "customer": "c", "model": "m", "out": "0"}[name]
		fields = append(fields, ingesttest.Field(t, name, false, schema.StringLogicalType{}, parquet.Types.ByteArray, 0))
		group = append(group, ingesttest.Column{Values: ingesttest.ByteArrays(value, value)})
	}
	reader, columns, err := ingesttest.SearchColumns(source,
		openParquet(ingesttest.WriteParquet(t, fields, [][]ingesttest.Column{group})))
	if err != nil {
		t.Fatal(err)
	}
	batch, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	var b event.Block
	b.Reset()
	event.NewColumnDecoder(columns, defaultMaxLineBytes).Decode(columnar.Slice{Batch: batch, To: batch.Rows}, &b)
	if len(b.Rejects) != 1 || b.Occurred[0] != 1790812800005001000 {
		t.Fatalf("%+v at %d", b.Rejects, b.Occurred)
	}
	mended := strings.Replace(b.Rejects[0].Raw, `"in":-1`, `"in":1`, 1)
	if got, want := previewed(t, source, "a.jsonl", mended), "a c m 2026-10-01T00:00:00.005001Z"; got != want {
		t.Errorf("%s is read as %s, want %s", mended, got, want)
	}
}
