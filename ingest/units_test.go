package ingest

import (
	"strings"
	"testing"

	"github.com/creditmill/creditmill/ingest/ingesttest"
)

// TestUnits: rows count any units, and name a model or a feature.
func TestUnits(t *testing.T) {
	const begin = `{"event_id":"e","occurred_at":"2026-10-01T00:00:00Z","customer_id":"acme",`
	const event = "1 e acme NAMED 2026-10-01T00:00:00Z "
	for _, test := range []struct{ name, rest, want string }{
		{
			"units beside tokens", `"model":"m","input_tokens":5,"units":{"searches":2,"seconds":"12.5"}}`,
			"m 5 0 0 0 0 searches=2 seconds=12.5",
		},
		{"units of tokens", `"model":"m","units":{"cache_write_1h":7,"output":3}}`, "m 0 0 0 3 0 cache_write_1h=7"},
		{"units alone", `"model":"m","units":{"pages":0.000000001}}`, "m 0 0 0 0 0 pages=0.000000001"},
		{"a feature", `"feature":"images","quantity":50}`, "images 0 0 0 0 0 quantity=50"},
		{"a feature without quantity", `"feature":"images"}`, "images 0 0 0 0 0 quantity=1"},
		{"a feature with another unit", `"feature":"speech","units":{"seconds":3}}`, "speech 0 0 0 0 0 seconds=3"},
		{"a feature and an empty model", `"model":"","feature":"images"}`, "images 0 0 0 0 0 quantity=1"},
		{"nothing but null", `"feature":"images","quantity":null,"units":{"seconds":null}}`, "images 0 0 0 0 0 quantity=1"},
		{
			"the largest", `"feature":"f","quantity":9223372036854775807.999999999}`,
			"f 0 0 0 0 0 quantity=9223372036854775807.999999999",
		},
		{"zero", `"feature":"f","quantity":0}`, "f 0 0 0 0 0"},

		{"both", `"model":"m","feature":"images"}`, "feature: the row names a model, too: want one of the two"},
		{"neither", `"input_tokens":1}`, "model: is missing"},
		{"a model without quantities", `"model":"m"}`, ": no token counts: at least one is needed, 0 is one"},
		{"negative", `"feature":"f","quantity":-1}`, `quantity: is negative: "-1"`},
		{"negative unit", `"model":"m","units":{"searches":-0.5}}`, `units.searches: is negative: "-0.5"`},
		{"absurd", `"feature":"f","quantity":1e19}`, `quantity: is too large: "1e19"`},
		{"no number", `"model":"m","units":{"searches":"many"}}`, `units.searches: want a number, found "many"`},
		{"a list", `"model":"m","units":{"searches":[1]}}`, "units.searches: want a number, found an array"},
		{
			"a part of a token", `"model":"m","units":{"output_audio":1.5}}`,
			`units.output_audio: is not a whole number: "1.5"`,
		},
		{
			"too fine", `"model":"m","units":{"seconds":0.1234567891}}`,
			`units.seconds: has more than 9 digits after the point: "0.1234567891"`,
		},
		{
			"no unit", `"model":"m","units":{"Web Searches":1}}`,
			`units: "Web Searches" is no unit: want lower-case letters, digits and underscores`,
		},
		{"requests", `"model":"m","units":{"requests":2}}`, `units: "requests" is not given by rows: each event counts one`},
		{"twice", `"model":"m","units":{"pages":1,"pages":2}}`, "units.pages: is there twice"},
		{"twice in two places", `"model":"m","input_tokens":1,"units":{"input":2}}`, "input_tokens: is there twice"},
		{"no object", `"model":"m","units":[1]}`, "units: want an object of quantities by unit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := decodeText(t, ingesttest.Canonical(t), "a.jsonl", begin+test.rest+"\n", defaultMaxLineBytes)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Rejects) > 0 {
				ingesttest.WantRejects(t, got, "1 "+test.want)
				return
			}
			named, rest, _ := strings.Cut(test.want, " ")
			want := strings.Replace(event, "NAMED", named, 1) + rest
			if len(got.Events) != 1 || got.Events[0] != want {
				t.Errorf("got %q, want %q", got.Events, want)
			}
		})
	}
}

// TestUnitColumns: a column holds a unit, or all of them as JSON.
func TestUnitColumns(t *testing.T) {
	const head = "event_id,occurred_at,customer_id,"
	const row = "\ne,2026-10-01T00:00:00Z,acme,"
	for _, test := range []struct{ name, columns, values, want string }{
		{"units", "model,input_tokens,units.searches,units.seconds", "m,1,2,0.25", "m 1 0 0 0 0 searches=2 seconds=0.25"},
		{"an empty field", "model,input_tokens,units.searches", "m,1,", "m 1 0 0 0 0"},
		{"no token column", "model,units.searches", "m,12.345", "m 0 0 0 0 0 searches=12.345"},
		{"a feature", "feature,quantity", "images,3", "images 0 0 0 0 0 quantity=3"},
		{"a feature or a model", "model,feature,input_tokens,quantity", ",images,,", "images 0 0 0 0 0 quantity=1"},
		{"JSON", "model,units", `m,"{""searches"":2}"`, "m 0 0 0 0 0 searches=2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := head + test.columns + row + test.values + "\n"
			got, err := decodeText(t, ingesttest.Canonical(t), "a.csv", text, defaultMaxLineBytes)
			if err != nil {
				t.Fatal(err)
			}
			named, rest, _ := strings.Cut(test.want, " ")
			want := "1 e acme " + named + " 2026-10-01T00:00:00Z " + rest
			if len(got.Events) != 1 || got.Events[0] != want {
				t.Errorf("got %q, %q, want %q", got.Events, got.Rejects, want)
			}
		})
	}
	for columns, want := range map[string]string{
		"model,units.Searches": `column "units.Searches": "Searches" is no unit: want lower-case letters`,
		"model,units.requests": `column "units.requests": "requests" is not given by rows: each event counts one`,
		"model,units.input":    `column "units.input": source creditmill finds input elsewhere`,
		"units.searches":       "column model is missing; source creditmill needs it",
		"quantity":             "column model is missing; source creditmill needs it",
	} {
		_, err := decodeText(t, ingesttest.Canonical(t), "a.csv", head+columns+"\n", defaultMaxLineBytes)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", columns, err, want)
		}
	}
}
