package warehouse_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/sql"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

func TestMigrateTwice(t *testing.T) {
	w := warehousetest.New(t)
	ctx := context.Background()
	before, err := w.Applied(ctx)
	check(t, err)
	if len(before) != len(sql.Migrations()) {
		t.Fatalf("%d migrations applied, want %d", len(before), len(sql.Migrations()))
	}
	done, err := w.Migrate(ctx)
	check(t, err)
	if len(done) != 0 {
		t.Errorf("the second time it applied %v", done)
	}
	after, err := w.Applied(ctx)
	check(t, err)
	if !slices.Equal(before, after) {
		t.Errorf("the second time changed %v to %v", before, after)
	}
}

// TestMigrationsCanBeRepeated runs every statement a second time, as after a kill between the last statement and
// its record.
func TestMigrationsCanBeRepeated(t *testing.T) {
	w := warehousetest.New(t)
	for _, migration := range sql.Migrations() {
		for i, statement := range migration.Statements() {
			if err := w.Conn().Exec(context.Background(), statement); err != nil {
				t.Errorf("sql/migrations/%s: statement %d cannot be repeated: %v", migration.Name, i+1, err)
			}
		}
	}
}

func TestMigrationKilledInTheMiddle(t *testing.T) {
	directory := t.TempDir()
	w := open(t, directory)
	defer func() { check(t, w.Close()) }()
	migrating := start(t, migrateVerb, directory)
	eventually(t, "the first statement has run", func() bool {
		return count(t, w, "SELECT count() FROM system.tables WHERE name = 'before_kill'") == 1
	})
	migrating.kill()
	applied, err := w.Applied(context.Background())
	check(t, err)
	if len(applied) != 0 {
		t.Fatalf("a killed migration counts as applied: %v", applied)
	}
	done, err := w.MigrateTo(context.Background(), slowMigration())
	check(t, err)
	if !slices.Equal(done, []string{"0001_slow.sql"}) {
		t.Errorf("the next run applied %v", done)
	}
	if got := count(t, w, "SELECT count() FROM system.tables WHERE name IN ('before_kill', 'after_kill')"); got != 2 {
		t.Errorf("%d of 2 tables are there", got)
	}
}

func TestChangedAndNewerMigrationsAreRefused(t *testing.T) {
	w := warehousetest.New(t)
	ctx := context.Background()
	released := sql.Migrations()

	changed := slices.Clone(released)
	changed[1].SHA256 = strings.Repeat("0", 64)
	_, err := w.MigrateTo(ctx, changed)
	if !errors.Is(err, warehouse.ErrNotMigrated) || !strings.Contains(err.Error(), released[1].Name) {
		t.Errorf("a changed migration: %v, want ErrNotMigrated naming %s", err, released[1].Name)
	}

	last := released[len(released)-1]
	_, err = w.MigrateTo(ctx, released[:len(released)-1])
	if !errors.Is(err, warehouse.ErrNotMigrated) || !strings.Contains(err.Error(), last.Name) {
		t.Errorf("a newer warehouse: %v, want ErrNotMigrated naming %s", err, last.Name)
	}
}

func TestFailedMigrationStopsThere(t *testing.T) {
	w := warehousetest.New(t)
	more := append(sql.Migrations(), sql.Migration{
		Number: 99, Name: "0099_wrong.sql", SHA256: "99", SQL: "SELECT 1\n-- next\nCREATE TABLE",
	})
	done, err := w.MigrateTo(context.Background(), more)
	if err == nil || !strings.Contains(err.Error(), "0099_wrong.sql, statement 2") || len(done) != 0 {
		t.Errorf("got %v and %v, want an error naming file and statement", done, err)
	}
	_, err = w.Migrate(context.Background())
	check(t, err)
}

// TestServerIsNotAlteredUnasked uses the engine as a server of the user's own, by its address.
func TestServerIsNotAlteredUnasked(t *testing.T) {
	dsn, password := serverDSN(t, "unasked")
	ctx := context.Background()
	_, err := warehouse.Open(ctx, warehouse.Config{DSN: dsn, Password: password})
	if !errors.Is(err, warehouse.ErrNotMigrated) || !strings.Contains(err.Error(), "creditmill migrate") {
		t.Fatalf("open of an empty database: %v, want ErrNotMigrated and what to run", err)
	}
	w, err := warehouse.Open(ctx, warehouse.Config{DSN: dsn, Password: password, Migrate: true})
	check(t, err)
	check(t, w.Close())
	w, err = warehouse.Open(ctx, warehouse.Config{DSN: dsn, Password: password})
	check(t, err)
	check(t, w.Close())
}

// serverDSN makes an empty database on the engine and returns its address as that of a server, and the password.
func serverDSN(t *testing.T, database string) (dsn, password string) {
	t.Helper()
	w := warehousetest.New(t)
	exec1(t, w, "CREATE DATABASE "+database)
	t.Cleanup(func() { exec1(t, warehousetest.New(t), "DROP DATABASE "+database) })
	address, _, user, password, _ := w.Options()
	return "clickhouse://" + user + "@" + address + "/" + database, password
}
