package warehouse

import (
	"context"
	"path/filepath"

	"github.com/creditmill/creditmill/sql"
)

// What the tests of this package see beyond its interface.
var (
	CheckVersion = checkVersion
	IsDenied     = isDenied
	AdviceOn     = adviceOn
)

// FindLibrary looks where a program at that path, built from that source file, would.
func FindLibrary(setting, program, source string) (string, error) {
	return findLibrary(setting, places{program: program, source: source})
}

func (w *Warehouse) MigrateTo(ctx context.Context, all []sql.Migration) ([]string, error) {
	return w.migrate(ctx, all)
}

// ParsedDSN is a DSN as it is shown, and its parts.
func ParsedDSN(dsn, password string) (shown, address, user, secret string, secure bool, err error) {
	t, err := parseDSN(dsn, password)
	return t.String(), t.address, t.user, t.password, t.tls != nil, err
}

// EnginePID is the process of the engine that w uses.
func (w *Warehouse) EnginePID() int {
	w.engine.mutex.Lock()
	defer w.engine.mutex.Unlock()
	return w.engine.running.PID
}

// EngineAlive tells whether an engine runs on the directory.
func EngineAlive(directory string) (bool, error) {
	e := &engine{files: engineFiles{directory: directory}}
	return e.alive()
}

// EncodeParams puts parameters into the context, as Exec and Query do.
func EncodeParams(ctx context.Context, params Params) (context.Context, error) {
	return encodeParams(ctx, params)
}

// HideParts does as a server does that does not show its parts.
func (w *Warehouse) HideParts() { w.partsHidden.Store(true) }

// TablesLookedAt are the names of storedTables.
func TablesLookedAt() []string {
	names := make([]string, len(storedTables))
	for i, table := range storedTables {
		names[i] = table.name
	}
	return names
}

// HTTPAddress is where the HTTP interface listens once it is opened.
func (w *Warehouse) HTTPAddress() string { return loopbackAddress(w.engine.httpPort()) }

// LibraryInModule is where npm installs the library in a module.
func LibraryInModule() string {
	return filepath.Join("node_modules", "@chdb", libraryPackage(), libraryFile())
}

// Directory is the embedded warehouse's.
func (w *Warehouse) Directory() string { return w.target.directory }

// BackupPassword is that of the user backup.
func (w *Warehouse) BackupPassword() string { return w.engine.passwords.Backup }
