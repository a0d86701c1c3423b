package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/event"
	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

func TestMain(m *testing.M) { warehousetest.MainKilled(m, loadAndCrash) }

// usageLine is a canonical row with every token of the pool input.
func usageLine(id, customer string, input int) string {
	return eventAt(id, customer, input, "2026-10-01T00:00:00.267Z")
}

func eventAt(id, customer string, input int, at string) string {
	return fmt.Sprintf(`{"event_id":%q,"occurred_at":%q,"customer_id":%q,"model":"small-model","input_tokens":%d}`,
		id, at, customer, input)
}

// write puts a log file into a directory of the test.
func write(t testing.TB, name string, lines ...string) Input {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Input{Name: path}
}

func loader(w *warehouse.Warehouse) *Loader {
	return New(Config{Warehouse: w, Now: time.Now, Workers: 2})
}

func mustLoad(t testing.TB, w *warehouse.Warehouse, inputs ...Input) []Result {
	t.Helper()
	results, err := loader(w).Load(t.Context(), inputs, Options{Source: ingesttest.Canonical(t)})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// counts is what a load did with its rows.
func counts(result Result) string {
	return fmt.Sprintf("%s %s: %d = %d + %d dup + %d conflict + %d rejected, input %v", result.LoadID, result.Status,
		result.RowsRead, result.RowsLoaded, result.RowsDuplicate, result.RowsConflict, result.RowsRejected,
		schemas.Amounts(result.Tokens).Of(schemas.UnitInput))
}

func wantCounts(t testing.TB, results []Result, want ...string) {
	t.Helper()
	var got []string
	for _, result := range results {
		got = append(got, counts(result))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// visible lists the events that count, as "event_id customer input ld row".
func visible(t testing.TB, w *warehouse.Warehouse) []string {
	t.Helper()
	rows, err := w.Conn().Query(context.Background(),
		`SELECT concat(event_id, ' ', customer_id, ' ', toString(input_tokens),
		' ld_', toString(load_seq), ' ', toString(row_number)) FROM v_events ORDER BY event_id, load_seq, row_number`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		found = append(found, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

func wantVisible(t testing.TB, w *warehouse.Warehouse, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, visible(t, w)); diff != "" {
		t.Errorf("visible events (-want +got):\n%s", diff)
	}
}

func withdraw(t testing.TB, w *warehouse.Warehouse, seq uint64) {
	t.Helper()
	if _, err := Withdraw(t.Context(), w, seq, "test", time.Now); err != nil {
		t.Fatal(err)
	}
}

// number asks the warehouse for one number.
func number(t testing.TB, w *warehouse.Warehouse, query string) uint64 {
	t.Helper()
	var n uint64
	if err := w.Conn().QueryRow(context.Background(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestLoadTwice(t *testing.T) {
	w := warehousetest.New(t)
	lines := []string{usageLine("a", "acme", 10), usageLine("b", "acme", 20), `{"no":"event"}`}
	first := write(t, "one.jsonl", lines...)
	wantCounts(t, mustLoad(t, w, first), "ld_1 committed: 3 = 2 + 0 dup + 0 conflict + 1 rejected, input 30")
	// The same file, and the same content under another name and as another file of the same command.
	again := mustLoad(t, w, first, write(t, "two.jsonl", lines...))
	for _, result := range again {
		if result.Status != StatusAlreadyLoaded || result.LoadID != "ld_1" || result.RowsRead != 0 ||
			!strings.Contains(result.Message, first.Name) {
			t.Errorf("loaded again: %+v", result)
		}
	}
	wantVisible(t, w, "a acme 10 ld_1 1", "b acme 20 ld_1 2")
	fresh := []string{usageLine("c", "acme", 1)}
	wantCounts(t, mustLoad(t, w, write(t, "x.jsonl", fresh...), write(t, "y.jsonl", fresh...)),
		"ld_2 committed: 1 = 1 + 0 dup + 0 conflict + 0 rejected, input 1",
		"ld_2 already_loaded: 0 = 0 + 0 dup + 0 conflict + 0 rejected, input 0")
	wantVisible(t, w, "a acme 10 ld_1 1", "b acme 20 ld_1 2", "c acme 1 ld_2 1")
}

func TestIdentityWithinFile(t *testing.T) {
	w := warehousetest.New(t)
	result := mustLoad(t, w, write(t, "a.jsonl",
		usageLine("b", "acme", 1),
		usageLine("a", "acme", 2),
		usageLine("b", "acme", 1),   // duplicate
		usageLine("b", "acme", 999), // conflict
		usageLine("c", "acme", 4),
		strings.Replace(usageLine("a", "acme", 2), "{", `{"properties":{"other":1},`, 1), // equal but for properties
		eventAt("c", "acme", 4, "2027-03-01T00:00:00Z"),                                  // another time is another content
	))
	wantCounts(t, result, "ld_1 committed: 7 = 3 + 2 dup + 2 conflict + 0 rejected, input 7")
	wantVisible(t, w, "a acme 2 ld_1 2", "b acme 1 ld_1 1", "c acme 4 ld_1 5")
}

func TestIdentityAcrossFiles(t *testing.T) {
	w := warehousetest.New(t)
	// In one command the earlier named file's rows stand, whatever is read first.
	big := make([]string, 0, 3000)
	for i := range 3000 {
		big = append(big, usageLine(fmt.Sprintf("m%06d", i), "acme", 1))
	}
	results := mustLoad(t, w, write(t, "big.jsonl", big...),
		write(t, "small.jsonl", usageLine("m000007", "acme", 1), usageLine("m000008", "other", 1), usageLine("z", "acme", 5)))
	wantCounts(t, results,
		"ld_1 committed: 3000 = 3000 + 0 dup + 0 conflict + 0 rejected, input 3000",
		"ld_2 committed: 3 = 1 + 1 dup + 1 conflict + 0 rejected, input 5")
	// Years apart.
	wantCounts(t, mustLoad(t, w, write(t, "late.jsonl", eventAt("z", "acme", 5, "2031-01-01T00:00:00Z"))),
		"ld_3 committed: 1 = 0 + 0 dup + 1 conflict + 0 rejected, input 0")
	// Another source has identities of its own.
	other := ingesttest.Canonical(t)
	other.ID = "other"
	results, err := loader(w).Load(t.Context(), []Input{write(t, "o.jsonl", usageLine("z", "acme", 5))},
		Options{Source: other})
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, results, "ld_4 committed: 1 = 1 + 0 dup + 0 conflict + 0 rejected, input 5")
	if n := number(t, w, "SELECT count() FROM v_events"); n != 3002 {
		t.Errorf("%d events count, want 3002", n)
	}
	if n := number(t, w, "SELECT uniqExact(source, event_id) FROM v_events"); n != 3002 {
		t.Errorf("%d identities count, want 3002", n)
	}
}

func TestWithdraw(t *testing.T) {
	w := warehousetest.New(t)
	a := write(t, "a.jsonl", usageLine("1", "acme", 10), usageLine("2", "acme", 20))
	b := write(t, "b.jsonl", usageLine("2", "acme", 20), usageLine("2", "acme", 21), usageLine("3", "acme", 30))
	c := write(t, "c.jsonl", usageLine("1", "acme", 11), usageLine("2", "acme", 20), usageLine("3", "acme", 30))
	wantCounts(t, mustLoad(t, w, a, b, c),
		"ld_1 committed: 2 = 2 + 0 dup + 0 conflict + 0 rejected, input 30",
		"ld_2 committed: 3 = 1 + 1 dup + 1 conflict + 0 rejected, input 30",
		"ld_3 committed: 3 = 0 + 2 dup + 1 conflict + 0 rejected, input 0")
	wantVisible(t, w, "1 acme 10 ld_1 1", "2 acme 20 ld_1 2", "3 acme 30 ld_2 3")
	withdraw(t, w, 1)
	wantVisible(t, w, "1 acme 11 ld_3 1", "2 acme 20 ld_2 1", "3 acme 30 ld_2 3")
	withdraw(t, w, 2)
	wantVisible(t, w, "1 acme 11 ld_3 1", "2 acme 20 ld_3 2", "3 acme 30 ld_3 3")
	// Loaded again it comes after what counts now.
	wantCounts(t, mustLoad(t, w, a), "ld_4 committed: 2 = 0 + 1 dup + 1 conflict + 0 rejected, input 0")
	wantVisible(t, w, "1 acme 11 ld_3 1", "2 acme 20 ld_3 2", "3 acme 30 ld_3 3")
	withdraw(t, w, 3)
	wantVisible(t, w, "1 acme 10 ld_4 1", "2 acme 20 ld_4 2")
	withdraw(t, w, 4)
	wantVisible(t, w)
	for _, seq := range []uint64{1, 99} {
		if _, err := Withdraw(t.Context(), w, seq, "", time.Now); err == nil {
			t.Errorf("load %d was withdrawn though it does not count", seq)
		}
	}
}

func TestMaxRejects(t *testing.T) {
	lines := []string{usageLine("a", "acme", 1), "nonsense", usageLine("b", "acme", 1), `{"event_id":"c"}`}
	tests := []struct {
		name  string
		limit MaxRejects
		want  Status
	}{
		{"none set", MaxRejects{}, StatusCommitted},
		{"as many as allowed", MaxRejects{Set: true, Limit: 2}, StatusCommitted},
		{"one too many", MaxRejects{Set: true, Limit: 1}, StatusAborted},
		{"share kept", MaxRejects{Set: true, Limit: 50, Percent: true}, StatusCommitted},
		{"share exceeded", MaxRejects{Set: true, Limit: 49, Percent: true}, StatusAborted},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := warehousetest.New(t)
			input := write(t, "a.jsonl", lines...)
			results, err := loader(w).Load(t.Context(), []Input{input},
				Options{Source: ingesttest.Canonical(t), MaxRejects: test.limit})
			if err != nil || len(results) != 1 || results[0].Status != test.want {
				t.Fatalf("load: %+v, %v; want %s", results, err, test.want)
			}
			if test.want == StatusCommitted {
				return
			}
			wantVisible(t, w)
			if n := number(t, w, "SELECT count() FROM usage_events"); n != 0 {
				t.Errorf("%d rows of the aborted load are left", n)
			}
			var reasons []string
			err = Rejects(t.Context(), w, 1, func(r event.Reject) error {
				reasons = append(reasons, fmt.Sprint(r.RowNumber, r.Field, r.Reason))
				return nil
			})
			if err != nil || len(reasons) != 2 {
				t.Errorf("rejects of the aborted load: %v, %v; they are needed to mend the file", reasons, err)
			}
			if again := mustLoad(t, w, input); again[0].Status != StatusCommitted {
				t.Errorf("an aborted content cannot be loaded again: %+v", again)
			}
		})
	}
}

func TestFileErrors(t *testing.T) {
	w := warehousetest.New(t)
	good := write(t, "good.jsonl", usageLine("a", "acme", 1))
	bad := write(t, "bad.csv", "event_id,occurred_at,model,input_tokens", "a,2026-10-01T00:00:00Z,m,1")
	results, err := loader(w).Load(t.Context(), []Input{{Name: t.TempDir() + "/missing.jsonl"}, bad, good},
		Options{Source: ingesttest.Canonical(t)})
	if err == nil || !strings.Contains(err.Error(), "missing.jsonl") || !strings.Contains(err.Error(),
		"customer_id is missing") {
		t.Errorf("error %v; want one about each bad file", err)
	}
	if len(results) != 1 || results[0].RowsLoaded != 1 {
		t.Errorf("results %+v; want the good file's", results)
	}
	loads, err := Loads(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	var statuses []string
	for _, load := range loads {
		statuses = append(statuses, load.Status)
	}
	if diff := cmp.Diff([]string{"discarded", "committed"}, statuses); diff != "" {
		t.Errorf("loads (-want +got):\n%s", diff)
	}
}

func TestFileChangesWhileRead(t *testing.T) {
	w := warehousetest.New(t)
	input := write(t, "a.jsonl", usageLine("a", "acme", 1))
	l := New(Config{Warehouse: w, Now: time.Now, Fault: func(point string) {
		if point == "after-stream" {
			if err := os.WriteFile(input.Name, []byte("more\n"), 0o600); err != nil {
				t.Error(err)
			}
		}
	}})
	_, err := l.Load(t.Context(), []Input{input}, Options{Source: ingesttest.Canonical(t)})
	if err == nil || !strings.Contains(err.Error(), ErrChanged.Error()) {
		t.Errorf("error %v, want %v", err, ErrChanged)
	}
	wantVisible(t, w)
}

// TestOddNames: ids may hold whatever a person can see, file names whatever file systems allow.
func TestOddNames(t *testing.T) {
	w := warehousetest.New(t)
	low, high := "!  '\\\"{x:String}", "\U0010fffd%20`;--"
	lines := []string{usageLine(low, "a'b\\", 1), usageLine(high, "$", 2), usageLine("between", "c", 3)}
	for i := range lines {
		lines[i] = jsonEscapes.Replace(lines[i])
	}
	wantCounts(t, mustLoad(t, w, write(t, "it's a \\ file\t'.jsonl", lines...)),
		"ld_1 committed: 3 = 3 + 0 dup + 0 conflict + 0 rejected, input 6")
	wantCounts(t, mustLoad(t, w, write(t, "b.jsonl", lines[0], lines[1])),
		"ld_2 committed: 2 = 0 + 2 dup + 0 conflict + 0 rejected, input 0")
	wantVisible(t, w, low+" a'b\\ 1 ld_1 1", "between c 3 ld_1 3", high+" $ 2 ld_1 2")
}

// jsonEscapes turns what Go quotes in its own way into JSON.
var jsonEscapes = strings.NewReplacer(`\U0010fffd`, "\U0010fffd")

// TestMaxRejectsUnset: where nothing is said, rejects are bounded only in a file that is hardly a log at all.
func TestMaxRejectsUnset(t *testing.T) {
	tests := []struct {
		rejected, read uint64
		want           bool
	}{
		{100_000, 100_000, false},
		{100_001, 100_001, true},
		{100_001, 200_001, true},
		{100_001, 200_002, false},
		{3_000_000, 3_000_000, true},
		{5, 5, false},
	}
	for _, test := range tests {
		for _, atEnd := range []bool{false, true} {
			if got := (MaxRejects{}).exceeded(test.rejected, test.read, atEnd); got != test.want {
				t.Errorf("%d of %d: %t", test.rejected, test.read, got)
			}
		}
	}
	all := MaxRejects{Set: true, Limit: 100, Percent: true}
	if all.exceeded(3_000_000, 3_000_000, true) {
		t.Error("--max-rejects 100% keeps not all")
	}
}
