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
		{"", "8", 0, 3}, {schemas.KeepFirst, "8", 0, 3}, {schemas.KeepLast, "45", 3, 0}, {schemas.KeepLargest, "905", 3, 0},
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
			if second.Replaced != nil {
				t.Errorf("rows that say the same are replaced: %v", second.Replaced)
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

// TestKeepAcrossLoads: a later load's row takes the place of an earlier one where keep says so, the load tells how many
// and what that changes, and withdrawing it restores them.
func TestKeepAcrossLoads(t *testing.T) {
	first := []string{usageLine("a", "acme", 100), usageLine("b", "acme", 7), usageLine("c", "acme", 50)}
	second := []string{
		usageLine("a", "acme", 900), usageLine("a", "acme", 300), usageLine("b", "acme", 7), usageLine("c", "acme", 20),
		usageLine("d", "acme", 1),
	}
	tests := []struct {
		keep     string
		counts   string
		replaced string
		visible  []string
		again    string // the sum once the first file was withdrawn and loaded again
	}{
		{
			schemas.KeepFirst, "ld_2 committed: 5 = 1 + 1 dup + 3 conflict + 0 rejected, input 1", "<nil>",
			[]string{"a acme 100 ld_1 1", "b acme 7 ld_1 2", "c acme 50 ld_1 3", "d acme 1 ld_2 5"},
			"928",
		},
		{
			schemas.KeepLast, "ld_2 committed: 5 = 3 + 2 dup + 0 conflict + 0 rejected, input 321",
			"2 rows of earlier loads are replaced: 170 tokens more",
			[]string{"a acme 300 ld_2 2", "b acme 7 ld_1 2", "c acme 20 ld_2 4", "d acme 1 ld_2 5"},
			"158",
		},
		{
			schemas.KeepLargest, "ld_2 committed: 5 = 2 + 3 dup + 0 conflict + 0 rejected, input 901",
			"1 row of earlier loads is replaced: 800 tokens more",
			[]string{"a acme 900 ld_2 1", "b acme 7 ld_1 2", "c acme 50 ld_1 3", "d acme 1 ld_2 5"},
			"958",
		},
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
			wantCounts(t, results, "ld_1 committed: 3 = 3 + 0 dup + 0 conflict + 0 rejected, input 157", test.counts)
			if got := fmt.Sprint(results[1].Replaced); got != test.replaced || results[0].Replaced != nil {
				t.Errorf("replaced: %v and %s, want %s", results[0].Replaced, got, test.replaced)
			}
			wantVisible(t, w, test.visible...)
			withdraw(t, w, 2)
			wantVisible(t, w, "a acme 100 ld_1 1", "b acme 7 ld_1 2", "c acme 50 ld_1 3")
			if _, err := loader(w).Load(t.Context(), inputs[1:], options); err != nil {
				t.Fatal(err)
			}
			withdraw(t, w, 1)
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
