package ingest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// keepRow is a row of a file of a history.
type keepRow struct {
	id       string
	customer string
	tokens   int
}

// keepLoad is a committed load of a history.
type keepLoad struct {
	seq  uint64
	file int
}

// keepHistory loads, withdraws and loads again files of a source of its own, and knows what must count.
type keepHistory struct {
	w       *warehouse.Warehouse
	options Options
	files   [][]keepRow
	inputs  []Input
	loads   []keepLoad // committed, in the order of their numbers
}

// better tells whether a row counts instead of an earlier one.
func (h *keepHistory) better(row, earlier keepRow) bool {
	switch h.options.Source.Keep {
	case schemas.KeepLast:
		return true
	case schemas.KeepLargest:
		return row.tokens > earlier.tokens
	}
	return false
}

// counting are the rows that must count: those of the committed loads one after the other.
func (h *keepHistory) counting() []string {
	counts := map[string]keepRow{}
	for _, load := range h.loads {
		for _, row := range h.files[load.file] {
			if earlier, known := counts[row.id]; !known || h.better(row, earlier) {
				counts[row.id] = row
			}
		}
	}
	var list []string
	for _, row := range counts {
		list = append(list, fmt.Sprint(row.id, " ", row.customer, " ", row.tokens))
	}
	slices.Sort(list)
	return list
}

func (h *keepHistory) load(t testing.TB, file int) error {
	results, err := loader(h.w).Load(t.Context(), h.inputs[file:file+1], h.options)
	if err != nil {
		return err
	}
	result := results[0]
	if result.RowsRead != result.RowsLoaded+result.RowsDuplicate+result.RowsConflict {
		return fmt.Errorf("not conserved: %+v", result)
	}
	seq, err := schemas.ParseLoadID(result.LoadID)
	if err != nil {
		return err
	}
	h.loads = append(h.loads, keepLoad{seq, file})
	return nil
}

func (h *keepHistory) withdraw(t testing.TB, load int) error {
	_, err := Withdraw(t.Context(), h.w, h.loads[load].seq, "test", loader(h.w).config.Now)
	h.loads = slices.Delete(h.loads, load, load+1)
	return err
}

// seen are the rows of the history's source that count by v_events.
func (h *keepHistory) seen(t testing.TB) []string {
	rows, err := h.w.Conn().Query(t.Context(), "SELECT concat(event_id, ' ', customer_id, ' ', toString(input_tokens)) "+
		"FROM v_events WHERE source = '"+h.options.Source.ID+"' ORDER BY event_id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// TestKeepHistories: whatever is loaded, withdrawn and loaded again, in whatever order, what counts is what a plain
// reading of the committed loads' files, one after the other, gives. Each history has many identities.
func TestKeepHistories(t *testing.T) {
	fewChecks(t, 6) // each loads and withdraws several files
	w := warehousetest.New(t)
	histories := 0
	rapid.Check(t, func(r *rapid.T) {
		histories++
		h := &keepHistory{w: w, options: Options{Source: ingesttest.Canonical(t)}}
		h.options.Source.ID = fmt.Sprint("history-", histories)
		keeps := []string{schemas.KeepLast, schemas.KeepLargest, schemas.KeepFirst}
		h.options.Source.Keep = rapid.SampledFrom(keeps).Draw(r, "keep")
		for file := range rapid.IntRange(2, 4).Draw(r, "files") {
			rows := []keepRow{{fmt.Sprint("only-", histories, "-", file), "acme", 1}} // no two contents are equal
			for range rapid.IntRange(1, 30).Draw(r, "rows") {
				rows = append(rows, keepRow{
					fmt.Sprint("e", rapid.IntRange(0, 12).Draw(r, "id")),
					rapid.SampledFrom([]string{"acme", "acme", "globex"}).Draw(r, "customer"),
					rapid.IntRange(0, 4).Draw(r, "tokens"),
				})
			}
			var lines []string
			for _, row := range rows {
				lines = append(lines, usageLine(row.id, row.customer, row.tokens))
			}
			h.files = append(h.files, rows)
			h.inputs = append(h.inputs, write(t, "f.jsonl", lines...))
		}
		steps := 0
		r.Repeat(map[string]func(*rapid.T){
			"load": func(r *rapid.T) {
				file := rapid.IntRange(0, len(h.files)-1).Draw(r, "file")
				steps++
				if steps > 10 || slices.ContainsFunc(h.loads, func(l keepLoad) bool { return l.file == file }) {
					r.Skip("is loaded")
				}
				if err := h.load(t, file); err != nil {
					r.Fatal(err)
				}
			},
			"withdraw": func(r *rapid.T) {
				steps++
				if steps > 10 || len(h.loads) == 0 {
					r.Skip("nothing is loaded")
				}
				if err := h.withdraw(t, rapid.IntRange(0, len(h.loads)-1).Draw(r, "load")); err != nil {
					r.Fatal(err)
				}
			},
			"": func(r *rapid.T) {
				if diff := cmp.Diff(h.counting(), h.seen(t)); diff != "" {
					r.Fatalf("keep %s, rows that count (-want +got):\n%s", h.options.Source.Keep, diff)
				}
			},
		})
	})
	t.Logf("%d histories", histories)
}

// TestKeepChanges: a source whose keep changes between loads has one row count of each identity all the same, each load
// by the keep that it was loaded with, and withdrawing loads brings back what stood before them.
func TestKeepChanges(t *testing.T) {
	w := warehousetest.New(t)
	load := func(keep string, rows ...string) {
		t.Helper()
		options := Options{Source: ingesttest.Canonical(t)}
		options.Source.Keep = keep
		if _, err := loader(w).Load(t.Context(), []Input{write(t, "f.jsonl", rows...)}, options); err != nil {
			t.Fatal(err)
		}
	}
	load(schemas.KeepFirst, usageLine("a", "acme", 10))
	load(schemas.KeepFirst, usageLine("a", "acme", 30))
	load(schemas.KeepLargest, usageLine("a", "acme", 20)) // between the first and the second
	wantVisible(t, w, "a acme 20 ld_3 1")
	load(schemas.KeepFirst, usageLine("a", "acme", 99))
	wantVisible(t, w, "a acme 20 ld_3 1")
	load(schemas.KeepLast, usageLine("a", "acme", 5))
	load(schemas.KeepLargest, usageLine("a", "acme", 15))
	wantVisible(t, w, "a acme 15 ld_6 1")
	for _, step := range []struct {
		withdrawn uint64
		counts    string
	}{{6, "5 ld_5"}, {5, "20 ld_3"}, {3, "10 ld_1"}, {1, "30 ld_2"}, {2, "99 ld_4"}} {
		withdraw(t, w, step.withdrawn)
		wantVisible(t, w, strings.Join([]string{"a acme", step.counts, "1"}, " "))
	}
}
