package ingest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// TestKeep: which row of a file counts is the source's to say; the others are kept aside and add up, and withdrawing
// the load gives way to the next one's row of the same kind.
func TestKeep(t *testing.T) {
	rows := []string{
		usageLine("a", "acme", 3), usageLine("a", "acme", 900), usageLine("a", "acme", 900), usageLine("a", "acme", 40),
		usageLine("b", "acme", 5),
	}
	tests := []struct {
		keep                string
		sum                 string
		duplicate, conflict uint64
	}{
		{"", "8", 0, 3}, {schemas.KeepFirst, "8", 0, 3}, {schemas.KeepLast, "45", 0, 3}, {schemas.KeepLargest, "905", 1, 2},
	}
	for _, test := range tests {
		t.Run(test.keep, func(t *testing.T) {
			w := warehousetest.New(t)
			options := Options{Source: ingesttest.Canonical(t)}
			options.Source.Keep = test.keep
			load := func(lines ...string) Result {
				t.Helper()
				results, err := loader(w).Load(t.Context(), []Input{write(t, "a.jsonl", lines...)}, options)
				if err != nil {
					t.Fatal(err)
				}
				return results[0]
			}
			first := load(rows...)
			if first.Tokens.Total().String() != test.sum || first.RowsLoaded != 2 || first.RowsDuplicate != test.duplicate ||
				first.RowsConflict != test.conflict {
				t.Errorf("first load: %+v, want the sum %s", first, test.sum)
			}
			before := visible(t, w)
			second := load(append([]string{""}, rows[:4]...)...)
			if second.RowsLoaded != 0 || second.RowsDuplicate+second.RowsConflict != 4 {
				t.Errorf("second load: %+v", second)
			}
			if len(second.Warnings) > 0 {
				t.Errorf("warnings of rows that say the same: %q", second.Warnings)
			}
			if diff := cmp.Diff(before, visible(t, w)); diff != "" {
				t.Errorf("an earlier load's row stands (-want +got):\n%s", diff)
			}
			if _, err := Withdraw(t.Context(), w, 1, "test", loader(w).config.Now); err != nil {
				t.Fatal(err)
			}
			var kept []string
			for _, row := range before {
				if strings.HasPrefix(row, "a ") {
					kept = append(kept, strings.Replace(row, "ld_1", "ld_2", 1))
				}
			}
			if diff := cmp.Diff(kept, visible(t, w)); diff != "" || len(kept) != 1 {
				t.Errorf("after unload (-want +got):\n%s", diff)
			}
		})
	}
}

// TestKeepAcrossLoads: an earlier load's row stands whatever keep says, and the load says what would have counted
// instead; withdrawing the earlier load and loading its file again counts it.
func TestKeepAcrossLoads(t *testing.T) {
	first := []string{usageLine("a", "acme", 100), usageLine("b", "acme", 7), usageLine("c", "acme", 50)}
	second := []string{
		usageLine("a", "acme", 900), usageLine("a", "acme", 300), usageLine("b", "acme", 7), usageLine("c", "acme", 20),
		usageLine("d", "acme", 1),
	}
	say := func(rows int, keep, difference string) []string {
		return []string{fmt.Sprintf("rows: %d would count by keep: %s instead of rows of earlier loads (ld_1), "+
			"which stand: %s; to count them, unload the earlier load and load its file again", rows, keep, difference)}
	}
	tests := []struct {
		keep     string
		warnings []string
		again    string // the sum once the first file was withdrawn and loaded again
	}{
		{schemas.KeepFirst, nil, "928"},
		{schemas.KeepLast, say(2, "last", "170 tokens more"), "328"},
		{schemas.KeepLargest, say(1, "largest", "800 tokens more"), "928"},
	}
	for _, test := range tests {
		t.Run(test.keep, func(t *testing.T) {
			w := warehousetest.New(t)
			options := Options{Source: ingesttest.Canonical(t)}
			options.Source.Keep = test.keep
			inputs := []Input{write(t, "a.jsonl", first...), write(t, "b.jsonl", second...)}
			results, err := loader(w).Load(t.Context(), inputs, options)
			if err != nil {
				t.Fatal(err)
			}
			if results[1].Tokens.Total().String() != "1" || len(results[0].Warnings) > 0 {
				t.Errorf("loads: %+v", results)
			}
			if diff := cmp.Diff(test.warnings, results[1].Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if _, err := Withdraw(t.Context(), w, 1, "test", loader(w).config.Now); err != nil {
				t.Fatal(err)
			}
			if _, err := loader(w).Load(t.Context(), inputs[:1], options); err != nil {
				t.Fatal(err)
			}
			var sum string
			if err := w.Conn().QueryRow(t.Context(), "SELECT toString(sum(input_tokens)) FROM v_events").Scan(&sum); err != nil {
				t.Fatal(err)
			}
			if sum != test.again {
				t.Errorf("%s tokens count after loading again, want %s", sum, test.again)
			}
		})
	}
}
