package ingest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/ingest/sniff"
)

const fuzzLine = 100

// FuzzJSONL: what is accepted is JSON to Go's decoder too, chunk borders change nothing, and no row is lost.
func FuzzJSONL(f *testing.F) {
	for _, seed := range []string{
		usageLine("a", "acme", 1), usageLine("a", "acme", 1) + "\n\n" + usageLine("b", "acme", 2),
		`{"event_id":"\ud83d\ude00"}`,
		"\xff\n{}",
		`{"event_id":1,"occurred_at":"2026-10-01T00:00:00+01:00","customer_id":"c","model":"m","output_tokens":1e3}`,
		strings.Repeat("x", 3*fuzzLine) + "\n" + usageLine("a", "b", 1), "\r\n{\"properties\":{\"a\":[]}}\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if sniff.Columns(data) != "" { // what begins like Parquet or Arrow is read as such
			return
		}
		text := string(data)
		whole, err := decodeText(t, ingesttest.Canonical(t), "a.jsonl", text, fuzzLine)
		if refused(t, err) {
			return
		}
		if whole.Rows != uint64(len(whole.Events)+len(whole.Rejects)) {
			t.Fatalf("%d rows became %d events and %d rejects", whole.Rows, len(whole.Events), len(whole.Rejects))
		}
		rows, valid, odd := 0, 0, false
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			if len(line) <= fuzzLine && len(bytes.Trim(line, " \t\r")) == 0 {
				continue
			}
			rows++
			// Several objects may stand in one line, and zeros or a byte-order mark before one are nothing.
			odd = odd || bytes.ContainsAny(line, "\x00\ufeff") || !json.Valid(line) && bytes.LastIndexByte(line, '{') > 0
			if utf8.Valid(line) && json.Valid(line) {
				valid++
			}
		}
		if !odd && (whole.Rows != uint64(rows) || len(whole.Events) > valid) {
			t.Fatalf("%d rows and %d events; Go sees %d lines, %d of them JSON", whole.Rows, len(whole.Events), rows, valid)
		}
		cut, err := decodeCut(t, ingesttest.Canonical(t), "a.jsonl", text, fuzzLine, 2*fuzzLine+1)
		if refused(t, err) {
			return
		}
		if diff := cmp.Diff(whole, cut); diff != "" {
			t.Fatalf("whole and in chunks (-whole +chunks):\n%s", diff)
		}
	})
}

// refused tells a text that is refused as a whole, since it is no log, from a failure.
func refused(t *testing.T, err error) bool {
	t.Helper()
	if err != nil && !strings.HasPrefix(err.Error(), "it is ") {
		t.Fatal(err)
	}
	return err != nil
}

// FuzzCSV: chunk borders change nothing and no row is lost.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"e,2026-10-01T00:00:00Z,c,m,1,2,\n", "\"e\n\"\"\",2026-10-01T00:00:00Z,c,m,1,2,\"{}\"\r\n\r\nx\n",
		"\"open\nx\ny", "a\"b\n\"c\"d\n",
		strings.Repeat("x", 3*fuzzLine) + "\n\"" + strings.Repeat("y\n", 2*fuzzLine) + "\"\nz",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text := csvHead + string(data)
		whole, err := decodeText(t, ingesttest.Canonical(t), "a.csv", text, fuzzLine)
		if refused(t, err) {
			return
		}
		if whole.Rows != uint64(len(whole.Events)+len(whole.Rejects)) {
			t.Fatalf("%d rows became %d events and %d rejects", whole.Rows, len(whole.Events), len(whole.Rejects))
		}
		cut, err := decodeCut(t, ingesttest.Canonical(t), "a.csv", text, fuzzLine, 2*fuzzLine+1)
		if refused(t, err) {
			return
		}
		if diff := cmp.Diff(whole, cut); diff != "" {
			t.Fatalf("whole and in chunks (-whole +chunks):\n%s", diff)
		}
	})
}
