package ingest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// crashFile is the environment variable that names the file of loadAndCrash.
const crashFile = "INGEST_TEST_FILE"

// crashKeep is the one that says what the source of loadAndCrash keeps.
const crashKeep = "INGEST_TEST_KEEP"

// crashParts is the one that says whether each line of that file is an object of loadAndCrash.
const crashParts = "INGEST_TEST_PARTS"

// loadAndCrash is the load that killLoad kills.
func loadAndCrash(ctx context.Context, w *warehouse.Warehouse, fault func(point string)) error {
	source, _ := schemas.SourceByID(schemas.BuiltinSources(), "creditmill")
	source.Keep = os.Getenv(crashKeep)
	l := New(Config{Warehouse: w, Now: time.Now, Fault: fault})
	input := Input{Name: os.Getenv(crashFile)}
	if os.Getenv(crashParts) != "" {
		text, err := os.ReadFile(input.Name)
		if err != nil {
			return err
		}
		input = partPerLine(string(text))
	}
	_, err := l.Load(ctx, []Input{input}, Options{Source: source})
	return err
}

// points are all the points where a load may be killed; DESIGN.md has the table.
var points = []string{
	"after-begin", "after-stream", "after-candidates", "after-copy", "after-mask", "before-commit", "after-commit",
}

func TestKilledLoad(t *testing.T) {
	for _, point := range points {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			dsn := warehousetest.NewDSN()
			w := warehousetest.Open(t, dsn)
			mustLoad(t, w, write(t, "before.jsonl", usageLine("b", "acme", 2), usageLine("d", "acme", 4)))
			// Not ascending, a duplicate and a conflict with the first load, one within the file, one reject.
			input := write(t, "killed.jsonl", usageLine("c", "acme", 3), usageLine("b", "acme", 2), "bad", usageLine("a",
				"acme", 1),
				usageLine("d", "other", 4), usageLine("c", "acme", 3))
			killLoad(t, dsn, point, input)

			before := []string{"b acme 2 ld_1 1", "d acme 4 ld_1 2"}
			after := []string{"a acme 1 ld_2 4", "b acme 2 ld_1 1", "c acme 3 ld_2 1", "d acme 4 ld_1 2"}
			committed := point == "after-commit"
			if committed {
				wantVisible(t, w, after...)
			} else {
				wantVisible(t, w, before...)
			}
			if err := Recover(t.Context(), w, time.Now); err != nil {
				t.Fatal(err)
			}
			if !committed {
				wantVisible(t, w, before...)
				for _, table := range []string{"usage_events", "duplicate_events", "rejects"} {
					if n := number(t, w, "SELECT count() FROM "+table+" WHERE load_seq = 2"); n != 0 {
						t.Errorf("%d rows of the killed load are left in %s", n, table)
					}
				}
			}
			results := mustLoad(t, w, input)
			if committed {
				wantCounts(t, results, "ld_2 already_loaded: 0 = 0 + 0 dup + 0 conflict + 0 rejected, input 0")
				return
			}
			wantCounts(t, results, "ld_3 committed: 6 = 2 + 2 dup + 1 conflict + 1 rejected, input 4")
			wantVisible(t, w, "a acme 1 ld_3 4", "b acme 2 ld_1 1", "c acme 3 ld_3 1", "d acme 4 ld_1 2")
		})
	}
}

// TestKilledReplacement kills a load whose rows take the place of an earlier load's: until it is committed the earlier
// rows count, and from then on its own.
func TestKilledReplacement(t *testing.T) {
	for _, point := range append([]string{"after-replace"}, points...) {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			dsn := warehousetest.NewDSN()
			w := warehousetest.Open(t, dsn)
			mustLoad(t, w, write(t, "before.jsonl", usageLine("b", "acme", 2), usageLine("d", "acme", 4)))
			input := write(t, "killed.jsonl", usageLine("c", "acme", 3), usageLine("b", "acme", 9), usageLine("d", "acme", 4))
			warehousetest.KillAt(t, dsn, point, crashFile+"="+input.Name, crashKeep+"="+schemas.KeepLast)
			counting := []string{"b acme 2 ld_1 1", "d acme 4 ld_1 2"}
			replaced := uint64(0)
			if point == "after-commit" {
				counting = []string{"b acme 9 ld_2 2", "c acme 3 ld_2 1", "d acme 4 ld_1 2"}
				replaced = 1
			}
			wantVisible(t, w, counting...)
			if err := Recover(t.Context(), w, time.Now); err != nil {
				t.Fatal(err)
			}
			wantVisible(t, w, counting...)
			if n := number(t, w, "SELECT count() FROM replaced_events"); n != replaced {
				t.Errorf("%d rows are in replaced_events, want %d", n, replaced)
			}
			if err := w.CountAll(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestKilledRecovery kills the load that would clear away a killed load's remains.
func TestKilledRecovery(t *testing.T) {
	dsn := warehousetest.NewDSN()
	w := warehousetest.Open(t, dsn)
	input := write(t, "killed.jsonl", usageLine("c", "acme", 3), usageLine("b", "acme", 2))
	killLoad(t, dsn, "before-commit", input)
	killLoad(t, dsn, "before-commit", input)
	wantVisible(t, w)
	wantCounts(t, mustLoad(t, w, input), "ld_3 committed: 2 = 2 + 0 dup + 0 conflict + 0 rejected, input 5")
	if n := number(t, w, "SELECT count() FROM usage_events"); n != 2 {
		t.Errorf("%d rows are stored, want 2", n)
	}
}

// TestStrayRows stores rows of a load that is discarded already, as a server does that began a killed process's
// statement late: the next load clears them away.
func TestStrayRows(t *testing.T) {
	dsn := warehousetest.NewDSN()
	w := warehousetest.Open(t, dsn)
	killed := write(t, "killed.jsonl", usageLine("a", "acme", 1), "{}")
	killLoad(t, dsn, "before-commit", killed)
	mustLoad(t, w, write(t, "next.jsonl", usageLine("b", "acme", 2)))
	for _, statement := range []string{
		"INSERT INTO usage_events SELECT * REPLACE (toUInt64(1) AS load_seq) FROM usage_events WHERE load_seq = 2",
		"INSERT INTO duplicate_events (load_seq, row_number, kind) VALUES (1, 1, 'duplicate')",
		"INSERT INTO replaced_events (load_seq, row_number) VALUES (1, 1)",
		"INSERT INTO rejects (load_seq, row_number) VALUES (1, 2)",
	} {
		if err := w.Conn().Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	wantVisible(t, w, "b acme 2 ld_2 1")
	wantCounts(t, mustLoad(t, w, killed), "ld_3 committed: 2 = 1 + 0 dup + 0 conflict + 1 rejected, input 1")
	for table, want := range map[string]uint64{
		"usage_events": 2, "duplicate_events": 0, "replaced_events": 0, "rejects": 1,
	} {
		if n := number(t, w, "SELECT count() FROM "+table); n != want {
			t.Errorf("%d rows in %s, want %d", n, table, want)
		}
	}
}

// killLoad runs a load in a process of its own, which must die of SIGKILL.
func killLoad(t *testing.T, dsn, point string, input Input) {
	t.Helper()
	warehousetest.KillAt(t, dsn, point, crashFile+"="+input.Name)
}
