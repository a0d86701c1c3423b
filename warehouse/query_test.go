package warehouse_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// ask runs a query with parameters and scans its one value.
func ask(t rapid.TB, w *warehouse.Warehouse, query string, params warehouse.Params, into any) {
	t.Helper()
	encoded, err := warehouse.EncodeParams(context.Background(), params)
	if err == nil {
		err = w.Conn().QueryRow(encoded, query).Scan(into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestParamsOfEveryType(t *testing.T) {
	w := warehousetest.New(t)
	instant := time.Date(2026, 10, 1, 12, 34, 56, 123456789, time.FixedZone("", 7200))
	for name, test := range map[string]struct {
		value any
		query string
		want  string
	}{
		"string":   {"it's a \\ tab\tand\nline\x00end é", "SELECT {p:String}", "it's a \\ tab\tand\nline\x00end é"},
		"not null": {`\N`, "SELECT {p:String}", `\N`},
		"null":     {nil, "SELECT toString({p:Nullable(String)} IS NULL)", "1"},
		"integer":  {int64(math.MinInt64), "SELECT toString({p:Int64})", "-9223372036854775808"},
		"unsigned": {uint64(math.MaxUint64), "SELECT toString({p:UInt64})", "18446744073709551615"},
		"bool":     {true, "SELECT toString({p:Bool})", "true"},
		"decimal": {
			decimal.RequireFromString("12345678901234567890.000000000000000001"),
			"SELECT toString({p:Decimal(76, 18)})", "12345678901234567890.000000000000000001",
		},
		"time":    {instant, "SELECT toString({p:DateTime64(9, 'UTC')})", "2026-10-01 10:34:56.123456789"},
		"seconds": {instant.Truncate(time.Second), "SELECT toString({p:DateTime64(3, 'UTC')})", "2026-10-01 10:34:56.000"},
		"date":    {warehouse.Date(instant), "SELECT toString({p:Date})", "2026-10-01"},
		"strings": {
			[]string{"it's", `\`, "a,b", "\t\n]"}, "SELECT arrayStringConcat({p:Array(String)}, '|')", "it's|\\|a,b|\t\n]",
		},
		"numbers": {[]uint64{1, math.MaxUint64}, "SELECT toString({p:Array(UInt64)})", "[1,18446744073709551615]"},
		"none":    {[]string{}, "SELECT toString(empty({p:Array(String)}))", "1"},
		"times": {
			[]time.Time{instant}, "SELECT toString({p:Array(DateTime64(9, 'UTC'))}[1])", "2026-10-01 10:34:56.123456789",
		},
		"decimals": {
			[]decimal.Decimal{decimal.RequireFromString("0.1")}, "SELECT toString({p:Array(Decimal(38, 18))}[1])", "0.1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			ask(t, w, test.query, warehouse.Params{"p": test.value}, &got)
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestParamsRefuseFloats(t *testing.T) {
	for _, value := range []any{1.5, []float64{1}, struct{}{}} {
		if _, err := warehouse.EncodeParams(context.Background(), warehouse.Params{"p": value}); err == nil {
			t.Errorf("%T is taken as a parameter", value)
		}
	}
}

func TestAnyStringPassesAsParam(t *testing.T) {
	w := warehousetest.New(t)
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "strings")
		single := rapid.String().Draw(t, "string")
		var got []string
		ask(t, w, "SELECT arrayConcat({list:Array(String)}, [{one:String}])",
			warehouse.Params{"list": want, "one": single}, &got)
		if diff := cmp.Diff(append(append([]string{}, want...), single), got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestStatementsByName(t *testing.T) {
	w := warehousetest.New(t)
	ctx := context.Background()
	applied, err := warehouse.Select[warehouse.AppliedMigration](ctx, w, "warehouse/schema_migrations.sql", nil)
	check(t, err)
	if len(applied) == 0 || applied[0].Number != 1 || applied[0].AppliedAt.IsZero() {
		t.Errorf("applied migrations: %+v", applied)
	}
	var found uint64
	check(t, w.QueryRow(ctx, "warehouse/database_count.sql", warehouse.Params{"database": "system"}, &found))
	if found != 1 {
		t.Errorf("found %d databases system, want 1", found)
	}
	rows, err := w.Query(ctx, "warehouse/schema_migrations.sql", nil)
	check(t, err)
	check(t, rows.Close())
	err = w.Exec(ctx, "warehouse/record_migration.sql", warehouse.Params{"number": -1, "name": "", "sha256": ""})
	if err == nil {
		t.Error("a negative number passes as UInt32")
	}
}

// TestMisspeltNamesFail: a section or table whose name is misspelt, in the statement or by its caller, fails.
func TestMisspeltNamesFail(t *testing.T) {
	w := warehousetest.New(t)
	table, err := ext.NewTable("rolled_loads", ext.Column("load_seq", "UInt64"))
	check(t, err)
	tests := []struct {
		name, statement string
		params          warehouse.Params
		want            string
	}{
		{"section", "aggregate/unfit.sql", warehouse.Params{"any_exect": true}, `whether its section "any_exact" is wanted`},
		{"section no bool", "aggregate/unfit.sql", warehouse.Params{"any_exact": 1}, `whether its section "any_exact"`},
		{"table", "aggregate/insert_rollups.sql", warehouse.Params{"rolled_load": table}, `"rolled_loads" is given as`},
		{"no table", "aggregate/insert_rollups.sql", warehouse.Params{"timezone": "UTC", "now": time.Now()}, "rolled_loads"},
		{"parameter", "warehouse/check_table.sql", warehouse.Params{"tabel": "loads"}, "`table` is not set"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := w.Exec(context.Background(), test.statement, test.params)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}
