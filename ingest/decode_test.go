package ingest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
)

// decodeText decodes a whole text at once.
func decodeText(t testing.TB, source schemas.Source, name, text string, maxLineBytes int) (ingesttest.Decoded, error) {
	t.Helper()
	format, header, err := openFormat(source, name, []byte(text), maxLineBytes)
	if err != nil {
		return ingesttest.Decoded{}, err
	}
	var b event.Block
	var d ingesttest.Decoded
	b.Reset()
	format.newDecoder().Decode([]byte(text[header:]), &b)
	d.Add(&b)
	return d, nil
}

// decodeCut decodes a text as a load does: cut into chunks that fit into buffers, which are tiny here.
func decodeCut(t testing.TB, source schemas.Source, name, text string, maxLineBytes,
	bufferBytes int,
) (ingesttest.Decoded, error) {
	t.Helper()
	p := &pipeline{
		load:        &load{options: Options{MaxLineBytes: maxLineBytes}, file: &inputFile{}},
		bufferBytes: bufferBytes,
		free:        make(chan *job, 2), toDecode: make(chan *job, 2), inOrder: make(chan *job, 2),
	}
	for range 2 {
		p.free <- &job{buffer: make([]byte, bufferBytes)}
	}
	reader := &countingReader{Reader: iotest.HalfReader(strings.NewReader(text))}
	first := <-p.free
	filled, atEnd, err := fill(reader, first.buffer, 0)
	if err != nil {
		return ingesttest.Decoded{}, err
	}
	format, header, err := openFormat(source, name, first.buffer[:filled], maxLineBytes)
	if err != nil {
		return ingesttest.Decoded{}, err
	}
	c := &cutter{pipeline: p, text: reader, format: format}
	done := make(chan error, 1)
	go func() {
		err := c.run(context.Background(), first, header, filled, atEnd)
		close(p.toDecode)
		done <- err
	}()
	var d ingesttest.Decoded
	decoder := format.newDecoder()
	var b event.Block
	for job := range p.toDecode {
		<-p.inOrder
		b.Reset()
		decoder.Decode(job.chunk, &b)
		d.Add(&b)
		p.free <- job
	}
	return d, <-done
}

