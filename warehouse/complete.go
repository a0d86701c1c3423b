package warehouse

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"
)

// ErrDamaged is returned when the warehouse has lost rows, or holds files that cannot be read: no figure made of it
// would be right.
var ErrDamaged = errors.New("the warehouse is damaged")

// storedTable is a table that figures are made of.
type storedTable struct {
	name string
	// countedBy are the tables whose rows say how many rows this one has (incomplete_rows.sql). None: it is only ever
	// added to, and expected_rows says how many rows it has had (count_rows.sql).
	countedBy []string
}

// storedTables are all tables that must be complete before money is read from them. The others are of one command:
// candidate_ids is scratch, locks are locks, a notice that is lost is sent again, and schema_migrations says itself
// what it lacks.
var storedTables = []storedTable{
	{name: "loads"},
	{name: "rollups"},
	{name: "totals"},
	{name: "catalogs"},
	{name: "prices"},
	{name: "aggregate_runs"},
	{name: "customers"},
	{name: "subscriptions"},
	{name: "stripe_states"},
	{name: "grants"},
	{name: "grant_revocations"},
	{name: "plans"},
	{name: "charge_plan"},
	{name: "charge_event"},
	{name: "decisions"},
	{name: "closed_periods"},
	{name: "rebills"},
	{name: "job_runs"},
	{name: "settings"},
	{name: "api_tokens"},
	{name: "removals"},
	{name: "costs"},
	{name: "cost_reports"},
	{name: "expired_loads"},
	{name: "usage_events", countedBy: []string{"loads", "expired_loads"}},
	{name: "duplicate_events", countedBy: []string{"loads"}},
	{name: "replaced_events", countedBy: []string{"loads"}},
	{name: "rejects", countedBy: []string{"loads"}},
	{name: "load_objects", countedBy: []string{"loads"}},
	{name: "expired_events", countedBy: []string{"expired_loads"}},
	{name: "kept_days", countedBy: []string{"expired_loads"}},
	{name: "usage_daily", countedBy: []string{"rollups", "loads"}},
	{name: "usage_totals", countedBy: []string{"totals"}},
	{name: "balances", countedBy: []string{"aggregate_runs"}},
	{name: "period_spend", countedBy: []string{"aggregate_runs"}},
}

const (
	codeAccessDenied = 497
	// What a command beside this one is writing may look incomplete for a moment: it is looked at again.
	completeLooks, completePause = 5, 50 * time.Millisecond
)

// CheckComplete compares what must be in the warehouse with what is there, and returns a *DamagedError where rows are
// missing. While no part of a table has changed since it was last found complete, that takes three small queries. What
// has changed is counted, and recorded where it is complete: so whoever calls it after writing makes sure that what he
// wrote is expected from then on.
//
// The record is written after the rows. So a command that is killed in between leaves rows that are not expected yet,
// never rows that are missed; the next command that looks, of whatever kind, records them. Nothing was reported of them
// by then.
func (w *Warehouse) CheckComplete(ctx context.Context) error { return w.checkComplete(ctx, false) }

// CountAll is CheckComplete that counts every table, changed or not.
func (w *Warehouse) CountAll(ctx context.Context) error { return w.checkComplete(ctx, true) }

func (w *Warehouse) checkComplete(ctx context.Context, all bool) error {
	var before []Damage
	for look := 1; ; look++ {
		found, err := w.lookForDamage(ctx, all)
		if isUnknownTable(err) {
			return fmt.Errorf("read warehouse %s: %w: a table is gone; restore a backup: %w", w.DSN(), ErrDamaged, err)
		}
		if err != nil || len(found) == 0 {
			return err
		}
		if slices.Equal(found, before) || look == completeLooks {
			return &DamagedError{Warehouse: w.DSN(), Damage: found}
		}
		before = found
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(completePause):
		}
	}
}

// expectedRows is a row of expected_rows.sql.
type expectedRows struct {
	Table         string `ch:"table_name"`
	Rows          uint64 `ch:"stored_rows"`
	Versions      uint64 `ch:"versions"`
	Parts         uint64 `ch:"parts"`
	CountedFirst  uint64 `ch:"counted_first"`
	CountedSecond uint64 `ch:"counted_second"`
	InFirst       bool   `ch:"in_first"`
	InSecond      bool   `ch:"in_second"`
}

