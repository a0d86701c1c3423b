package ingest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/columnar"
	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
)

// languageFields are found at plain keys.
const languageFields = `event_id: id, occurred_at: at, customer_id: customer, model: model, input: in, output: out`

// languageRow has them; of is what stands behind them.
func languageRow(id, of string) string {
	return fmt.Sprintf(`{"id":%q,"at":"2026-10-01T00:00:00Z","customer":"c","model":"m"%s}`, id, of)
}

const canonicalLine = `{"event_id":"a","occurred_at":"2026-10-01T00:00:00Z","customer_id":"c","model":"m",` +
	`"input_tokens":5}`

func asText(json string) string {
	return strings.TrimSuffix(string(columnar.AppendJSONString(nil, []byte(json))), "\n")
}

// languageTest is a source and what becomes of a text by it.
type languageTest struct {
	name, source, text string
	events, rejects    []string
}

func languageEvent(number, id, counts string) string {
	return number + " " + id + " c m 2026-10-01T00:00:00Z " + counts
}

// inputAt is the fields of a source that finds the input count elsewhere.
func inputAt(of string) string {
	return "fields: {" + strings.Replace(languageFields, "input: in", "input: "+of, 1) + "}"
}

// What a path can say.
func TestSourcePaths(t *testing.T) {
	for _, test := range []languageTest{
		{
			"through a text", inputAt("usage.in"), languageRow("a", `,"usage":`+asText(`{"in":3,"x":"\"}"}`)) + "\n" +
				languageRow("b", `,"usage":`+asText(" {\"in\": 4} \n")+`,"out":1`) + "\n" +
				languageRow("c", `,"usage":"none","out":1`) + "\n" +
				languageRow("d", `,"usage":"[x] y","out":1`) + "\n",
			[]string{
				languageEvent("1", "a", "3 0 0 0 0"),
				languageEvent("2", "b", "4 0 0 1 0"),
				languageEvent("3", "c", "0 0 0 1 0"),
				languageEvent("4", "d", "0 0 0 1 0"),
			},
			nil,
		},
		{
			"through a text in a text", inputAt("a.b.in"),
			languageRow("a", `,"a":`+asText(`{"b":`+asText(`{"in":9}`)+`}`)),
			[]string{languageEvent("1", "a", "9 0 0 0 0")},
			nil,
		},
		{
			"a text that is not whole", inputAt("usage.in"), languageRow("a", `,"usage":`+asText(`{"in":3`)) + "\n" +
				languageRow("b", `,"usage":`+asText(`{"in":3} x`)), nil,
			[]string{
				`1 : the text in "usage" begins like a JSON object and is not JSON: it ends in the middle`,
				`2 : the text in "usage" begins like a JSON object and is not JSON: unexpected 'x' at byte 10`,
			},
		},
		{
			"elements by place and by key", inputAt("'u[1].n'"),
			languageRow("a", `,"u":[{"n":1},{"n":2},{"n":3}]`) + "\n" + languageRow("b", `,"u":[1],"out":5`),
			[]string{languageEvent("1", "a", "2 0 0 0 0"), languageEvent("2", "b", "0 0 0 5 0")},
			nil,
		},
		{
			"elements by the value of a key", inputAt(`'tags[key=in.put].value.n'`),
			languageRow("a", `,"tags":[7,{"value":{"n":1}},{"key":"x","value":{"n":2}},{"value":{"n":3},"key":"in.put"}]`) +
				"\n" +
				languageRow("b", `,"tags":[{"key":"in.put","value":{"n":3}},{"key":"in.put","value":{"n":4}}]`),
			[]string{languageEvent("1", "a", "3 0 0 0 0")},
			[]string{`2 : an element with "key" "in.put" is repeated`},
		},
		{
			"all elements", inputAt(`['u[].n', in]`),
			languageRow("a", `,"u":[{"n":1},{},{"n":"20"},{"n":null}],"in":5`) + "\n" +
				languageRow("b", `,"u":[],"in":5`) + "\n" +
				languageRow("c", `,"u":[{"n":1},{"n":-1}],"in":5`) + "\n" +
				languageRow("d", `,"u":[{"n":9223372036854775807},{"n":9223372036854775807}]`),
			[]string{languageEvent("1", "a", "21 0 0 0 0"), languageEvent("2", "b", "5 0 0 0 0")},
			[]string{`3 input_tokens: is negative: "-1"`, `4 input_tokens: is too large: "18446744073709551614"`},
		},
		{
			"sums", inputAt(`[{sum: [x, y], when: {kind: two}}, {sum: [in]}]`),
			languageRow("a", `,"x":1,"y":2,"in":9,"kind":"two"`) + "\n" +
				languageRow("b", `,"x":1,"y":2,"in":9`) + "\n" +
				languageRow("c", `,"y":2,"in":9,"kind":"two"`) + "\n" +
				languageRow("d", `,"x":1.5,"y":2,"kind":"two"`),
			[]string{
				languageEvent("1", "a", "3 0 0 0 0"),
				languageEvent("2", "b", "9 0 0 0 0"),
				languageEvent("3", "c", "2 0 0 0 0"),
			},
			[]string{`4 input_tokens: is not a whole number: "1.5"`},
		},
		{
			"a 0 is passed over", inputAt(`[x, y, in]`),
			languageRow("a", `,"x":0,"y":7,"in":9`) + "\n" + languageRow("b", `,"x":0,"y":"0"`) + "\n" +
				languageRow("c", `,"in":0`),
			[]string{
				languageEvent("1", "a", "7 0 0 0 0"),
				languageEvent("2", "b", "0 0 0 0 0"),
				languageEvent("3", "c", "0 0 0 0 0"),
			},
			nil,
		},
		{
			"not included in some rows", inputAt("in") + "\n    input_includes: {pools: [output], unless: {kind: [x, y]}}",
			languageRow("a", `,"in":9,"out":4,"kind":"y"`) + "\n" +
				languageRow("b", `,"in":9,"out":4,"kind":"z"`) + "\n" +
				languageRow("c", `,"in":9,"out":4`),
			[]string{
				languageEvent("1", "a", "9 0 0 4 0"),
				languageEvent("2", "b", "5 0 0 4 0"),
				languageEvent("3", "c", "5 0 0 4 0"),
			},
			nil,
		},
		{
			"a condition on all elements", inputAt("in") + "\n    require: {'u[].t': [x, null], kind: [k, null]}",
			languageRow("a", `,"in":1`) + "\n" + languageRow("b", `,"in":1,"u":[{"t":"x"},{"t":"x"}]`) + "\n" +
				languageRow("c", `,"in":1,"u":[{"t":"x"},{"t":"z"},{"t":"x"}]`) + "\n" +
				languageRow("d", `,"in":1,"kind":"j"`),
			[]string{languageEvent("1", "a", "1 0 0 0 0"), languageEvent("2", "b", "1 0 0 0 0")},
			[]string{`3 : u[].t is "z": the source takes x`, `4 : kind is "j": the source takes k`},
		},
	} {
		t.Run(test.name, test.run)
	}
}

