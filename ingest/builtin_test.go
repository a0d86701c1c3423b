package ingest

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/ingesttest"
)

// builtinSample is a file of testdata/logs, and what becomes of it.
type builtinSample struct {
	source, file    string
	events, rejects []string
}

// builtinSamples have the documented shape of each log; what each unit is to hold was added up by hand.
func builtinSamples() []builtinSample { return slices.Concat(plainSamples(), richSamples()) }

// plainSamples are of the five pools.
func plainSamples() []builtinSample {
	return []builtinSample{
		{"openai", "chat.jsonl", []string{
			`1 chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT cus_acme gpt-4.1-2025-04-14 2026-10-01T00:00:00Z 86 1920 0 300 0` +
				` ?tier=default`,
			`2 chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG cus_beta o4-mini-2025-04-16 2026-10-01T00:01:00Z 75 0 0 162 1024` +
				` ?tier=default`,
		}, []string{`3 customer_id: is missing: looked for metadata.customer_id, user`}},
		{"openai", "responses.jsonl", []string{
			`1 resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b cus_acme gpt-4.1-2025-04-14 2026-10-01T00:02:00Z ` +
				`36 0 0 87 0`,
			`2 resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b cus_beta gpt-5-2025-08-07 2026-10-01T00:03:00Z ` +
				`1464 1024 512 260 640`,
		}, nil},
		{"anthropic", "messages.jsonl", []string{
			`1 msg_013Zva2CMHLNnXjNJJKqJ2EF cus_acme claude-sonnet-4-5-20250929 2026-10-01T00:00:00Z 2095 0 0 503 0` +
				` ?tier=standard`,
			`2 msg_01XFDUDYJgAACzvnptvVoYEL cus_beta claude-sonnet-4-5-20250929 2026-10-01T00:01:00.5Z 21 188086 0 393 0` +
				` ?tier=standard`,
			`3 msg_01Aq9w938a90dw8q1cBzYhKM cus_acme claude-opus-4-5-20251101 2026-10-01T00:02:00Z 50 0 248 300 1200` +
				` ?tier=standard`,
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
		{"litellm", "spend_logs.csv", []string{
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
}

// richSamples have other units, or are of logs that wrap or export what models answer.
func richSamples() []builtinSample {
	return []builtinSample{
		{"anthropic", "cache_1h.jsonl", []string{
			`1 msg_hour cus_acme claude-sonnet-4-5-20250929 2026-10-01T00:05:00Z 3 0 0 7 0 cache_write_1h=5424` +
				` ?tier=standard`,
			`2 msg_both cus_acme claude-sonnet-4-5-20250929 2026-10-01T00:06:00Z 10 1800 148 20 0 cache_write_1h=100 ` +
				`searches=2`,
			`3 msg_parts cus_acme claude-sonnet-4-5-20250929 2026-10-01T00:07:00Z 1 0 30 1 0 cache_write_1h=12`,
			`4 msg_steps cus_acme claude-sonnet-4-5-20250929 2026-10-01T00:08:00Z 105 0 40 52 0 cache_write_1h=600`,
		}, nil},
		{"openai", "audio.jsonl", []string{
			`1 chatcmpl-audio cus_acme gpt-audio 2026-10-01T00:00:00Z 30 0 0 60 0 input_audio=90 output_audio=240`,
			`2 resp_realtime cus_beta gpt-realtime 2026-10-01T00:01:00Z 236 64 0 100 0 input_audio=316 ` +
				`cached_input_audio=384 output_audio=400`,
		}, nil},
		{"openai", "web_search.jsonl", []string{
			"1 resp_ws1 acme gpt-5 2026-10-01T00:00:00Z 60 40 0 15 5 searches=2 ?tier=default",
			"2 resp_ws2 acme gpt-5 2026-10-01T00:01:40Z 12 0 0 3 0 ?tier=flex",
		}, nil},
		{"gemini", "modalities.jsonl", []string{
			`1 g-3 cus_acme gemini-2.5-flash 2026-10-01T00:02:00Z 242 0 0 10 0 input_audio=1000 input_image=258 ` +
				`output_image=1290`,
			`2 g-4 cus_acme gemini-2.5-flash 2026-10-01T00:03:00Z 1240 1800 0 50 0 input_audio=800 cached_input_audio=1200`,
		}, nil},
		{"bedrock", "invocations.jsonl", []string{
			`1 915a6a04-3f83-4c70-a277-7fbf7ea546b3 cus_acme anthropic.claude-sonnet-4-5-20250929-v1:0 ` +
				`2026-10-01T00:00:17Z 35 0 0 446 0 ?region=us-east-1`,
			`2 915a6a04-3f83-4c70-a277-7fbf7ea546b4 cus_beta anthropic.claude-sonnet-4-5-20250929-v1:0 ` +
				`2026-10-01T00:01:17Z 10 2000 200 60 0 cache_write_1h=300 ?region=us-east-1`,
		}, []string{`4 customer_id: is missing`}},
		{"openrouter", "generations.jsonl", []string{
			`1 gen-1737842317-9ifH6Yzo5icEdfD0I8SI cus_acme anthropic/claude-sonnet-4.5 2026-10-01T00:00:42.249238Z ` +
				`100 300 0 500 21 search_results=5 ?tier=standard`,
			`2 gen-1790812860-chat cus_beta openai/gpt-4o 2026-10-01T00:01:00Z 94 0 100 2 0`,
		}, []string{
			`3 customer_id: is missing: looked for data.external_user, external_user, user, metadata.customer_id`,
		}},
		{"litellm-log", "payloads.jsonl", []string{
			`1 chatcmpl-log-1 cus_acme gpt-4o 2026-10-01T00:00:00.5Z 360 640 0 100 100`,
			`2 chatcmpl-log-2 cus_beta claude-sonnet-4-5 2026-10-01T00:01:00Z 50 900 70 20 0`,
		}, nil},
		{"langfuse", "observations.jsonl", []string{
			`1 obs-1 cus_acme gpt-4o-2024-08-06 2026-10-01T00:00:19.963Z 360 640 0 200 100`,
			`3 obs-3 cus_beta claude-sonnet-4-5 2026-10-01T00:01:00Z 50 2000 300 400 0`,
		}, []string{`4 customer_id: is missing: looked for user_id, userId`}},
		{"openai-batch", "output.jsonl", []string{
			`1 chatcmpl-batch-1 cus_acme gpt-4.1-2025-04-14 2026-10-01T00:00:00Z 14 8 0 2 0 ?tier=batch`,
			`4 resp_batch_4 cus_beta gpt-5-2025-08-07 2026-10-01T00:01:00Z 30 0 0 26 64 ?tier=batch`,
		}, nil},
		{"helicone", "requests.jsonl", []string{
			`1 hel-1 cus_acme gpt-4o 2026-10-01T00:00:00.123Z 360 640 0 300 0 ?provider=OPENAI`,
		}, []string{`3 customer_id: is empty`}},
		{"azure-apim", "gateway.jsonl", []string{
			`1 9b1c1b3e-1 cus_acme gpt-4o-2024-08-06 2026-10-01T00:00:00.1234567Z 120 0 0 40 0` +
				` ?region=West+Europe`,
			`3 9b1c1b3e-2 cus_beta chat 2026-10-01T00:00:00.1234567Z 8 0 0 0 0 ?region=West+Europe`,
		}, []string{`4 customer_id: is missing`}},
		{"cloudflare", "logs.jsonl", []string{
			`1 01J1 cus_acme gpt-4o 2026-10-01T00:00:00Z 50 0 0 9 0 ?provider=openai`,
			`4 01J4 12345 gpt-4o 2026-10-01T00:00:00Z 7 0 0 3 0 ?provider=openai`,
		}, []string{`5 customer_id: is missing: looked for metadata.customer_id, metadata.user`}},
	}
}

func TestBuiltinSources(t *testing.T) {
	for _, test := range builtinSamples() {
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
