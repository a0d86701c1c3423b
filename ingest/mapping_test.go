package ingest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/ingest/sniff"
	"github.com/creditmill/creditmill/schemas"
)

// builtin returns a source that needs no declaration.
func builtin(t testing.TB, id string) schemas.Source {
	t.Helper()
	source, ok := schemas.SourceByID(schemas.BuiltinSources(), id)
	if !ok {
		t.Fatalf("no source %s", id)
	}
	return source
}

// declared returns the last source of a config file; its customer maps read from the given files.
func declared(t testing.TB, text string, files map[string]string) schemas.Source {
	t.Helper()
	sources, problems := schemas.ParseSources("creditmill.yaml", []byte(text))
	source := sources[len(sources)-1]
	problems = append(problems, source.ReadMaps(func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, errors.New("no such file")
	})...)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return source
}

const keyed = `
sources:
  - id: keyed
    extends: openai
    within: response
    fields:
      customer_id: {path: auth.key, map: keys.csv}
      model: [route, response.model, {const: unknown}]
`

func TestCustomerMap(t *testing.T) {
	source := declared(t, keyed, map[string]string{
		"keys.csv": "\xef\xbb\xbfkey,customer_id\r\nsk-proj-abcdefghijklmnop,cus_acme\r\n" +
			"\"a,\"\"b\"\"\",cus_beta\r\n17,cus_c\r\n",
	})
	row := func(key, response string) string {
		return `{"auth":{"key":` + key + `},"response":{"id":"e","created":1790812800,` + response +
			`"usage":{"prompt_tokens":5}}}`
	}
	d, err := decodeText(t, source, "a.jsonl", strings.Join([]string{
		row(`"sk-proj-abcdefghijklmnop"`, `"model":"m",`),
		row(`"a,\"b\""`, ``),
		row(`17`, `"model":"",`),
		row(`"sk-proj-abcdefghijklmnox"`, `"model":"m",`),
		row(`"short"`, `"model":"m",`),
		row(`""`, `"model":"m",`),
		row(`null`, `"model":7,`),
	}, "\n"), defaultMaxLineBytes)
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.WantRejects(t, d,
		`4 customer_id: no customer for the key "sk-p"… in keys.csv`,
		`5 customer_id: no customer for the key of 5 characters in keys.csv`,
		`6 customer_id: is empty`,
		`7 customer_id: is empty`)
	want := []string{
		`1 e cus_acme m 2026-10-01T00:00:00Z 5 0 0 0 0`,
		`2 e cus_beta unknown 2026-10-01T00:00:00Z 5 0 0 0 0`,
		`3 e cus_c unknown 2026-10-01T00:00:00Z 5 0 0 0 0`,
	}
	if diff := cmp.Diff(want, d.Events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// language uses what the built-in sources do not.
const language = `
sources:
  - id: language
    rows: batch[].calls[]
    fields:
      event_id: id
      occurred_at: [^.at, at]
      customer_id: ["tags[key=c].value", "c[1]", ^.^.c]
      model: model
      input: [{sum: [x, "u[].y"]}, in]
    input_includes: {pools: [output], unless: {"u[].t": [a, null]}}
`

const choosy = `
sources:
  - id: choosy
    timezone: Europe/Berlin
    fields:
      event_id: [id, uuid]
      occurred_at: [ts, {path: day, layout: "2006-01-02"}, {path: ms, layout: unix_ms}]
      customer_id: [customer, user]
      model: model
      input: {path: tokens, when: {kind: [in, 1], live: true}}
      output: {path: tokens, when: {kind: out}}
    require: {version: [1, 2]}
`

// The columns and keys of one source, in both formats.
func TestAlternatives(t *testing.T) {
	source := declared(t, choosy, nil)
	d, err := decodeText(t, source, "a.csv", strings.Join([]string{
		"id,uuid,day,ms,user,model,tokens,kind,live,version",
		"a,u1,2026-10-01,,c,m,5,in,y,1",
		",u2,,1790812800000,c,m,6,out,,2",
		",u3,,1790812800000,c,m,7,in,,1",
		"b,,,1790812800000,c,m,8,1,0,3",
		"b,,,1790812800000,c,m,8,1,0,",
		",,,1790812800000,c,m,8,1,0,1",
	}, "\n"), defaultMaxLineBytes)
	if err != nil {
		t.Fatal(err)
	}
	ingesttest.WantRejects(t, d,
		`3 : no token counts: at least one is needed, 0 is one`,
		`4 : version is "3": the source takes 1, 2`,
		`5 : version is missing: the source requires it`,
		`6 event_id: is missing: looked for id, uuid`)
	want := []string{
		`1 a c m 2026-09-30T22:00:00Z 5 0 0 0 0`,
		`2 u2 c m 2026-10-01T00:00:00Z 0 0 0 6 0`,
	}
	if diff := cmp.Diff(want, d.Events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	_, err = decodeText(t, source, "b.csv", "id,model,tokens,kind,live,version\n", defaultMaxLineBytes)
	if want := "column ts or day or ms, customer or user is missing"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	d, err = decodeText(t, source, "a.jsonl", `{"version":1,"live":true,"kind":1,"tokens":3,"uuid":7,"customer":null,`+
		`"user":"c","ts":"2026-10-01T02:00:00","model":"m"}`, defaultMaxLineBytes)
	if want := `1 7 c m 2026-10-01T00:00:00Z 3 0 0 0 0`; err != nil || len(d.Events) != 1 || d.Events[0] != want {
		t.Errorf("events %v, error %v", d, err)
	}
}

func FuzzBuiltinSources(f *testing.F) {
	samples, err := filepath.Glob("../testdata/logs/*/*.jsonl")
	if err != nil || len(samples) < len(schemas.BuiltinSources())-1 {
		f.Fatalf("%d samples (%v)", len(samples), err)
	}
	for _, name := range samples {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	sources := append(schemas.BuiltinSources(), declared(f, choosy, nil), declared(f, language, nil))
	f.Fuzz(func(t *testing.T, text string) {
		if sniff.Columns([]byte(text)) != "" {
			return
		}
		for _, source := range sources {
			format, _, err := openFormat(source, "a.jsonl", []byte(text), defaultMaxLineBytes)
			if refused(t, err) {
				return
			}
			var b event.Block
			b.Reset()
			format.newDecoder().Decode([]byte(text), &b)
			rows := len(b.RowNumber) + len(b.Rejects) + len(b.Skips)
			if b.RowsRead != uint64(rows) || b.Valid != uint64(len(b.RowNumber)) {
				t.Fatalf("%s: %d rows, %d events, %d rejects", source.ID, b.RowsRead, len(b.RowNumber), len(b.Rejects))
			}
		}
	})
}