// What a line can hold, and what can stand around it.
func TestSourceLines(t *testing.T) {
	for _, test := range []languageTest{
		{
			"rows of elements", "rows: batch[].calls[]\n    fields: {event_id: id, occurred_at: ^.at, " +
				"customer_id: [who, ^.^.c], " +
				"model: ^.m, input: in}",
			`{"c":"c","batch":[{"m":"m","at":"2026-10-01T00:00:00Z","calls":[{"id":"a","in":1},{"id":"b","in":-1},7]},` +
				`{"calls":[]},{"m":"m"},3,` +
				`{"calls":[{"id":"e","in":2},{"id":"f","in":3,"who":"c"}],"m":"m","at":"2026-10-01T00:00:00Z"}]}` + "\n" +
				`{"batch":[]}` + "\n" + `{"batch":{"calls":[]}}` + "\n" + `{"id":"x","in":1}` + "\n" +
				`{"batch":[` + "\n" +
				`{"batch":[{"m":"m","at":"2026-10-01T00:00:00Z","calls":[{"id":"g","in":1},{"id":"h","in":4,"who":"c"}]}]}`,
			[]string{
				languageEvent("1.1", "a", "1 0 0 0 0"), languageEvent("1.5", "e", "2 0 0 0 0"),
				languageEvent("1.6", "f", "3 0 0 0 0"),
				languageEvent("6.2", "h", "4 0 0 0 0"),
			},
			[]string{
				`1.2 input_tokens: is negative: "-1"`, `1.3 : want a JSON object, found a number`,
				`1.4 : want a JSON object, found a number`,
				`3.1 : "batch" is an object, and the rows must be the elements of a list`,
				`4 occurred_at: is missing`, `5 : is not JSON: it ends in the middle`,
				`6.1 customer_id: is missing: looked for who, ^.^.c`,
			},
		},
		{
			"objects without a line break", inputAt("in"),
			languageRow("a", `,"in":1`) + languageRow("b", `,"in":2`) + " " + languageRow("c", `,"in":-3`) +
				languageRow("d", `,"in":4`) +
				"\n" + languageRow("e", `,"in":5`) + `{"id":`,
			[]string{
				languageEvent("1", "a", "1 0 0 0 0"),
				languageEvent("2", "b", "2 0 0 0 0"),
				languageEvent("4", "d", "4 0 0 0 0"),
				languageEvent("5", "e", "5 0 0 0 0"),
			},
			[]string{`3 input_tokens: is negative: "-3"`, `6 : is not JSON: it ends in the middle`},
		},
		{
			"what a container runtime writes", inputAt("in"),
			"2026-10-05T12:00:00.1Z stdout F " + languageRow("a", `,"in":1`) + "\n" +
				"2026-10-05T12:00:00.123456789+02:00 stdout P " + languageRow("b", `,"in":2`)[:20] + "\n" +
				"2026-10-05T12:00:00.1Z stderr F warning\n" +
				"2026-10-05T12:00:00.1Z stdout P " + languageRow("b", `,"in":2`)[20:40] + "\n" +
				"2026-10-05T12:00:00.1Z stdout F " + languageRow("b", `,"in":2`)[40:] + "\n" +
				"2026-10-05T12:00:00.1Z " + languageRow("d", `,"in":4`) + "\n" +
				"2026-10-05T12:00:00.1Z stdout P {\"id\":\n",
			[]string{
				languageEvent("1", "a", "1 0 0 0 0"),
				languageEvent("3", "b", "2 0 0 0 0"),
				languageEvent("4", "d", "4 0 0 0 0"),
			},
			[]string{"2 : want a JSON object", "5 : is the beginning of a line, and the rest of it is missing"},
		},
		{
			"a line in Docker's log", "extends: creditmill\n    within: docker",
			`{"log":` + asText(canonicalLine+"\n") +
				`,"stream":"stdout"}` + "\n" + `{"log":"starting\n"}`,
			[]string{languageEvent("1", "a", "5 0 0 0 0")},
			[]string{`2 event_id: is missing`},
		},
		{
			"records of CloudWatch", "extends: creditmill\n    within: cloudwatch",
			`{"logGroup":"g","logEvents":[{"id":"1","message":` +
				asText(canonicalLine) +
				`},{"id":"2","message":"START"}]}`,
			[]string{languageEvent("1.1", "a", "5 0 0 0 0")},
			[]string{`1.2 event_id: is missing`},
		},
	} {
		t.Run(test.name, test.run)
	}
}