// record is what was counted before, in both its copies.
type record struct {
	tables map[string]expectedRows
	last   uint64 // number of the last count
	// uneven: one copy lacks what the other has.
	uneven bool
}

// readRecord reads both copies, again where they differ: another command may have written the first of them just now.
func (w *Warehouse) readRecord(ctx context.Context) (record, error) {
	r, err := w.readCopies(ctx)
	if err != nil || !r.uneven {
		return r, err
	}
	select {
	case <-ctx.Done():
		return record{}, ctx.Err()
	case <-time.After(completePause):
		return w.readCopies(ctx)
	}
}

func (w *Warehouse) readCopies(ctx context.Context) (record, error) {
	rows, err := Select[expectedRows](ctx, w, "warehouse/expected_rows.sql", nil)
	if err != nil {
		return record{}, fmt.Errorf("read what must be stored: %w", err)
	}
	r := record{tables: make(map[string]expectedRows, len(rows))}
	for _, row := range rows {
		r.tables[row.Table] = row
		r.last = max(r.last, row.CountedFirst, row.CountedSecond)
		r.uneven = r.uneven || row.CountedFirst != row.CountedSecond || row.InFirst != row.InSecond
	}
	return r, nil
}

func (w *Warehouse) lookForDamage(ctx context.Context, countAll bool) ([]Damage, error) {
	var expected record
	var parts map[string]uint64
	var found []Damage
	all, reading := errgroup.WithContext(ctx)
	all.Go(func() (err error) {
		expected, err = w.readRecord(reading)
		return err
	})
	all.Go(func() (err error) {
		parts, err = w.tableParts(reading)
		return err
	})
	all.Go(func() (err error) {
		found, err = w.setAside(reading)
		return err
	})
	if err := all.Wait(); err != nil {
		return nil, err
	}
	if len(expected.tables) == 0 {
		return append(found, Damage{Table: "expected_rows", Lost: true}), nil
	}
	changed := Params{}
	var names []string
	for _, table := range storedTables {
		sign := parts[table.name]
		changed[table.name] = countAll || sign == 0 || sign != expected.tables[table.name].Parts
		if changed[table.name] == true {
			names = append(names, table.name)
		}
	}
	if len(names) == 0 && !expected.uneven {
		return found, nil
	}
	counted, missing, err := w.countTables(ctx, changed, expected)
	found = append(found, missing...)
	if err != nil || len(found) > 0 {
		return found, err
	}
	grown := func(now expectedRows) bool {
		had := expected.tables[now.Table]
		return now.Rows > had.Rows || now.Versions > had.Versions
	}
	if parts == nil && !expected.uneven && !slices.ContainsFunc(slices.Collect(maps.Values(counted)), grown) {
		return nil, nil
	}
	return nil, w.recordCount(ctx, expected, names, counted, parts)
}

// countTables counts the tables that have changed and returns what is missing.
func (w *Warehouse) countTables(
	ctx context.Context, changed Params, expected record,
) (counted map[string]expectedRows, missing []Damage, err error) {
	rows, err := Select[countedRows](ctx, w, "warehouse/count_rows.sql", changed)
	if err != nil {
		return nil, nil, fmt.Errorf("count rows: %w", err)
	}
	counted = make(map[string]expectedRows, len(rows))
	for _, row := range rows {
		counted[row.Table] = expectedRows{Table: row.Table, Rows: row.Rows, Versions: row.Versions}
		had := expected.tables[row.Table]
		if row.Rows < had.Rows || row.Versions < had.Versions {
			missing = append(missing, Damage{Table: row.Table, Expected: had.Rows, Found: row.Rows})
		}
	}
	names := []string{}
	for name, isChanged := range changed {
		if isChanged == true {
			names = append(names, name)
		}
	}
	changed["changed"] = names
	incomplete, err := Select[incompleteRows](ctx, w, "warehouse/incomplete_rows.sql", changed)
	if err != nil {
		return nil, nil, fmt.Errorf("count rows of loads and runs: %w", err)
	}
	for _, row := range incomplete {
		missing = append(missing, Damage{Table: row.Table, Of: row.Of, Expected: row.Expected, Found: row.Found})
	}
	return counted, missing, nil
}

// countedRows is a row of count_rows.sql.
type countedRows struct {
	Table    string `ch:"table_name"`
	Rows     uint64 `ch:"stored_rows"`
	Versions uint64 `ch:"versions"`
}

