package ingest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// skipping is the canonical source with conditions under which rows are left out.
func skipping(t testing.TB, skip string) schemas.Source {
	t.Helper()
	return declared(t, "sources:\n  - id: s\n    extends: creditmill\n    skip: "+skip, nil)
}

// TestSkipFormats: what a source skips is left out of every format and counted, its bad rows too, and the other rows
// are what they would be without it.
func TestSkipFormats(t *testing.T) {
	all := ingesttest.Samples(1000)
	var left []ingesttest.Sample
	for _, s := range all {
		if s.Model != "small" && s.Customer != "cus_7" {
			left = append(left, s)
		}
	}
	want, err := decodeText(t, ingesttest.Canonical(t), "a.jsonl", string(ingesttest.JSONL(left)), defaultMaxLineBytes)
	if err != nil {
		t.Fatal(err)
	}
	w := warehousetest.New(t)
	for name, data := range map[string][]byte{
		"a.jsonl": ingesttest.JSONL(all), "a.csv": ingesttest.CSV(all, ",", "\n"), "a.parquet": ingesttest.Parquet(t, all,
			333),
		"a.arrow": ingesttest.Arrow(t, all, true, 333),
	} {
		source := skipping(t, "[{model: small}, {customer_id: cus_7}]")
		source.ID = name
		input := Input{Name: "-", Reader: bytes.NewReader(data)}
		results, err := loader(w).Load(t.Context(), []Input{input}, Options{Source: source})
		if err != nil {
			t.Fatal(err)
		}
		r := results[0]
		got := []int{int(r.RowsRead), int(r.RowsLoaded), int(r.RowsRejected), int(r.RowsSkipped)}
		// A customer that is no UTF-8 makes a row that nothing is known of.
		unknown := 0
		for _, s := range all {
			if s.Model == "small" && strings.Contains(s.Customer, "\xff") {
				unknown++
			}
		}
		figures := []int{1000, len(want.Events), len(want.Rejects) + unknown, 1000 - len(left) - unknown}
		if diff := cmp.Diff(figures, got); diff != "" {
			t.Errorf("%s: read, loaded, rejected, skipped (-want +got):\n%s", name, diff)
		}
		loads, err := Loads(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		if stored := loads[len(loads)-1]; stored.RowsSkipped != r.RowsSkipped || stored.Source != name {
			t.Errorf("%s: stored %d skipped rows of %s, want %d", name, stored.RowsSkipped, stored.Source, r.RowsSkipped)
		}
	}
}

// TestSkipConditions: which rows meet a condition, and that nothing else of such a row is looked at.
func TestSkipConditions(t *testing.T) {
	good := func(more string) string {
		return strings.TrimSuffix(canonicalLine, "}") + more + "}"
	}
	const loaded, skipped, rejected = "loaded", "skipped", "rejected"
	tests := []struct{ name, skip, row, want string }{
		{"a value", "{kind: probe}", good(`,"kind":"probe"`), skipped},
		{"another value", "{kind: probe}", good(`,"kind":"chat"`), loaded},
		{"no value", "{kind: probe}", good(``), loaded},
		{"one of several", "{kind: [probe, test]}", good(`,"kind":"test"`), skipped},
		{"may be missing", "{kind: [probe, null]}", good(``), skipped},
		{"both of a mapping", "{kind: probe, env: ci}", good(`,"kind":"probe","env":"ci"`), skipped},
		{"one of a mapping", "{kind: probe, env: ci}", good(`,"kind":"probe"`), loaded},
		{"any of a list", "[{kind: probe}, {env: ci}]", good(`,"env":"ci"`), skipped},
		{"none of a list", "[{kind: probe}, {env: ci}]", good(`,"env":"prod"`), loaded},
		{"is there", "{error: true}", good(`,"error":{"code":500}`), skipped},
		{"is empty", "{error: true}", good(`,"error":""`), loaded},
		{"is null", "{error: true}", good(`,"error":null`), loaded},
		{"is true", "{test: true}", good(`,"test":true`), skipped},
		{"is false", "{test: true}", good(`,"test":false`), loaded},
		{"says false", "{test: true}", good(`,"test":"False"`), loaded},
		{"a number", "{status: 429}", good(`,"status":429`), skipped},
		{"without the other fields", "{kind: probe}", `{"kind":"probe"}`, skipped},
		{"with wrong fields", "{kind: probe}", `{"kind":"probe","occurred_at":[],"input_tokens":-5}`, skipped},
		{"no JSON", "{kind: probe}", `{"kind":"probe"`, rejected},
		{"a bad row that does not match", "{kind: probe}", `{"kind":"chat"}`, rejected},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b event.Block
			b.Reset()
			format, _, err := openFormat(skipping(t, test.skip), "a.jsonl", []byte(test.row), 1000)
			if err != nil {
				t.Fatal(err)
			}
			format.newDecoder().Decode([]byte(test.row+"\n"), &b)
			got := map[string]uint64{loaded: b.Valid, skipped: b.Skipped, rejected: uint64(len(b.Rejects))}
			want := map[string]uint64{loaded: 0, skipped: 0, rejected: 0}
			want[test.want] = 1
			if diff := cmp.Diff(want, got); diff != "" || b.RowsRead != 1 {
				t.Errorf("%d rows (-want +got):\n%s", b.RowsRead, diff)
			}
		})
	}
}

