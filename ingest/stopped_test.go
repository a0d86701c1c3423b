package ingest

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/creditmill/creditmill/ingest/ingesttest"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// server is the test's warehouse as a server of the user's own, which writers on several hosts share.
func server(t *testing.T, w *warehouse.Warehouse, now func() time.Time) *warehouse.Warehouse {
	t.Helper()
	address, database, user, password, _ := w.Options()
	opened, err := warehouse.Open(t.Context(), warehouse.Config{
		DSN: "clickhouse://" + user + "@" + address + "/" + database, Password: password, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() }) //nolint:errcheck // a lost lock is its own
	return opened
}

// TestStoppedLoader stops a loader at each point for longer than its leases live, while another one loads the same file
// and one with some of its events. When it goes on it must not commit, whatever it was about to do.
func TestStoppedLoader(t *testing.T) {
	lines := []string{usageLine("b", "acme", 2), usageLine("a", "acme", 1), usageLine("a", "acme", 9)}
	for _, point := range points[:len(points)-1] { // all but after-commit
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			direct := warehousetest.New(t)
			var slept atomic.Int64
			stopped := server(t, direct, func() time.Time { return time.Now().Add(time.Duration(slept.Load())) })
			other := server(t, direct, time.Now)
			stop := func() {
				if err := direct.Conn().Exec(t.Context(), `INSERT INTO locks SELECT * REPLACE(now64(6, 'UTC') AS expires_at,
					now64(6, 'UTC') AS revision) FROM locks FINAL WHERE NOT released`); err != nil { // what two minutes do
					t.Error(err)
				}
				slept.Store(int64(2 * time.Minute))
				wantCounts(t, mustLoad(t, other, write(t, "overlap.jsonl", usageLine("c", "acme", 3), usageLine("b", "acme", 2))),
					"ld_2 committed: 2 = 2 + 0 dup + 0 conflict + 0 rejected, input 5")
				wantCounts(t, mustLoad(t, other, write(t, "same.jsonl", lines...)),
					"ld_3 committed: 3 = 1 + 1 dup + 1 conflict + 0 rejected, input 1")
			}
			l := New(Config{Warehouse: stopped, Now: time.Now, Fault: func(at string) {
				if at == point {
					stop()
				}
			}})
			results, err := l.Load(t.Context(), []Input{write(t, "stopped.jsonl", lines...)},
				Options{Source: ingesttest.Canonical(t)})
			if !errors.Is(err, warehouse.ErrLocked) || len(results) != 0 {
				t.Errorf("the loader that was stopped: %+v, %v; want ErrLocked", results, err)
			}
			if err := Recover(t.Context(), direct, time.Now); err != nil {
				t.Fatal(err)
			}
			wantVisible(t, direct, "a acme 1 ld_3 2", "b acme 2 ld_2 2", "c acme 3 ld_2 1")
			if n := number(t, direct, "SELECT count() FROM usage_events WHERE load_seq = 1"); n != 0 {
				t.Errorf("%d rows of the stopped load are left", n)
			}
		})
	}
}

// TestLoadsUnderWay: what writes beside a loader leaves its rows alone, and takes those of one that is gone.
func TestLoadsUnderWay(t *testing.T) {
	for _, kind := range []string{"embedded", "server"} {
		t.Run(kind, func(t *testing.T) {
			direct := warehousetest.New(t)
			w := direct
			if kind == "server" {
				w = server(t, direct, time.Now)
			}
			beside := func() {
				wantCounts(t, mustLoad(t, w, write(t, "beside.jsonl", usageLine("b", "acme", 7), usageLine("d", "acme", 4))),
					"ld_2 committed: 2 = 2 + 0 dup + 0 conflict + 0 rejected, input 11")
				if _, err := Withdraw(t.Context(), w, 99, "test", time.Now); !errors.Is(err, ErrNoLoad) {
					t.Errorf("withdraw: %v", err)
				}
				if n := number(t, direct, "SELECT count() FROM usage_events WHERE load_seq = 1"); n != 3 {
					t.Errorf("%d rows of the load under way are stored, want 3", n)
				}
			}
			l := New(Config{Warehouse: w, Now: time.Now, Fault: func(at string) {
				if at == "after-stream" {
					beside()
				}
			}})
			slow := write(t, "slow.jsonl", usageLine("b", "acme", 2), usageLine("a", "acme", 1), usageLine("c", "acme", 3))
			results, err := l.Load(t.Context(), []Input{slow}, Options{Source: ingesttest.Canonical(t)})
			if err != nil {
				t.Fatal(err)
			}
			// The later commit's row is the conflict, though its number is the smaller one.
			wantCounts(t, results, "ld_1 committed: 3 = 2 + 0 dup + 1 conflict + 0 rejected, input 4")
			wantVisible(t, direct, "a acme 1 ld_1 2", "b acme 7 ld_2 1", "c acme 3 ld_1 3", "d acme 4 ld_2 2")
			var repeated []string
			err = RepeatedRows(t.Context(), direct, 0, func(r Repeated) error {
				repeated = append(repeated, r.Kind+" "+r.EventID)
				if r.LoadSeq != 1 || r.FirstLoadSeq != 2 || r.FirstRowNumber != 1 {
					t.Errorf("%+v, want it to name row 1 of ld_2", r)
				}
				return nil
			})
			if diff := cmp.Diff([]string{"conflict b"}, repeated); err != nil || diff != "" {
				t.Errorf("repeated rows: %v %s", err, diff)
			}
			withdraw(t, direct, 2)
			wantVisible(t, direct, "a acme 1 ld_1 2", "b acme 2 ld_1 1", "c acme 3 ld_1 3")
		})
	}
}
