package ingest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// rowsOf lists the events that count and the rejects of the loads, each with its file or object and its number there.
func rowsOf(t testing.TB, w *warehouse.Warehouse, results []Result) []string {
	t.Helper()
	found := []string{}
	for _, result := range results {
		seq, err := schemas.ParseLoadID(result.LoadID)
		if err != nil {
			t.Fatal(err)
		}
		if result.Status == StatusAlreadyLoaded {
			continue
		}
		objects, err := ObjectsOf(t.Context(), w, []uint64{seq})
		if err != nil {
			t.Fatal(err)
		}
		type row struct {
			ID     string `ch:"event_id"`
			Input  uint64 `ch:"input"`
			Number uint64 `ch:"row_number"`
		}
		var rows []row
		err = w.Conn().Select(t.Context(), &rows, `SELECT event_id, toUInt64(input_tokens) AS input, row_number FROM v_events
			WHERE load_seq = ? ORDER BY row_number`, seq)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			name, number := result.File, row.Number
			if of := objects.Rows(seq, [][2]uint64{{number, number}}); of != nil {
				name, number = of[0].Object, of[0].Rows[0][0]
			}
			found = append(found, fmt.Sprintf("%s %d: %s %d", name, number, row.ID, row.Input))
		}
		err = Rejects(t.Context(), w, seq, func(r event.Reject) error {
			name, number := result.File, r.RowNumber
			if r.Object != "" {
				name, number = r.Object, r.ObjectRow
			}
			found = append(found, fmt.Sprintf("%s %d: %s", name, number, r.Raw))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(found)
	return found
}

// TestPartsAreLoadedAsTheyWouldBeAlone loads the same objects as one load, and each as a load of its own.
func TestPartsAreLoadedAsTheyWouldBeAlone(t *testing.T) {
	fewChecks(t, 6) // each loads all objects twice
	line := rapid.Custom(func(t *rapid.T) string {
		id := rapid.IntRange(0, 30).Draw(t, "id")
		return rapid.SampledFrom([]string{
			usageLine(fmt.Sprint("e", id), "acme", id), usageLine(fmt.Sprint("e", id), "acme", id), "no row", "", "{}",
			usageLine(fmt.Sprint("f", id), "acme", id) + " " + usageLine(fmt.Sprint("g", id), "acme", id),
		}).Draw(t, "line")
	})
	csvLine := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("c%d,2026-10-01T00:00:00Z,acme,small-model,%s", rapid.IntRange(0, 30).Draw(t, "id"),
			rapid.SampledFrom([]string{"1", "2", "many"}).Draw(t, "input"))
	})
	rapid.Check(t, func(rt *rapid.T) {
		b := &bucket{}
		var parts []Part
		for i := range rapid.IntRange(1, 12).Draw(rt, "objects") {
			lines := rapid.SliceOfN(line, 0, 6).Draw(rt, "lines")
			name := fmt.Sprintf("%02d.jsonl", i)
			if rapid.IntRange(0, 3).Draw(rt, "csv") == 0 {
				name = fmt.Sprintf("%02d.csv", i)
				lines = slices.Insert(rapid.SliceOfN(csvLine, 1, 6).Draw(rt, "csv lines"), 0,
					"event_id,occurred_at,customer_id,model,input_tokens")
			}
			if rapid.Bool().Draw(rt, "packed") {
				parts = append(parts, b.part(name+".gz", "1", gzipped(t, strings.Join(lines, "\n"))))
			} else {
				parts = append(parts, b.part(name, "1", lines...))
			}
		}
		// A load of which no row is understood is aborted, so each has one that is.
		parts = append(parts, b.part("99.jsonl", "1", usageLine("last", "acme", 1)))
		whole, apart := warehousetest.New(t), warehousetest.New(t)
		options := Options{Source: ingesttest.Canonical(t)}
		one, err := loader(whole).Load(t.Context(), []Input{listing(parts...)}, options)
		if err != nil {
			rt.Fatal(err)
		}
		var inputs []Input
		for _, part := range parts {
			inputs = append(inputs, Input{Name: part.Name, Remote: part.Remote})
		}
		each, err := loader(apart).Load(t.Context(), inputs, options)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(rowsOf(t, apart, each), rowsOf(t, whole, one)); diff != "" {
			rt.Errorf("rows of objects loaded alone and together (-alone +together):\n%s", diff)
		}
	})
}

// TestElementsAreNamedWithinTheirObject: of a row that is the third element of a load's second line, the line is the
// first one of the second object.
func TestElementsAreNamedWithinTheirObject(t *testing.T) {
	w := warehousetest.New(t)
	b := &bucket{}
	mustLoad(t, w, listing(
		b.part("a.jsonl", "1", usageLine("a", "acme", 1)), b.part("b.jsonl", "1", usageLine("b", "acme", 1))))
	const element = 1<<52 + 2<<20 + 3
	for _, statement := range []string{
		"INSERT INTO rejects (load_seq, row_number) VALUES (1, ?)",
		"INSERT INTO duplicate_events (load_seq, kind, first_load_seq, first_row_number, row_number) " +
			"VALUES (1, 'duplicate', 1, 1, ?)",
	} {
		if err := w.Conn().Exec(t.Context(), statement, uint64(element)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"b.jsonl 1.3"}, rejectedIn(t, w, 1)); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	err := RepeatedRows(t.Context(), w, 1, func(r Repeated) error {
		if got, want := fmt.Sprint(r.File, " ", RowNumber(r.FileRow)), "s3://logs/b.jsonl 1.3"; got != want {
			t.Errorf("repeated: %s, want %s", got, want)
		}
		if got, want := fmt.Sprint(r.FirstFile, " ", r.FirstFileRow), "s3://logs/a.jsonl 1"; got != want {
			t.Errorf("counts instead: %s, want %s", got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
