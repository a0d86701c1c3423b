package warehouse

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// BackUp copies all that is stored into the folder, which it makes, or which is empty, and describes it there in a
// Manifest. The caller holds the writer lock, so that what is copied is one state; whoever reads goes on meanwhile.
// written is called when the lock is needed no more: what is left is to hash what was copied.
//
// The engine is confined and may write below the warehouse's own folder backup/ only. There the folder is linked for
// as long as it is written.
func (w *Warehouse) BackUp(ctx context.Context, folder string, written func()) (Manifest, error) {
	if err := w.mustBeOurs("back up"); err != nil {
		return Manifest{}, err
	}
	if err := w.CountAll(ctx); err != nil {
		return Manifest{}, fmt.Errorf("back up: %w", err)
	}
	m, err := w.describe(ctx)
	if err != nil {
		return Manifest{}, fmt.Errorf("back up %s: %w", w.DSN(), err)
	}
	w.reached("backup described")
	if err := makeEmpty(folder); err != nil {
		return Manifest{}, fmt.Errorf("back up to %s: %w", folder, err)
	}
	w.reached("backup folder made")
	data := filepath.Join(folder, BackupData)
	if err := os.Mkdir(data, 0o700); err != nil {
		return Manifest{}, fmt.Errorf("back up to %s: %w", folder, err)
	}
	if err := w.linked(ctx, data, "warehouse/back_up.sql"); err != nil {
		return Manifest{}, fmt.Errorf("back up to %s: %w", folder, err)
	}
	w.reached("backup copied")
	written()
	if err := m.finish(folder, w.reached); err != nil {
		return Manifest{}, fmt.Errorf("back up to %s: %w", folder, err)
	}
	w.reached("backup finished")
	return m, nil
}

// reached tells a test how far a backup or a restore is.
func (w *Warehouse) reached(point string) {
	if w.config.Fault != nil {
		w.config.Fault(point)
	}
}

// Transfer is an empty folder, on the disk of the warehouse, for a backup that is on its way to or from elsewhere. Of
// an earlier one that was cut short nothing is left. The caller holds the TransferLock, and removes the folder.
func (w *Warehouse) Transfer() (string, error) {
	if err := w.mustBeOurs("back up or restore"); err != nil {
		return "", err
	}
	folder := w.engine.files.transfer()
	if err := errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o700)); err != nil {
		return "", fmt.Errorf("make a folder for a backup: %w", err)
	}
	return folder, nil
}

// mustBeOurs refuses a server, and a database that the statements do not name: they take no parameter for it.
func (w *Warehouse) mustBeOurs(what string) error {
	if w.engine == nil {
		return fmt.Errorf("%s: the warehouse is a server of your own, whose files its own BACKUP and RESTORE reach; "+
			"see docs/operate.md: %w", what, ErrConfig)
	}
	if w.target.database != defaultDatabase {
		return fmt.Errorf("%s %s: only the database %s of an embedded warehouse can be: %w", what, w.DSN(), defaultDatabase,
			ErrConfig)
	}
	return nil
}

// describe is the manifest of what is stored now, without the files.
func (w *Warehouse) describe(ctx context.Context) (Manifest, error) {
	m := Manifest{Format: manifestFormat, MadeAt: w.wall().UTC().Truncate(time.Millisecond), ClickHouse: w.version}
	applied, err := w.Applied(ctx)
	if err != nil {
		return m, err
	}
	if len(applied) > 0 {
		last := applied[len(applied)-1]
		m.Schema, m.SchemaSHA256 = last.Number, last.SHA256
	}
	var last ChargeEvent
	err = w.QueryRow(ctx, "warehouse/backup_state.sql", nil, &m.LastLoadSeq, &last.ChargeID, &last.Step, &last.Kind,
		&last.At, &m.CatalogSHA256)
	if err != nil {
		return m, err
	}
	if last.ChargeID != "" {
		last.At = last.At.UTC()
		m.LastChargeEvent = &last
	}
	m.Rows, err = w.storedRows(ctx, true)
	return m, err
}

// storedRows counts the rows of each table; settled leaves out those of loads that others may be reading or giving up
// just now, which needs no lock.
func (w *Warehouse) storedRows(ctx context.Context, settled bool) (map[string]uint64, error) {
	rows := map[string]uint64{}
	var table string
	var count uint64
	return rows, w.Each(ctx, "warehouse/stored_rows.sql", Params{"settled": settled}, []any{&table, &count}, func() error {
		rows[table] = count
		return nil
	})
}

// finish puts what was copied on disk and writes the manifest, in this order.
func (m *Manifest) finish(folder string, reached func(point string)) error {
	data := filepath.Join(folder, BackupData)
	if err := syncFiles(data); err != nil {
		return err
	}
	var err error
	if m.Files, err = listFiles(data); err != nil {
		return err
	}
	for _, file := range m.Files {
		m.Bytes += file.Bytes
	}
	reached("backup synced")
	if m.SHA256, err = m.sum(); err != nil {
		return err
	}
	if err := writePrivateJSON(filepath.Join(folder, ManifestFile), *m); err != nil {
		return err
	}
	return errors.Join(syncFile(folder), syncFile(filepath.Dir(filepath.Clean(folder))))
}

// makeEmpty makes the folder, or leaves it where it is empty.
func makeEmpty(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("%w: the folder is not empty; each backup needs a new one", ErrBackup)
	}
	return err
}

