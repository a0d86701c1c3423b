package ingest

import (
	"strings"
	"testing"
)

// fieldsWith are the fields of a source, one of which is found by another form.
func fieldsWith(field, of string) string {
	for part := range strings.SplitSeq(languageFields, ", ") {
		if strings.HasPrefix(part, field+":") {
			return "fields: {" + strings.Replace(languageFields, part, field+": "+of, 1) + "}"
		}
	}
	return "fields: {" + languageFields + ", " + field + ": " + of + "}"
}

// What is made of the values found: quantities multiplied, texts put together, texts that stand for others.
func TestSourceForms(t *testing.T) {
	for _, test := range []languageTest{
		{
			"thousands of tokens", inputAt("{path: in, scale: 1000}"),
			languageRow("a", `,"in":1.5`) + "\n" + languageRow("b", `,"in":"0.25"`) + "\n" +
				languageRow("c", `,"in":0.0001`) + "\n" + languageRow("d", `,"in":9223372036854775.807`) + "\n" +
				languageRow("e", `,"in":9223372036854775.808`) + "\n" + languageRow("f", `,"in":-1`) + "\n" +
				languageRow("g", `,"in":"many"`) + "\n" + languageRow("h", `,"in":1e30`) + "\n" +
				languageRow("i", `,"in":null,"out":1`) + "\n" + languageRow("j", `,"in":0`) + "\n" +
				languageRow("k", `,"in":1e999999999999`) + "\n" + languageRow("l", `,"in":true`),
			[]string{
				languageEvent("1", "a", "1500 0 0 0 0"), languageEvent("2", "b", "250 0 0 0 0"),
				languageEvent("4", "d", "9223372036854775807 0 0 0 0"), languageEvent("9", "i", "0 0 0 1 0"),
				languageEvent("10", "j", "0 0 0 0 0"),
			},
			[]string{
				`3 input_tokens: is not a whole number: "0.0001" × 1000`,
				`5 input_tokens: is too large: "9223372036854775.808" × 1000`,
				`6 input_tokens: is negative: "-1" × 1000`,
				`7 input_tokens: want a number, found "many"`,
				`8 input_tokens: is too large: "1e30" × 1000`,
				`11 input_tokens: is too large or too small: "1e999999999999" × 1000`,
				`12 input_tokens: want a number, found a boolean`,
			},
		},
		{
			"milliseconds as seconds", fieldsWith("units", "{seconds: [{path: s}, {sum: [ms, more], scale: 0.001}]}"),
			languageRow("a", `,"in":1,"ms":1500,"more":3`) + "\n" + languageRow("b", `,"in":1,"ms":0.0000015`) + "\n" +
				languageRow("c", `,"in":1,"ms":1e-6`) + "\n" + languageRow("d", `,"in":1,"s":0.5,"ms":1`) + "\n" +
				languageRow("e", `,"in":1,"ms":9223372036854775807999`) + "\n" +
				languageRow("f", `,"in":1,"ms":9223372036854775808000`),
			[]string{
				languageEvent("1", "a", "1 0 0 0 0 seconds=1.503"), languageEvent("3", "c", "1 0 0 0 0 seconds=0.000000001"),
				languageEvent("4", "d", "1 0 0 0 0 seconds=0.5"),
				languageEvent("5", "e", "1 0 0 0 0 seconds=9223372036854775807.999"),
			},
			[]string{
				`2 units.seconds: has more than 9 digits after the point: "0.0000015" × 0.001`,
				`6 units.seconds: is too large: "9223372036854775808000" × 0.001`,
			},
		},
		{
			"a factor of many digits", fieldsWith("units", "{euros: {path: n, scale: 0.123456789}}"),
			languageRow("a", `,"in":1,"n":3`) + "\n" + languageRow("b", `,"in":1,"n":1e9`) + "\n" +
				languageRow("c", `,"in":1,"n":0.1`),
			[]string{
				languageEvent("1", "a", "1 0 0 0 0 euros=0.370370367"),
				languageEvent("2", "b", "1 0 0 0 0 euros=123456789"),
			},
			[]string{`3 units.euros: has more than 9 digits after the point: "0.1" × 0.123456789`},
		},
		{
			"joined texts", fieldsWith("model", `[{join: [by.name, kind, v], with: "/"}, {join: [kind]}, model]`),
			languageRow("a", `,"in":1,"by":{"name":"x"},"kind":"y","v":4`) + "\n" +
				languageRow("b", `,"in":1,"by":{"name":""},"kind":"m"`) + "\n" + languageRow("c", `,"in":1`) + "\n" +
				languageRow("d", `,"in":1,"by":{"name":"x"},"kind":"y","v":4.5`) + "\n" +
				languageRow("e", `,"in":1,"by":{"name":"x"},"kind":{},"v":4`),
			[]string{
				strings.Replace(languageEvent("1", "a", "1 0 0 0 0"), " m ", " x/y/4 ", 1),
				languageEvent("2", "b", "1 0 0 0 0"), languageEvent("3", "c", "1 0 0 0 0"),
			},
			[]string{
				`4 model: is joined of texts and integers, found a number`,
				`5 model: is joined of texts and integers, found an object`,
			},
		},
		{
			"a part is missing", fieldsWith("customer_id", "{join: [org, team], with: ' / '}"),
			languageRow("a", `,"in":1,"org":"o"`) + "\n" + languageRow("b", `,"in":1,"org":"o","team":null`),
			nil,
			[]string{
				`1 customer_id: is missing: looked for org and team`, `2 customer_id: is missing: looked for org and team`,
			},
		},
		{
			"values that stand for others",
			fieldsWith("model", "[{path: alias, replace: {small: m, 7: m}}, {join: [x, y], with: '-', replace: {a-b: m}}]"),
			languageRow("a", `,"in":1,"alias":"small"`) + "\n" + languageRow("b", `,"in":1,"alias":7`) + "\n" +
				languageRow("c", `,"in":1,"x":"a","y":"b"`) + "\n" + languageRow("d", `,"in":1,"alias":"m"`) + "\n" +
				languageRow("e", `,"in":1,"alias":8`),
			[]string{
				languageEvent("1", "a", "1 0 0 0 0"), languageEvent("2", "b", "1 0 0 0 0"),
				languageEvent("3", "c", "1 0 0 0 0"), languageEvent("4", "d", "1 0 0 0 0"),
			},
			[]string{`5 model: want a string, found a number`},
		},
		{
			"within another row", "extends: creditmill\n    within: log\n    fields: {customer_id: {join: [t, ^.r]}}\n" +
				"    rows: l[]",
			`{"r":"-eu","l":[{"t":"c","log":` + canonicalLine + `}]}`,
			[]string{"1.1 a c-eu m 2026-10-01T00:00:00Z 5 0 0 0 0"},
			nil,
		},
	} {
		t.Run(test.name, test.run)
	}
}