// incompleteRows is a row of incomplete_rows.sql.
type incompleteRows struct {
	Table    string `ch:"table_name"`
	Of       string `ch:"part_of"`
	Expected uint64 `ch:"expected"`
	Found    uint64 `ch:"found"`
}

// recordCount writes what was counted to both copies of the record, and to each what it lacks. The parts are those
// before the count: where they have changed meanwhile, it is not known which of them were counted.
func (w *Warehouse) recordCount(
	ctx context.Context, expected record, names []string, counted map[string]expectedRows, before map[string]uint64,
) error {
	after, err := w.tableParts(ctx)
	if err != nil {
		return err
	}
	if expected.uneven {
		w.config.Log.Warn().Str("table", "expected_rows").Msg("a_copy_of_the_record_lacked_rows_and_is_written_again")
		names = names[:0]
		for _, table := range storedTables {
			names = append(names, table.name)
		}
	}
	tables := []string{""}
	rows, versions, parts := []uint64{0}, []uint64{0}, []uint64{0}
	for _, name := range names {
		had, now := expected.tables[name], counted[name]
		sign := after[name]
		if sign != before[name] {
			sign = 0
		}
		tables = append(tables, name)
		rows, versions = append(rows, max(had.Rows, now.Rows)), append(versions, max(had.Versions, now.Versions))
		parts = append(parts, sign)
	}
	params := Params{
		"tables": tables, "stored_rows": rows, "versions": versions, "parts": parts, "counted": expected.last + 1,
	}
	for _, copied := range []string{"warehouse/insert_expected_rows.sql", "warehouse/insert_expected_rows_copy.sql"} {
		if err := w.Exec(ctx, copied, params); err != nil {
			return fmt.Errorf("record what must be stored: %w", err)
		}
	}
	return nil
}

// tableParts is a hash of the parts that each table is made of, and of those of the tables that say how many rows it
// has. It is empty where the server does not show its parts: then everything is counted each time.
func (w *Warehouse) tableParts(ctx context.Context) (map[string]uint64, error) {
	type tableParts struct {
		Table string `ch:"table_name"`
		Parts uint64 `ch:"parts"`
	}
	if w.partsHidden.Load() {
		return nil, nil
	}
	own := make(map[string]uint64, len(storedTables))
	err := w.eachPlace(func(number uint32, conn driver.Conn) error {
		var rows []tableParts
		if err := conn.Select(ctx, &rows, text("warehouse/table_parts.sql")); err != nil {
			return err
		}
		for _, row := range rows {
			// Parts of two shards may be alike.
			own[row.Table] ^= bits.RotateLeft64(row.Parts, int(number))
		}
		return nil
	})
	if isDenied(err) {
		w.partsHidden.Store(true)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list parts: %w", err)
	}
	signs := make(map[string]uint64, len(storedTables))
	for _, table := range storedTables {
		sign := fnv.New64a()
		for _, name := range append([]string{table.name}, table.countedBy...) {
			fmt.Fprintf(sign, "%s %d\n", name, own[name])
		}
		signs[table.name] = sign.Sum64()
	}
	return signs, nil
}

// setAside are the damaged parts of tables that are only added to. What the others have lost, their counts say.
func (w *Warehouse) setAside(ctx context.Context) ([]Damage, error) {
	type detached struct {
		Table string `ch:"table_name"`
		Part  string `ch:"part"`
		Path  string `ch:"path"`
	}
	var rows []detached
	err := w.eachPlace(func(_ uint32, conn driver.Conn) error {
		var own []detached
		err := conn.Select(ctx, &own, text("warehouse/detached_parts.sql"))
		rows = append(rows, own...)
		return err
	})
	if isDenied(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list parts that were set aside: %w", err)
	}
	var found []Damage
	for _, row := range rows {
		counts := func(t storedTable) bool { return t.name == row.Table && len(t.countedBy) == 0 }
		if slices.ContainsFunc(storedTables, counts) {
			found = append(found, Damage{Table: row.Table, SetAside: row.Path})
		}
	}
	return found, nil
}

func isDenied(err error) bool { return hasCode(err, codeAccessDenied) }

func isUnknownTable(err error) bool { return hasCode(err, codeUnknownTable) }

func hasCode(err error, code int32) bool {
	var exception *clickhouse.Exception
	return errors.As(err, &exception) && exception.Code == code
}

// StoredTables is the number of tables that CheckComplete looks at.
func StoredTables() uint64 { return uint64(len(storedTables)) }