// run reads the text at once and cut into tiny buffers; every rejected row is read again as it is kept, and refused for
// the same reason.
func (test languageTest) run(t *testing.T) {
	source := declared(t, "sources:\n  - id: s\n    "+test.source, nil)
	const most = 1000
	whole, err := decodeText(t, source, "a.log", test.text, most)
	if err != nil {
		t.Fatal(err)
	}
	cut, err := decodeCut(t, source, "a.log", test.text, most, 2*most+2)
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]ingesttest.Decoded{"": whole, "in small chunks": cut} {
		if diff := cmp.Diff(test.events, d.Events); diff != "" {
			t.Errorf("%s events (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(test.rejects, d.Rejects); diff != "" {
			t.Errorf("%s rejects (-want +got):\n%s", name, diff)
		}
	}
	var b event.Block
	b.Reset()
	format, _, err := openFormat(source, "a.log", []byte(test.text), most)
	if err != nil {
		t.Fatal(err)
	}
	format.newDecoder().Decode([]byte(test.text), &b)
	if b.RowsRead != uint64(len(test.events)+len(test.rejects)) {
		t.Errorf("%d rows were read, %d are accounted for", b.RowsRead, len(test.events)+len(test.rejects))
	}
	for _, reject := range b.Rejects {
		again, err := decodeText(t, source, "a.jsonl", reject.Raw+"\n", most)
		if err != nil || len(again.Events) > 0 || len(again.Rejects) != 1 || !strings.Contains(reject.Reason, "JSON") &&
			!strings.HasSuffix(again.Rejects[0], ": "+reject.Reason) && !strings.Contains(reject.Reason, "rest of it") {
			t.Errorf("%s: %s is read again as %+v, %v", reject.Reason, reject.Raw, again, err)
		}
	}
}

// Rows that are elements have ids of their own where ids are made of rows, and keep them when the log grows.
func TestElementsByRow(t *testing.T) {
	source := declared(t, "sources:\n  - id: s\n    rows: calls[]\n    fields: {event_id: {row: true}, occurred_at: at, "+
		"customer_id: c, model: m, input: in}", nil)
	ids := func(text string) []string {
		format, _, err := openFormat(source, "a.jsonl", []byte(text), 1000)
		if err != nil {
			t.Fatal(err)
		}
		var b event.Block
		b.Reset()
		format.newDecoder().Decode([]byte(text), &b)
		b.Place(1, 0, event.NewRowChain(nil))
		if b.EventID.Rows != len(b.RowNumber) {
			t.Fatalf("%d ids for %d events", b.EventID.Rows, len(b.RowNumber))
		}
		return b.EventID.Strings()
	}
	call := `{"at":"2026-10-01T00:00:00Z","c":"c","m":"m","in":1}`
	line := `{"calls":[` + call + `,{"bad":1},` + call + `]}` + "\n"
	first := ids(line + call + "\n")
	grown := ids(line + call + "\n" + line)
	if len(first) != 3 || first[0] == first[1] || first[1] == first[2] {
		t.Errorf("ids are %q", first)
	}
	if diff := cmp.Diff(first, grown[:3]); diff != "" || len(grown) != 5 {
		t.Errorf("grown to %q (-before +after):\n%s", grown, diff)
	}
}