// TestSkipElements: elements are skipped one by one, also by what stands around them, and a preview has the order of
// the file.
func TestSkipElements(t *testing.T) {
	source := declared(t, "sources:\n  - id: s\n    rows: calls[]\n    skip: [{kind: probe}, {^.env: ci}]\n    fields: {"+
		languageFields+"}", nil)
	call := func(id, kind string) string { return languageRow(id, `,"in":1,"kind":"`+kind+`"`) }
	calls := strings.Join([]string{call("a", "chat"), call("b", "probe"), `{}`, call("c", "")}, ",")
	lines := []string{
		`{"env":"prod","calls":[` + calls + `]}`,
		`{"env":"ci","calls":[` + call("d", "chat") + `,{}]}`,
		call("e", "probe"), call("f", "chat"),
	}
	preview, err := ReadPreview(t.Context(), write(t, "a.jsonl", lines...), Options{Source: source}, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range preview.Rows {
		what := "rejected"
		if row.Skipped {
			what = "skipped"
		} else if row.Event != nil {
			what = row.Event.EventID
		}
		got = append(got, fmt.Sprintf("%s %s", event.RowNumber(row.RowNumber), what))
	}
	want := []string{
		"1.1 a", "1.2 skipped", "1.3 rejected", "1.4 c", "2.1 skipped", "2.2 skipped", "3 skipped", "4 f",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestSkipAll: a file of which everything is skipped is loaded, with no events; one of which all else is rejected is
// not.
func TestSkipAll(t *testing.T) {
	for _, test := range []struct {
		name, rows string
		want       Status
		message    string
	}{
		{"all skipped", "{\"kind\":\"probe\"}\n{\"kind\":\"probe\"}\n", StatusCommitted, ""},
		{
			"the rest rejected", "{\"kind\":\"probe\"}\n{\"kind\":\"chat\"}\n", StatusAborted,
			"the only row that is not skipped is rejected by source s; see: creditmill rejects",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := warehousetest.New(t)
			options := Options{Source: skipping(t, "{kind: probe}")}
			results, err := loader(w).Load(t.Context(), []Input{write(t, "a.jsonl", test.rows)}, options)
			if err != nil {
				t.Fatal(err)
			}
			r := results[0]
			if r.Status != test.want || r.Message != test.message ||
				r.RowsRead != r.RowsRejected+r.RowsSkipped || r.RowsSkipped == 0 {
				t.Errorf("%+v", r)
			}
			if len(visible(t, w)) > 0 {
				t.Error("something counts")
			}
		})
	}
}

// TestSkipRowIDs: what is skipped keeps its place in the chain that ids of rows are made of.
func TestSkipRowIDs(t *testing.T) {
	ids := func(skip [][]schemas.Condition) []string {
		source := rowSource(t)
		source.Skip = skip
		text := usageLine("x", "acme", 1) + "\n" + usageLine("x", "probe", 2) + "\n" + usageLine("x", "acme", 3) + "\n"
		format, _, err := openFormat(source, "a.jsonl", []byte(text), 1000)
		if err != nil {
			t.Fatal(err)
		}
		var b event.Block
		b.Reset()
		format.newDecoder().Decode([]byte(text), &b)
		b.Place(1, 0, event.NewRowChain(nil))
		return b.EventID.Strings()
	}
	all := ids(nil)
	left := ids(skipping(t, "{customer_id: probe}").Skip)
	if diff := cmp.Diff(slices.Delete(slices.Clone(all), 1, 2), left); diff != "" || len(all) != 3 {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}
