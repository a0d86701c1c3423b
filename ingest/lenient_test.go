package ingest

import (
	"strings"
	"testing"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
)

const plainRow = `{"event_id":"e","occurred_at":"2026-10-01T00:00:00Z","customer_id":"c","model":"m","input_tokens":1}`

// TestNobodyLooks: what stands between rows, and in fields that the source does not look for, costs no row.
func TestNobodyLooks(t *testing.T) {
	with := func(field string) string { return strings.Replace(plainRow, "{", "{"+field+",", 1) }
	nested := strings.Repeat(`[{"a":`, 1<<20) + "1" + strings.Repeat("}]", 1<<20)
	csvRow := "e,2026-10-01T00:00:00Z,c,m,1,0,\n"
	tests := []struct {
		name, file, text string
		events           int
	}{
		{"half a surrogate pair", "a.jsonl", with(`"x":"\ud800 \udc00","\udfff":1`), 1},
		{"nested a million deep", "a.jsonl", with(`"x":` + nested), 1},
		{"a huge number", "a.jsonl", with(`"x":` + strings.Repeat("9", 1000) + `e99999999`), 1},
		{"a key twice", "a.jsonl", with(`"x":1,"x":2`), 1},
		{"a long prompt", "a.jsonl", with(`"x":"` + strings.Repeat("y", 15<<20) + `"`), 1},
		{"zeros before a row", "a.jsonl", plainRow + "\n" + strings.Repeat("\x00", 5000) + plainRow, 2},
		{"zeros in front", "a.jsonl", strings.Repeat("\x00", 5000) + plainRow + "\n" + plainRow, 2},
		{"zeros behind", "a.jsonl", plainRow + "\n" + plainRow + "\x00\x00\n\x00\x00\x00", 2},
		{"marks after cat", "a.jsonl", plainRow + "\n" + "\ufeff" + plainRow + "\n" + "\ufeff" + "\n", 2},
		{"CRLF and more", "a.jsonl", plainRow + "\r\n" + plainRow + "\r\r\n", 2},
		{"header again after cat", "a.csv", csvHead + csvRow + "\ufeff" + csvHead + csvRow, 2},
		{"zeros in CSV", "a.csv", csvHead + csvRow + "\x00\x00" + csvRow + "\x00\x00\n", 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := decodeText(t, ingesttest.Canonical(t), test.file, test.text, defaultMaxLineBytes)
			if err != nil {
				t.Fatal(err)
			}
			if len(d.Events) != test.events || len(d.Rejects) != 0 {
				t.Errorf("%d events, rejects %.200q; want %d and none", len(d.Events), d.Rejects, test.events)
			}
		})
	}
}

// TestLineEndsOfOldMacs: a file whose rows end in CR alone is refused with a word about that, not read as one row.
func TestLineEndsOfOldMacs(t *testing.T) {
	csv := strings.ReplaceAll(csvHead+"e,2026-10-01T00:00:00Z,c,m,1,0,\n", "\n", "\r")
	for name, text := range map[string]string{
		"a.csv": csv, "b.csv": "\ufeff" + csv, "a.jsonl": plainRow + "\r" + plainRow + "\r",
		"b.jsonl": plainRow + " \r " + plainRow + "\n" + plainRow,
	} {
		_, err := decodeText(t, ingesttest.Canonical(t), name, text, defaultMaxLineBytes)
		if err == nil || !strings.Contains(err.Error(), "line ends are CR alone") {
			t.Errorf("%s: %v", name, err)
		}
	}
	mixed := csvHead + "e,2026-10-01T00:00:00Z,c,m,1,0,\rf,2026-10-01T00:00:00Z,c,m,1,0,\n" +
		"g,2026-10-01T00:00:00Z,c,m,1,0,\"{\r}\"\n"
	d, err := decodeText(t, ingesttest.Canonical(t), "a.csv", mixed, defaultMaxLineBytes)
	if err != nil || len(d.Events) != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	ingesttest.WantRejects(t, d, "1 : holds a line end of CR alone: "+event.ConvertCR)
}

// TestRoundedNumbers: a number that a spreadsheet or printf has shortened is refused, be it a count, a time or an id,
// of which several may have become one.
func TestRoundedNumbers(t *testing.T) {
	const rounded = " may have lost digits: write the number with all of them"
	const header, at = "event_id,occurred_at,customer_id,model,input_tokens\n", "2026-10-05T12:00:00Z"
	tests := []struct{ name, row, want string }{
		{"a count", "e," + at + ",c,m,1.23457E+12\n", `input_tokens: "1.23457E+12"` + rounded},
		{"a count of printf", "e," + at + ",c,m,1.2e+06\n", `input_tokens: "1.2e+06"` + rounded},
		{"an event", "1.23457E+12," + at + ",c,m,1\n", `event_id: "1.23457E+12"` + rounded},
		{"a customer", "e," + at + ",4E+15,m,1\n", `customer_id: "4E+15"` + rounded},
		{"all digits are there", "e," + at + ",c,m,1.234567E+6\n", ""},
		{"no number", "1.2E+0x," + at + ",a+b,m,1\n", ""},
		{"an exponent of a person", "e," + at + ",c,m,1e3\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, err := decodeText(t, ingesttest.Canonical(t), "a.csv", header+test.row, defaultMaxLineBytes)
			if err != nil {
				t.Fatal(err)
			}
			if test.want != "" {
				ingesttest.WantRejects(t, d, "1 "+test.want)
			} else if len(d.Events) != 1 {
				t.Errorf("%+v", d)
			}
		})
	}
}