// TestBadRows has one row of every kind that is refused.
func TestBadRows(t *testing.T) {
	row := func(change ...string) string {
		return strings.NewReplacer(change...).Replace(`{"event_id":"e","occurred_at":"2026-10-01T00:00:00Z",` +
			`"customer_id":"c","model":"m","input_tokens":1,"cached_input_tokens":2,"output_tokens":3}`)
	}
	time := `"2026-10-01T00:00:00Z"`
	tests := []struct{ name, line, field, reason string }{
		{"text", `nonsense`, "", `want a JSON object`},
		{"array", `[1,2]`, "", `want a JSON object, found an array`},
		{"cut off", `{"event_id":"e"`, "", `is not JSON: it ends in the middle`},
		{"cut off in a string", `{"event_id":"e`, "", `is not JSON: it ends in the middle`},
		{"more after the object", row() + "}", "", "is not JSON: unexpected '}' at byte 143"},
		{"no comma", `{"a":1 "b":2}`, "", `is not JSON: unexpected '"' at byte 8`},
		{"comma at the end", `{"a":1,}`, "", `is not JSON: unexpected '}' at byte 8`},
		{"no quotes", `{a:1}`, "", `is not JSON: unexpected 'a' at byte 2`},
		{"leading zero", `{"input_tokens":01}`, "", `is not JSON: unexpected '1' at byte 18`},
		{"plus", `{"input_tokens":+1}`, "", `is not JSON: unexpected '+' at byte 17`},
		{"NaN", `{"input_tokens":NaN}`, "", `is not JSON: unexpected 'N' at byte 17`},
		{"bad escape", `{"x":"\q"}`, "", `is not JSON: unexpected 'q' at byte 8`},
		{"control character", "{\"x\":\"a\tb\"}", "", `is not JSON: unexpected '\t' at byte 8`},
		{"half a surrogate pair", row(`"e"`, `"\ud800"`), "event_id", `is not valid Unicode: it holds half a surrogate pair`},
		{"invalid UTF-8", "{\"x\":\"\xff\"}", "", `is not valid UTF-8`},
		{"too long", `{"x":"` + strings.Repeat("y", 1000) + `"}`, "", `is longer than 800 bytes`},
		{
			"cut off, nested", `{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 199) + "}", "",
			`is not JSON: unexpected '}' at byte 405`,
		},
		{"CR alone", row() + "\r" + row(), "", "holds another row after a line end of CR alone: " + event.ConvertCR},
		{"key twice", row(`{`, `{"event_id":"f",`), "event_id", `key "event_id" is repeated`},
		{"key twice, escaped", row(`{`, `{"event\u005fid":"f",`), "event_id", `key "event_id" is repeated`},

		{"no id", row(`"event_id":"e",`, ``), "event_id", `is missing`},
		{"null id", row(`"e"`, `null`), "event_id", `is empty`},
		{"empty id", row(`"e"`, `""`), "event_id", `is empty`},
		{"blank customer", row(`"c"`, `"   "`), "customer_id", `is blank`},
		{"blank behind a customer", row(`"c"`, `"acme "`), "customer_id", `has a blank at its end`},
		{"wide blank before an id", row(`"e"`, `"\u3000e"`), "event_id", `has a blank at its beginning`},
		{"byte-order mark in a customer", row(`"c"`, `"\ufeffacme"`), "customer_id", `has the invisible character U+FEFF`},
		{"zero width in a model", row(`"m"`, "\"m\u200b\""), "model", `has the invisible character U+200B`},
		{"escape in a customer", row(`"c"`, `"\u001b[31mc"`), "customer_id", `has the invisible character U+001B`},
		{"fractional id", row(`"e"`, `1.5`), "event_id", `want a string or an integer, found "1.5"`},
		{"boolean id", row(`"e"`, `true`), "event_id", `want a string, found a boolean`},
		{"long id", row(`"e"`, `"`+strings.Repeat("x", 257)+`"`), "event_id", `has 257 bytes, at most 256 are allowed`},
		{"object as customer", row(`"c"`, `{"id":"c"}`), "customer_id", `want a string, found an object`},
		{"number as model", row(`"m"`, `4`), "model", `want a string, found a number`},
		{"long model", row(`"m"`, `"`+strings.Repeat("x", 257)+`"`), "model", `has 257 bytes, at most 256 are allowed`},

		{"no time", row(`"occurred_at":`+time+`,`, ``), "occurred_at", `is missing`},
		{
			"number as time", row(time, `1790812800`), "occurred_at",
			`want a time as a string, found a number, which would be a time in seconds: declare layout: unix`,
		},
		{"words as time", row(time, `"yesterday"`), "occurred_at", `is not a time like 2026-10-01T00:00:00Z: "yesterday"`},
		{
			"no offset", row(time, `"2026-10-01T00:00:00"`), "occurred_at",
			`has no offset, and the source declares no timezone: "2026-10-01T00:00:00"`,
		},
		{
			"second 60", row(time, `"2026-06-30T23:59:60Z"`), "occurred_at",
			`has an hour, minute or second that does not exist: "2026-06-30T23:59:60Z"`,
		},
		{
			"no such day", row(time, `"2026-02-29T00:00:00Z"`), "occurred_at",
			`has a date that does not exist: "2026-02-29T00:00:00Z"`,
		},
		{
			"last century", row(time, `"1999-12-31T23:59:59Z"`), "occurred_at",
			`outside of 2000-01-01 to 2100-01-01: "1999-12-31T23:59:59Z"`,
		},
		{
			"next century", row(time, `"2100-01-01T00:00:00Z"`), "occurred_at",
			`outside of 2000-01-01 to 2100-01-01: "2100-01-01T00:00:00Z"`,
		},
		{
			"next century by offset", row(time, `"2099-12-31T23:59:59-01:00"`), "occurred_at",
			`outside of 2000-01-01 to 2100-01-01: "2099-12-31T23:59:59-01:00"`,
		},

		{"negative", row(`:1`, `:-1`), "input_tokens", `is negative: "-1"`},
		{"negative and large", row(`:1`, `:-1e30`), "input_tokens", `is negative: "-1e30"`},
		{"fraction", row(`:1`, `:1.5`), "input_tokens", `is not a whole number: "1.5"`},
		{"small fraction", row(`:2`, `:1e-400`), "cached_input_tokens", `is not a whole number: "1e-400"`},
		{"2^63", row(`:3`, `:9223372036854775808`), "output_tokens", `is too large: "9223372036854775808"`},
		{"huge exponent", row(`:3`, `:1e999999999999`), "output_tokens", `is too large: "1e999999999999"`},
		{"word as count", row(`:1`, `:"many"`), "input_tokens", `want a whole number, found the string "many"`},
		{"fraction as string", row(`:1`, `:"1.0"`), "input_tokens", `want a whole number, found the string "1.0"`},
		{"boolean as count", row(`:1`, `:true`), "input_tokens", `want a whole number, found a boolean`},
		{
			"no counts", row(`,"input_tokens":1,"cached_input_tokens":2,"output_tokens":3`, ``), "",
			`no token counts: at least one is needed, 0 is one`,
		},
		{
			"null counts", row(`:1`, `:null`, `:2`, `:null`, `:3`, `:null`), "",
			`no token counts: at least one is needed, 0 is one`,
		},
		{"number as properties", row(`{`, `{"properties":1,`), "properties", `want a JSON object or list`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := row() + "\n\n" + test.line + "\n" + row()
			d, err := decodeText(t, ingesttest.Canonical(t), "a.jsonl", text, 800)
			if err != nil {
				t.Fatal(err)
			}
			ingesttest.WantRejects(t, d, "2 "+test.field+": "+test.reason)
			if len(d.Events) != 2 || d.Rows != 3 {
				t.Errorf("%d events of %d rows, want the rows before and after: 2 of 3", len(d.Events), d.Rows)
			}
		})
	}
}

func TestGoodRows(t *testing.T) {
	const tail = `,"customer_id":"c","model":"m","input_tokens":1}`
	tests := []struct{ name, line, want string }{
		{
			"all fields", `{"event_id":"e","occurred_at":"2026-10-01T00:00:00.267Z","customer_id":"c","model":"m",` +
				`"input_tokens":1200,"cached_input_tokens":1,"cache_write_tokens":2,"output_tokens":350,"reasoning_tokens":4,` +
				`"properties":{"a":[1,{"b":null}],"c":"d e"}}`,
			`1 e c m 2026-10-01T00:00:00.267Z 1200 1 2 350 4 {"a":[1,{"b":null}],"c":"d e"}`,
		},
		{
			"blanks, other order, unknown keys",
			` { "model" : "m" , "x":{"input_tokens":9}, "output_tokens" : 0 ,"customer_id":"c",` +
				`"occurred_at":"2026-10-01T00:00:00Z"` + "\t" + `, "event_id" : "e" } `, `1 e c m 2026-10-01T00:00:00Z 0 0 0 0 0`,
		},
		{
			"integers as ids",
			`{"event_id":17,"occurred_at":"2026-10-01T00:00:00Z","customer_id":-5,"model":"m","input_tokens":1}`,
			`1 17 -5 m 2026-10-01T00:00:00Z 1 0 0 0 0`,
		},
		{
			"numbers",
			`{"event_id":"e","occurred_at":"2026-10-01T00:00:00Z","customer_id":"c","model":"m","input_tokens":12.0,` +
				`"cached_input_tokens":1e3,"cache_write_tokens":"123","output_tokens":9223372036854775807,` +
				`"reasoning_tokens":1.50e1}`,
			`1 e c m 2026-10-01T00:00:00Z 12 1000 123 9223372036854775807 15`,
		},
		{
			"more numbers",
			`{"event_id":"e","occurred_at":"2026-10-01T00:00:00Z","customer_id":"c","model":"m","input_tokens":-0,` +
				`"cached_input_tokens":0e999999999,"cache_write_tokens":100e-2,"output_tokens":0.0003e4,"reasoning_tokens":null}`,
			`1 e c m 2026-10-01T00:00:00Z 0 0 1 3 0`,
		},
		{
			"nanoseconds", `{"event_id":"e","occurred_at":"2026-10-01T23:59:59.123456789+05:30"` + tail,
			`1 e c m 2026-10-01T18:29:59.123456789Z 1 0 0 0 0`,
		},
		{
			"finer than nanoseconds", `{"event_id":"e","occurred_at":"2026-10-01t00:00:00.1234567899z"` + tail,
			`1 e c m 2026-10-01T00:00:00.123456789Z 1 0 0 0 0`,
		},
		{
			"escapes", `{"event\u005fid":"\u00e9\ud83d\ude00\"\\\/","occurred_at":"2026-10-01T00:00:00Z"` + tail,
			"1 é😀\"\\/ c m 2026-10-01T00:00:00Z 1 0 0 0 0",
		},
		{
			"keys are case-sensitive", `{"Event_ID":"x","event_id":"e","occurred_at":"2026-10-01T00:00:00Z"` + tail,
			`1 e c m 2026-10-01T00:00:00Z 1 0 0 0 0`,
		},
		{
			"first and last instant", `{"event_id":"e","occurred_at":"2000-01-01T00:00:00Z"` + tail,
			`1 e c m 2000-01-01T00:00:00Z 1 0 0 0 0`,
		},
		{
			"CRLF", `{"event_id":"e","occurred_at":"2099-12-31T23:59:59.999999999Z"` + tail + "\r",
			`1 e c m 2099-12-31T23:59:59.999999999Z 1 0 0 0 0`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, end := range []string{"", "\n", "\r\n", "\n \n\t\r\n"} {
				d, err := decodeText(t, ingesttest.Canonical(t), "a.jsonl", test.line+end, defaultMaxLineBytes)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(ingesttest.Decoded{Events: []string{test.want}, Rows: 1}, d); diff != "" {
					t.Errorf("ending in %q (-want +got):\n%s", end, diff)
				}
			}
		})
	}
}

// nested is a declared source: paths that share a beginning, quoted keys, pools that include others, a hashed id.
func nested() schemas.Source {
	path := func(keys ...string) schemas.Field {
		return schemas.Field{Kind: schemas.FieldPath, Path: keys, Text: strings.Join(keys, ".")}
	}
	source := schemas.Source{ID: "gateway", Format: schemas.FormatJSONL, Fields: schemas.Fields{
		EventID:    schemas.Field{Kind: schemas.FieldHash, Hash: [][]string{{"request"}, {"usage", "prompt"}}},
		OccurredAt: path("ts"), CustomerID: path("metadata", "customer"),
		Model:      schemas.Field{Kind: schemas.FieldConst, Const: "m"},
		Properties: path("metadata"),
	}, Includes: []schemas.Include{{
		Unit: schemas.UnitInput, Units: []string{schemas.UnitCachedInput},
	}}}
	source.Fields.OccurredAt.Layout = schemas.LayoutUnixMS
	source.Fields.SetUnit(schemas.UnitInput, path("usage", "prompt"))
	source.Fields.SetUnit(schemas.UnitCachedInput, path("usage", "details", "gen_ai.cached"))
	return source
}

func TestDeclaredSource(t *testing.T) {
	text := strings.Join([]string{
		`{"request":"a","ts":1790812800267,"metadata":{"customer":"c","x":1},` +
			`"usage":{"prompt":10,"details":{"gen_ai.cached":4}}}`,
		`{"usage":{"details":{"gen_ai.cached":0,"other":{}},"prompt":10},"metadata":{"customer":"c"},` +
			`"ts":"1790812800267.5","request":"a"}`,
		`{"request":"b","ts":1790812800267,"metadata":{"customer":"c"},"usage":{"prompt":3,"details":{"gen_ai.cached":4}}}`,
		`{"request":"b","ts":1790812800267,"metadata":{"customer":"c"},"usage":7}`,
		`{"request":"b","ts":-1,"metadata":{"customer":"c"},"usage":{"prompt":3}}`,
		`{"request":"b","ts":1790812800267,"metadata":{"customer":"c"},"usage":{"prompt":3},"usage":{"prompt":3}}`,
	}, "\n")
	d, err := decodeText(t, nested(), "a", text, defaultMaxLineBytes)
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.WantRejects(t, d,
		`3 cached_input_tokens: 4 is more than input_tokens, which includes it, has left`,
		`4 : no token counts: at least one is needed, 0 is one`,
		`5 occurred_at: outside of 2000-01-01 to 2100-01-01: "-1"`,
		`6 : key "usage" is repeated`)
	if len(d.Events) != 2 {
		t.Fatalf("events: %v", d.Events)
	}
	if id := strings.Fields(d.Events[0])[1]; len(id) != 32 || id != strings.Fields(d.Events[1])[1] {
		t.Errorf("equal inputs gave the ids of %v", d.Events)
	}
	want := `c m 2026-10-01T00:00:00.267Z 6 4 0 0 0 {"customer":"c","x":1}`
	if !strings.HasSuffix(d.Events[0], want) {
		t.Errorf("event %q, want …%q", d.Events[0], want)
	}
}

// TestTinyRows: a chunk of very many rows is cut further, and none is lost.
func TestTinyRows(t *testing.T) {
	const rows = 2*event.RowsPerBlock + 10
	for name, text := range map[string]string{"a.jsonl": strings.Repeat("x\n", rows), "a.csv": csvHead +
		strings.Repeat("x\n", rows)} {
		d, err := decodeCut(t, ingesttest.Canonical(t), name, text, 100, 4*event.RowsPerBlock)
		if err != nil {
			t.Fatal(err)
		}
		if d.Rows != rows || len(d.Rejects) != rows {
			t.Errorf("%s: %d rows, %d rejects, want %d", name, d.Rows, len(d.Rejects), rows)
		}
	}
}

// benchLines are canonical rows like those of the benchmark's generator.
func benchLines(rows int) []byte {
	var text strings.Builder
	for i := range rows {
		fmt.Fprintf(&text, `{"event_id":"01a203d9-00c2-7a2b-b065-%012x","occurred_at":"2026-10-01T%02d:%02d:%02d.339000Z",`+
			`"customer_id":"cus_%06d","model":"%s","input_tokens":%d,"cached_input_tokens":%d,"output_tokens":%d}`+"\n",
			i, i/3600%24, i/60%60, i%60, i*7919%20000, []string{"small-model", "medium-model", "large-model"}[i%3],
			i*31%4000, i%4*i%2000, i*17%1500)
	}
	return []byte(text.String())
}

func BenchmarkDecodeJSONL(b *testing.B) {
	text := benchLines(50_000)
	source := ingesttest.Canonical(b)
	format, _, err := openFormat(source, "x.jsonl", text, defaultMaxLineBytes)
	if err != nil {
		b.Fatal(err)
	}
	decoder := format.newDecoder()
	var block event.Block
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		block.Reset()
		decoder.Decode(text, &block)
		if block.Valid != 50_000 {
			b.Fatal(block.Valid, block.Rejects[0])
		}
	}
}
