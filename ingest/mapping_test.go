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

// The samples have the documented shape of each log; what each pool is to hold was added up by hand.
func TestBuiltinSources(t *testing.T) {
	tests := []struct {
		source, file    string
		events, rejects []string
	}{
		{"openai", "chat.jsonl", []string{
			`1 chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT cus_acme gpt-4.1-2025-04-14 2026-10-01T00:00:00Z 86 1920 0 300 0`,
			`2 chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG cus_beta o4-mini-2025-04-16 2026-10-01T00:01:00Z 75 0 0 162 1024`,
		}, []string{`3 customer_id: is missing: looked for metadata.customer_id, user`}},
		{"openai", "responses.jsonl", []string{
			`1 resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b cus_acme gpt-4.1-2025-04-14 2026-10-01T00:02:00Z ` +
				`36 0 0 87 0`,
			`2 resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b cus_beta gpt-5-2025-08-07 2026-10-01T00:03:00Z ` +
				`1464 1024 512 260 640`,
		}, nil},
		{"anthropic", "messages.jsonl", []string{
			`1 msg_013Zva2CMHLNnXjNJJKqJ2EF cus_acme claude-sonnet-4-5-20250929 2026-10-01T00:00:00Z 2095 0 0 503 0`,
			`2 msg_01XFDUDYJgAACzvnptvVoYEL cus_beta claude-sonnet-4-5-20250929 2026-10-01T00:01:00.5Z 21 188086 0 393 0`,
			`3 msg_01Aq9w938a90dw8q1cBzYhKM cus_acme claude-opus-4-5-20251101 2026-10-01T00:02:00Z 50 0 248 300 1200`,
		}, nil},
		{"anthropic", "iterations.jsonl", []string{
			`1 msg_01CompactedAnswer cus_acme claude-opus-4-6 2026-10-01T00:03:00Z 203000 0 0 4500 0`,
		}, []string{`2 : usage.iterations[].type is "advisor_message": the source takes message, compaction`}},
		{"gemini", "responses.jsonl", []string{
			`1 g-1 cus_acme gemini-2.5-flash 2026-10-01T00:00:00.123456Z 1000 0 0 20 0`,
			`2 g-2 cus_beta gemini-2.5-pro 2026-10-01T00:01:00Z 904 4096 0 300 1200`,
		}, nil},
		{"litellm", "metadata_text.jsonl", []string{
			`1 chatcmpl-text cus_acme claude-sonnet-4-5 2026-10-01T00:03:00Z 4262 4864 0 2197 1000`,
			`2 chatcmpl-zero cus_acme claude-sonnet-4-5 2026-10-01T00:04:00Z 2000 3000 0 10 0`,
			`3 chatcmpl-messages cus_acme claude-sonnet-4-5 2026-10-01T00:05:00Z 4000 2495 0 467 0`,
		}, nil},
		{"otlp", "traces.jsonl", []string{
			`1.1 chatcmpl-1 cus_acme gpt-4o-2024-08-06 2026-10-01T00:00:00Z 360 640 0 300 0`,
			`1.3 eee19b7ec3c1b176 cus_beta text-embedding-3-small 2026-10-01T00:01:00Z 8 0 0 0 0`,
		}, []string{`1.2 : attributes."gen_ai.operation.name" is "invoke_agent": the source takes ` +
			`chat, text_completion, generate_content, embeddings`}},
		{"litellm", "spend_logs.jsonl", []string{
			`1 chatcmpl-34df56d5-4807-45c1-bb99-61e52586b802 cus_acme gpt-4o-2024-08-06 2026-10-01T00:00:00.123Z ` +
				`360 640 0 200 100`,
			`2 chatcmpl-9dc875b3-9ff6-4f11-a53e-0b2b8a1d3a61 cus_beta claude-sonnet-4-5-20250929 2026-10-01T00:01:00Z ` +
				`50 2000 300 400 0`,
			`3 chatcmpl-4c2b1a90-77a3-4a0e-8d0f-2f8b9c1d7e55 cus_beta mistral-small-latest 2026-10-01T00:02:00Z 20 0 0 10 0`,
		}, []string{`4 customer_id: is empty`}},
		{"otel-genai", "spans.jsonl", []string{
			`1 chatcmpl-123 cus_acme gpt-4-0613 2026-10-01T00:00:00Z 25 50 25 130 50`,
			`2 eee19b7ec3c1b174 cus_beta text-embedding-3-small 2026-10-01T00:01:00.000000001Z 8 0 0 0 0`,
		}, []string{`3 : attributes."gen_ai.operation.name" is "invoke_agent": the source takes ` +
			`chat, text_completion, generate_content, embeddings`}},
		{"cloudevents", "events.jsonl", []string{
			`1 36b5e8c944fc389dddb5e7a3816dc87b customer-1 gpt4-turbo 2026-10-01T00:00:00.001Z 0 0 0 123456 0 ` +
				`{"tokens":"123456","model":"gpt4-turbo","type":"output"}`,
			`2 39f4685b6c7a2bb51597687c79b04414 customer-1 gpt4-turbo 2026-10-01T00:00:00.001Z 1000 0 0 0 0 ` +
				`{"tokens":"1000","model":"gpt4-turbo","type":"input"}`,
			`3 01215601419eb08b8631274dc6c48bba customer-1 gpt4-turbo 2026-10-01T00:00:00.001Z 34 0 0 0 0 ` +
				`{"tokens":34,"model":"gpt4-turbo","type":"system"}`,
			`4 6fefb0622515ed8aeede14b1d9ef5446 customer-2 gpt4-turbo 2026-10-01T00:01:00Z 500 0 0 70 0 ` +
				`{"prompt_tokens":500,"completion_tokens":70,"total_tokens":570,"model":"gpt4-turbo"}`,
		}, []string{`5 : no token counts: at least one is needed, 0 is one`}},
	}
	for _, test := range tests {
		t.Run(test.source+" "+test.file, func(t *testing.T) {
			text, err := os.ReadFile("../testdata/logs/" + test.source + "/" + test.file)
			if err != nil {
				t.Fatal(err)
			}
			d, err := decodeText(t, builtin(t, test.source), test.file, string(text), defaultMaxLineBytes)
			if err != nil {
				t.Fatal(err)
			}
			ingesttest.WantRejects(t, d, test.rejects...)
			if diff := cmp.Diff(test.events, d.Events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
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
			if rows := len(b.RowNumber) + len(b.Rejects); b.RowsRead != uint64(rows) || b.Valid != uint64(len(b.RowNumber)) {
				t.Fatalf("%s: %d rows, %d events, %d rejects", source.ID, b.RowsRead, len(b.RowNumber), len(b.Rejects))
			}
		}
	})
}
