package warehouse_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/sql"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// notLookedAt are the tables whose rows mean nothing to a later command, or that are the record itself.
var notLookedAt = []string{
	"candidate_ids", "expected_rows", "expected_rows_copy", "known_customers", "locks", "notices", "schema_migrations",
}

// TestEveryTableIsLookedAt: a table that is new is either counted or named above, and what it holds survives a power
// cut.
func TestEveryTableIsLookedAt(t *testing.T) {
	w := warehousetest.New(t)
	var tables []struct {
		Name   string `ch:"name"`
		Create string `ch:"create_table_query"`
	}
	check(t, w.Conn().Select(t.Context(), &tables, "SELECT name, create_table_query FROM system.tables "+
		"WHERE database = currentDatabase() AND endsWith(engine, 'MergeTree') ORDER BY name"))
	counts := sql.Text("warehouse/count_rows.sql") + sql.Text("warehouse/incomplete_rows.sql")
	for _, table := range tables {
		lookedAt := slices.Contains(warehouse.TablesLookedAt(), table.Name)
		if lookedAt == slices.Contains(notLookedAt, table.Name) {
			t.Errorf("table %s: add it to storedTables and count_rows.sql, or say here why not", table.Name)
		}
		if lookedAt && !strings.Contains(counts, "-- if "+table.Name+"\n") {
			t.Errorf("table %s: neither count_rows.sql nor incomplete_rows.sql counts it", table.Name)
		}
		for _, setting := range []string{
			"fsync_after_insert = 1", "fsync_part_directory = 1", "min_compressed_bytes_to_fsync_after_merge = 1",
		} {
			if table.Name != "candidate_ids" && !strings.Contains(table.Create, setting) {
				t.Errorf("table %s is without %s", table.Name, setting)
			}
		}
	}
}

// addLoad writes a load of so many rows, the row that commits it last, as package ingest does.
func addLoad(ctx context.Context, w *warehouse.Warehouse, seq, rows uint64) error {
	params, err := warehouse.EncodeParams(ctx, warehouse.Params{"seq": seq, "rows": rows})
	if err != nil {
		return err
	}
	for _, statement := range []string{
		"INSERT INTO usage_events (load_seq, row_number) SELECT {seq:UInt64}, number FROM numbers({rows:UInt64})",
		"INSERT INTO loads (load_seq, revision, status) VALUES ({seq:UInt64}, 1, 'loading')",
		"INSERT INTO loads (load_seq, revision, status, rows_loaded) SELECT {seq:UInt64}, 2, 'committed', {rows:UInt64}",
	} {
		if err := w.Conn().Exec(params, statement); err != nil {
			return err
		}
	}
	return nil
}

// TestLookBesideWriters: what others are just writing is never taken for damage, and all of it is expected in the end.
func TestLookBesideWriters(t *testing.T) {
	dsn := warehousetest.NewDSN()
	w := warehousetest.Open(t, dsn)
	const writers, loads = 3, 12
	all, ctx := errgroup.WithContext(t.Context())
	for writer := range writers {
		all.Go(func() error {
			for i := range loads {
				if err := addLoad(ctx, w, uint64(writer*loads+i+1), 100); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range 2 {
		other := warehousetest.Open(t, dsn)
		all.Go(func() error {
			for range 25 {
				if err := other.CheckComplete(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	check(t, all.Wait())
	check(t, w.CheckComplete(t.Context()))
	if n := count(t, w, "SELECT max(stored_rows) FROM expected_rows WHERE table_name = 'loads'"); n != writers*loads {
		t.Errorf("%d loads are expected, want %d", n, writers*loads)
	}
}

// TestLostRowsAreCounted takes rows away in ways that leave no trace in a folder.
func TestLostRowsAreCounted(t *testing.T) {
	for name, test := range map[string]struct {
		lose, want string
		hidden     bool // the server does not show its parts
	}{
		"a load": {"ALTER TABLE loads DELETE WHERE load_seq = 2", "loads: 1 of 2 rows are missing", false},
		"the state of a load": {
			"ALTER TABLE loads DELETE WHERE load_seq = 2 AND revision = 2",
			"loads: the newest state of some rows is missing", false,
		},
		"an event": {
			"DELETE FROM usage_events WHERE load_seq = 1 AND row_number = 3", "usage_events of ld_1: 1 of 10", false,
		},
		"a mask": {
			"INSERT INTO usage_events (load_seq, row_number) VALUES (2, 99)", "usage_events of ld_2: 11 rows, 1 more", false,
		},
		"a table": {"DROP TABLE loads", "a table is gone", false},
		"hidden: an event": {
			"DELETE FROM usage_events WHERE load_seq = 1 AND row_number = 3", "usage_events of ld_1: 1 of 10", true,
		},
		"hidden: a load":     {"ALTER TABLE loads DELETE WHERE load_seq = 2", "loads: 1 of 2 rows are missing", true},
		"hidden: the record": {"TRUNCATE TABLE expected_rows_copy", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := warehousetest.New(t)
			if test.hidden {
				w.HideParts()
			}
			check(t, w.CheckComplete(t.Context()))
			check(t, addLoad(t.Context(), w, 1, 10))
			check(t, addLoad(t.Context(), w, 2, 10))
			check(t, w.CheckComplete(t.Context()))
			check(t, w.Conn().Exec(clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{
				"mutations_sync": 2,
			})), test.lose))
			err := w.CheckComplete(t.Context())
			if test.want == "" {
				check(t, err)
				return
			}
			if !errors.Is(err, warehouse.ErrDamaged) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// TestUnchangedTablesAreNotCounted: a look that finds nothing new writes nothing.
func TestUnchangedTablesAreNotCounted(t *testing.T) {
	w := warehousetest.New(t)
	check(t, addLoad(t.Context(), w, 1, 10))
	check(t, w.CheckComplete(t.Context()))
	last := count(t, w, "SELECT max(counted) FROM expected_rows")
	check(t, w.CheckComplete(t.Context()))
	if n := count(t, w, "SELECT max(counted) FROM expected_rows"); n != last {
		t.Errorf("%d counts were recorded, want %d", n, last)
	}
	w.HideParts()
	check(t, w.CheckComplete(t.Context()))
	if n := count(t, w, "SELECT max(counted) FROM expected_rows"); n != last {
		t.Errorf("without parts, %d counts were recorded, want %d", n, last)
	}
}

// TestHiddenPartsAreRefusedWithThatCode asks as a user who may not see parts that were set aside.
func TestHiddenPartsAreRefusedWithThatCode(t *testing.T) {
	w := warehousetest.New(t)
	conn, err := w.Analyst()
	check(t, err)
	defer conn.Close() //nolint:errcheck // nothing was written
	if err := conn.Exec(t.Context(), sql.Text("warehouse/detached_parts.sql")); !warehouse.IsDenied(err) {
		t.Errorf("%v, want that it is denied", err)
	}
}
