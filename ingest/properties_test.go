package ingest

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// TestAnySplit: however events are spread over files and in whatever order these are loaded and withdrawn, the
// identities that count are those of the committed loads, each once, and nothing but them.
func TestAnySplit(t *testing.T) {
	fewChecks(t, 6) // each loads and withdraws several files
	rapid.Check(t, func(r *rapid.T) {
		w := warehousetest.New(t)
		files := rapid.IntRange(1, 4).Draw(r, "files")
		var inputs []Input
		var contents [][]string // identities by load
		rows := 0
		for file := range files {
			ids := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}), 1, 8).Draw(r, "ids")
			lines := []string{fmt.Sprintf(`{"file":%d}`, file)} // a reject, and no two contents are equal
			for _, id := range ids {
				lines = append(lines, usageLine(id, "acme", rapid.IntRange(1, 2).Draw(r, "tokens")))
			}
			rows += len(ids)
			inputs = append(inputs, write(t, "f.jsonl", lines...))
			contents = append(contents, ids)
		}
		cut := rapid.IntRange(0, files).Draw(r, "cut") // two commands
		results := append(mustLoad(t, w, inputs[:cut]...), mustLoad(t, w, inputs[cut:]...)...)
		for _, result := range results {
			if result.RowsRead != result.RowsLoaded+result.RowsDuplicate+result.RowsConflict+result.RowsRejected {
				r.Fatalf("not conserved: %+v", result)
			}
		}
		check := func() {
			want := map[string]bool{}
			for _, ids := range contents {
				for _, id := range ids {
					want[id] = true
				}
			}
			got := map[string]bool{}
			for _, line := range visible(t, w) {
				id, _, _ := strings.Cut(line, " ")
				if got[id] {
					r.Fatalf("%s counts twice: %v", id, visible(t, w))
				}
				got[id] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				r.Fatalf("identities that count (-want +got):\n%s", diff)
			}
		}
		check()
		if n := number(t, w, "SELECT count() FROM usage_events") + number(t, w,
			"SELECT count() FROM duplicate_events"); n != uint64(rows) {
			r.Fatalf("%d rows are stored, want %d", n, rows)
		}
		for _, load := range rapid.Permutation([]int{0, 1, 2, 3}[:files]).Draw(r, "withdrawn") {
			withdraw(t, w, uint64(load+1))
			contents[load] = nil
			check()
		}
	})
}

// fewChecks lowers the number of checks of a slow property, unless the command line asks for one.
func fewChecks(t *testing.T, checks int) {
	t.Helper()
	setting := flag.Lookup("rapid.checks")
	before := setting.Value.String()
	if before != setting.DefValue {
		return
	}
	if err := setting.Value.Set(strconv.Itoa(checks)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := setting.Value.Set(before); err != nil {
			t.Error(err)
		}
	})
}