// linked runs a statement while the folder is linked to where the engine may reach it.
func (w *Warehouse) linked(ctx context.Context, folder, statement string) (err error) {
	folder, err = filepath.Abs(folder)
	if err != nil {
		return err
	}
	backups := w.engine.files.backups()
	if err := os.MkdirAll(backups, 0o700); err != nil {
		return err
	}
	link := filepath.Join(backups, rand.Text())
	if err := os.Symlink(folder, link); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(link)) }()
	options := w.clientOptions("system")
	options.Auth.Username, options.Auth.Password = backupUser, w.engine.passwords.Backup
	options.ReadTimeout = backupPatience
	conn, err := clickhouse.Open(options)
	if err != nil {
		return fmt.Errorf("connect to engine: %w: %w", ErrUnreachable, err)
	}
	defer conn.Close() //nolint:errcheck // the statement has ended
	return conn.Exec(withParams(w.Marked(ctx), Params{"folder": link}), text(statement))
}

// backupPatience is how long the engine may copy without a word.
const backupPatience = 24 * time.Hour

// Restore makes the warehouse from the backup in the folder, which is looked at first as CheckBackup does, and
// marks it restored at that time. The warehouse must be embedded, come from Connect, and be empty; the caller holds
// the writer lock. It is brought to this binary's schema. A restore that is cut short is begun again by the next one;
// until then Open refuses the warehouse.
func (w *Warehouse) Restore(ctx context.Context, folder string, now time.Time) (Manifest, error) {
	if err := w.mustBeOurs("restore"); err != nil {
		return Manifest{}, err
	}
	m, err := CheckBackup(folder)
	if err == nil {
		err = w.CanRestore(ctx, m, folder)
	}
	if err != nil {
		return m, err
	}
	if err := w.makeAnew(ctx, folder, m, now); err != nil {
		return m, fmt.Errorf("restore %s from %s: %w", w.DSN(), folder, err)
	}
	return m, nil
}

// CanRestore refuses the backup of that manifest, which is in the place named, for a warehouse that holds anything, and
// one of a schema that this binary does not know. Its files are not looked at.
func (w *Warehouse) CanRestore(ctx context.Context, m Manifest, place string) error {
	if err := w.mustBeOurs("restore"); err != nil {
		return err
	}
	if err := m.fits(place); err != nil {
		return err
	}
	return w.mustBeEmpty(ctx)
}

func (w *Warehouse) makeAnew(ctx context.Context, folder string, m Manifest, now time.Time) error {
	marker := w.engine.files.restoring()
	if err := writePrivate(marker, []byte(m.SHA256+"\n")); err != nil {
		return err
	}
	w.reached("restore begun")
	err := w.conn.Exec(withParams(w.Marked(ctx), Params{"database": w.target.database}),
		text("warehouse/drop_database.sql"))
	if err != nil {
		return err
	}
	w.reached("restore dropped")
	if err := w.linked(ctx, filepath.Join(folder, BackupData), "warehouse/restore.sql"); err != nil {
		return err
	}
	w.reached("restore copied")
	if _, err := w.Migrate(ctx); err != nil {
		return err
	}
	w.reached("restore migrated")
	if err := w.CountAll(ctx); err != nil {
		return err
	}
	w.reached("restore counted")
	rows, err := w.storedRows(ctx, true)
	if err != nil {
		return err
	}
	for _, table := range storedTables {
		if rows[table.name] != m.Rows[table.name] {
			return fmt.Errorf("%w: %d rows of %s came back, %d were backed up", ErrBackup, rows[table.name], table.name,
				m.Rows[table.name])
		}
	}
	if err := w.MarkRestored(ctx, now); err != nil {
		return err
	}
	w.reached("restore marked")
	return os.Remove(marker)
}

// fits tells a backup of a newer creditmill, and one of a schema that this one does not know.
func (m Manifest) fits(folder string) error {
	if known := schemaSHA256(m.Schema); known == "" || known != m.SchemaSHA256 {
		return fmt.Errorf("restore %s: %w: its schema (migration %d) is not one of this creditmill; restore it with the "+
			"version that made it, or a newer one", folder, ErrBackup, m.Schema)
	}
	return nil
}

// mustBeEmpty refuses a warehouse that holds anything: what is there would be lost. One that a restore was cut short
// in holds nothing else.
func (w *Warehouse) mustBeEmpty(ctx context.Context) error {
	if _, err := os.Stat(w.engine.files.restoring()); err == nil {
		return nil
	}
	applied, err := w.Applied(ctx)
	if err != nil || len(applied) == 0 {
		return err
	}
	if _, err := w.Migrate(ctx); err != nil {
		return err
	}
	rows, err := w.storedRows(ctx, false)
	if err != nil {
		return err
	}
	for _, table := range storedTables {
		if rows[table.name] > 0 && table.name != "settings" {
			return fmt.Errorf("restore into %s: %w: it is not empty (%s has rows); restore into a new folder, and use that",
				w.DSN(), ErrBackup, table.name)
		}
	}
	return nil
}

// refuseHalfRestored refuses a warehouse in which a restore was cut short.
func (w *Warehouse) refuseHalfRestored() error {
	if w.engine == nil {
		return nil
	}
	_, err := os.Stat(w.engine.files.restoring())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, fmt.Errorf("use warehouse %s: %w: a restore was cut short in it; run restore again",
		w.DSN(), ErrDamaged))
}
