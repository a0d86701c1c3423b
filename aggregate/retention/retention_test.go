package retention

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

func TestMain(m *testing.M) { warehousetest.Main(m) }

const (
	day  = 24 * time.Hour
	text = "0123456789"
)

var now = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// fill stores events with properties, a duplicate and rejects, 100 and 50 days old.
func fill(t *testing.T) *warehouse.Warehouse {
	t.Helper()
	w := warehousetest.New(t)
	for _, statement := range []string{
		"INSERT INTO loads (load_seq, revision, status, changed_at) VALUES (1, 1, 'committed', '2026-07-24 00:00:00'), " +
			"(2, 1, 'committed', '2026-09-12 00:00:00'), (3, 1, 'loading', '2026-07-24 00:00:00')",
		"INSERT INTO usage_events (load_seq, row_number, event_id, occurred_at, customer_id, properties) VALUES " +
			"(1, 1, 'a', '2026-07-24 00:00:00', 'ann', '0123456789'), " +
			"(2, 1, 'b', '2026-09-12 00:00:00', 'ann', '0123456789'), " +
			"(2, 2, 'c', '2026-07-24 00:00:00', 'acme', '')",
		"INSERT INTO duplicate_events (load_seq, row_number, event_id, occurred_at, customer_id, properties) VALUES " +
			"(2, 3, 'a', '2026-07-24 00:00:00', 'ann', '0123456789')",
		"INSERT INTO rejects (load_seq, row_number, reason, raw) VALUES (1, 2, 'no time in \"ann\"', '0123456ann'), " +
			"(2, 4, 'odd', '0123456789'), (3, 1, 'odd', '0123456ann')",
	} {
		if err := w.Conn().Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// kept are the texts that are left, by the age of what they belong to, and the reasons of rejects.
func kept(t *testing.T, w *warehouse.Warehouse) (texts []string) {
	t.Helper()
	rows := []struct {
		Row string `ch:"row"`
	}{}
	err := w.Conn().Select(t.Context(), &rows, `SELECT row FROM (
		SELECT concat('event ', toString(load_seq), '.', toString(row_number)) AS row FROM usage_events WHERE properties != ''
		UNION ALL SELECT concat('duplicate ', toString(load_seq), '.', toString(row_number)) FROM duplicate_events
			WHERE properties != ''
		UNION ALL SELECT concat('reject ', toString(load_seq), '.', toString(row_number), ' ', reason) FROM rejects
			WHERE raw != '') ORDER BY row`)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		texts = append(texts, row.Row)
	}
	return texts
}

// TestExpire: what is older than the rules say goes, never what is within the late window or of a load that is not
// done.
func TestExpire(t *testing.T) {
	everything := []string{
		"duplicate 2.3", "event 1.1", "event 2.1", `reject 1.2 no time in "ann"`, "reject 2.4 odd", "reject 3.1 odd",
	}
	for name, test := range map[string]struct {
		rules Rules
		rows  []uint64
		kept  []string
	}{
		"nothing is that old": {Rules{Properties: 200 * day, Rejects: 200 * day}, []uint64{0, 0}, everything},
		"properties": {Rules{Properties: 90 * day}, []uint64{2}, []string{
			"event 2.1", `reject 1.2 no time in "ann"`, "reject 2.4 odd", "reject 3.1 odd",
		}},
		"rejects": {Rules{Rejects: 90 * day}, []uint64{1}, []string{
			"duplicate 2.3", "event 1.1", "event 2.1", "reject 2.4 odd", "reject 3.1 odd",
		}},
		"late window": {Rules{Properties: day, Rejects: day, LateWindow: 60 * day}, []uint64{2, 1}, []string{
			"event 2.1", "reject 2.4 odd", "reject 3.1 odd",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := fill(t)
			remover := Remover{Warehouse: w, Now: func() time.Time { return now }}
			dry := remover
			dry.DryRun = true
			for _, each := range []Remover{dry, remover} {
				if each.DryRun && !slices.Equal(kept(t, w), everything) {
					t.Error("a dry run removes")
				}
				removals, err := each.Expire(t.Context(), test.rules)
				if err != nil {
					t.Fatal(err)
				}
				for i, removal := range removals {
					if len(removals) != len(test.rows) || removal.Rows != test.rows[i] || removal.Bytes != 10*test.rows[i] {
						t.Errorf("removals are %+v, want %v rows", removals, test.rows)
					}
				}
			}
			if got := kept(t, w); !slices.Equal(got, test.kept) {
				t.Errorf("kept are %q, want %q", got, test.kept)
			}
		})
	}
}

// TestForget: all texts of a customer go, whatever their age, and what a reason quotes of them; a second time there is
// nothing left.
func TestForget(t *testing.T) {
	w := fill(t)
	if err := w.Conn().Exec(t.Context(), "INSERT INTO loads (load_seq, revision, status, changed_at) VALUES "+
		"(3, 2, 'discarded', '2026-07-24 00:00:00')"); err != nil {
		t.Fatal(err)
	}
	remover := Remover{Warehouse: w, Now: func() time.Time { return now }}
	removal, err := remover.Forget(t.Context(), "ann", "asked", "bob")
	if err != nil || removal.Rows != 5 || removal.Bytes != 5*uint64(len(text)) {
		t.Fatalf("removed %+v: %v", removal, err)
	}
	if got, want := kept(t, w), []string{"reject 2.4 odd"}; !slices.Equal(got, want) {
		t.Errorf("kept are %q, want %q", got, want)
	}
	var reason string
	row := w.Conn().QueryRow(t.Context(), "SELECT reason FROM rejects WHERE load_seq = 1")
	if err := row.Scan(&reason); err != nil || reason != `no time in "…"` {
		t.Errorf("the reason is %q: %v", reason, err)
	}
	if again, err := remover.Forget(t.Context(), "ann", "asked", "bob"); err != nil || again.Rows != 0 || again.ID != "" {
		t.Errorf("again it removed %+v: %v", again, err)
	}
}

// TestForgetWaitsForLoads: a load under way may bring more of the customer than there is now.
func TestForgetWaitsForLoads(t *testing.T) {
	w := fill(t)
	before := kept(t, w)
	remover := Remover{Warehouse: w, Now: func() time.Time { return now }}
	_, err := remover.Forget(t.Context(), "ann", "asked for it", "bob")
	if !errors.Is(err, warehouse.ErrLocked) || !strings.Contains(err.Error(), "ld_3") {
		t.Fatalf("forget while ld_3 is being read: %v", err)
	}
	if after := kept(t, w); !slices.Equal(after, before) {
		t.Errorf("there is %q, was %q", after, before)
	}
}
