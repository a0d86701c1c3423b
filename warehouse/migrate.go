package warehouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/creditmill/creditmill/sql"
)

const (
	migrateLock      = "migrate"
	migratePatience  = 2 * time.Minute
	codeUnknownTable = 60
	migrateAdvice    = "run: creditmill migrate"
)

// AppliedMigration is a migration as the warehouse remembers it.
type AppliedMigration struct {
	Number    uint32    `ch:"number" json:"number"`
	Name      string    `ch:"name" json:"name"`
	SHA256    string    `ch:"sha256" json:"sha256"`
	AppliedAt time.Time `ch:"applied_at" json:"applied_at"`
}

// Migrate brings the schema to this binary's and returns the names of the migrations it ran, none when all were
// there. Every statement can be run again, so one that was cut short is simply repeated by the next call. A
// migration that was applied with another content than this binary has, or that this binary does not know, is
// ErrNotMigrated.
func (w *Warehouse) Migrate(ctx context.Context) ([]string, error) {
	return w.migrate(ctx, sql.Migrations())
}

func (w *Warehouse) migrate(ctx context.Context, all []sql.Migration) ([]string, error) {
	pending, err := w.pending(ctx, all)
	if err != nil {
		return nil, err
	}
	if len(pending) == 0 {
		return nil, w.migrateShards(ctx, all)
	}
	if err := w.makeShards(ctx); err != nil {
		return nil, fmt.Errorf("prepare migrations: %w", err)
	}
	for _, name := range []string{"warehouse/create_schema_migrations.sql", "warehouse/create_locks.sql"} {
		if err := w.Exec(ctx, name, nil); err != nil {
			return nil, fmt.Errorf("prepare migrations: %w", err)
		}
	}
	release, err := w.LockPatiently(ctx, migrateLock, migratePatience)
	if err != nil {
		return nil, err
	}
	defer release()
	// Another command may have done it meanwhile.
	if pending, err = w.pending(ctx, all); err != nil {
		return nil, err
	}
	if err := w.migrateShards(ctx, all[:len(all)-len(pending)]); err != nil {
		return nil, err
	}
	var done []string
	for _, migration := range pending {
		if err := w.apply(ctx, migration); err != nil {
			return done, err
		}
		done = append(done, migration.Name)
	}
	return done, nil
}

func (w *Warehouse) apply(ctx context.Context, migration sql.Migration) error {
	for i, statement := range migration.Statements() {
		if err := w.define(ctx, statement); err != nil {
			return fmt.Errorf("apply migration %s, statement %d: %w", migration.Name, i+1, err)
		}
	}
	err := w.Exec(ctx, "warehouse/record_migration.sql", Params{
		"number": migration.Number, "name": migration.Name, "sha256": migration.SHA256,
	})
	if err != nil {
		return fmt.Errorf("record migration %s: %w", migration.Name, err)
	}
	w.config.Log.Info().Str("migration", migration.Name).Str("warehouse", w.DSN()).Msg("migration_applied")
	return nil
}

// Applied returns the migrations the warehouse has had, in order; none where it was never migrated.
func (w *Warehouse) Applied(ctx context.Context) ([]AppliedMigration, error) {
	applied, err := Select[AppliedMigration](ctx, w, "warehouse/schema_migrations.sql", nil)
	var exception *clickhouse.Exception
	if errors.As(err, &exception) && exception.Code == codeUnknownTable {
		return nil, nil
	}
	return applied, err
}

// pending returns the migrations still to run.
func (w *Warehouse) pending(ctx context.Context, all []sql.Migration) ([]sql.Migration, error) {
	applied, err := w.Applied(ctx)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	if err := compareMigrations(w.DSN(), applied, all); err != nil {
		return nil, err
	}
	return all[len(applied):], nil
}

// compareMigrations checks that what was applied is the beginning of what this binary has.
func compareMigrations(name string, applied []AppliedMigration, all []sql.Migration) error {
	for i, had := range applied {
		if i >= len(all) {
			return fmt.Errorf("use warehouse %s: a newer creditmill migrated it (%s); update creditmill: %w",
				name, had.Name, ErrNotMigrated)
		}
		if all[i].SHA256 != had.SHA256 {
			return fmt.Errorf("use warehouse %s: migration %s is not the one that was applied (sha256 %.12s… here, "+
				"%.12s… there); a released migration never changes: use the creditmill that made the warehouse, or a new one: %w",
				name, all[i].Name, all[i].SHA256, had.SHA256, ErrNotMigrated)
		}
	}
	return nil
}

func (w *Warehouse) checkMigrated(ctx context.Context) error {
	pending, err := w.pending(ctx, sql.Migrations())
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return fmt.Errorf("use warehouse %s: migrations to be applied: %d, from %s on; %s: %w",
			w.DSN(), len(pending), pending[0].Name, migrateAdvice, ErrNotMigrated)
	}
	return w.checkShards(ctx)
}

// schemaSHA256 is the hash of a migration of this binary; empty where it has none of that number.
func schemaSHA256(number uint32) string {
	all := sql.Migrations()
	if number == 0 || int(number) > len(all) {
		return ""
	}
	return all[number-1].SHA256
}
