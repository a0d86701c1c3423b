// Package warehouse is the way to ClickHouse: it connects, starts the embedded engine where that is asked for,
// migrates the schema, keeps two writers apart and runs the statements of package sql by name.
//
// A warehouse is named by a DSN. "embedded:DIR" means the ClickHouse that creditmill starts itself (engine.go says
// how it lives and who may connect); "clickhouse://user:password@host:9000/database" means a server that is there
// already. Either way clickhouse-go is the client and the same statements run: embedded only decides who starts the
// server.
//
// What always holds: no password is in an error or a log line; a warehouse that Open returned has the schema of this
// binary, no older and no newer.
package warehouse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"
)

var (
	// ErrUnreachable is returned when no ClickHouse answers at the DSN, the engine cannot start, or the login is
	// refused.
	ErrUnreachable = errors.New("warehouse is not reachable")
	// ErrNotMigrated is returned when a server's schema is older or newer than this binary, or was changed.
	ErrNotMigrated = errors.New("warehouse is not migrated")
	// ErrTooOld is returned when the server's version is below MinimumVersion.
	ErrTooOld = errors.New("server is too old")
	// ErrLocked is returned when another run holds the lock that is asked for; the message names it.
	ErrLocked = errors.New("locked by another run")
	// ErrConfig is returned when a DSN cannot be read or asks for what is not supported.
	ErrConfig = errors.New("warehouse setting is wrong")
)

// Config says which warehouse to open and how.
type Config struct {
	// DSN is "embedded:DIR" or "clickhouse://user:password@host:port/database?secure=true". There is no default.
	DSN string
	// Password is used where the DSN has none. Empty: the user has no password. Embedded: not used.
	Password string
	// Log takes the events of the package. Zero value: nothing is logged.
	Log zerolog.Logger
	// Now is the wall clock, for lock owners and waiting times shown to people. Nil: those times are left out.
	Now func() time.Time
	// MemoryLimitBytes bounds the embedded engine's memory. 0: nine tenths of the machine's, as ClickHouse does
	// itself. It has an effect only where this command starts the engine.
	MemoryLimitBytes uint64
	// Analyst bounds each query of the user analyst. It has an effect only where this command starts the engine.
	Analyst AnalystLimits
	// Library is the path of the engine library or of a clickhouse binary. Empty: it is looked up (library.go).
	Library string
	// SetAside lets an embedded engine start without the files that are damaged; else it refuses to. It has an effect only
	// where this command starts the engine.
	SetAside bool
	// Fault is called at the named points of a backup and a restore, where a test may end the process. May be nil.
	Fault func(point string)
	// Migrate lets Open bring a server of the user's own to this binary's schema. Embedded: always done.
	Migrate bool
}

// Warehouse is an open connection pool to one database. Its methods may be called concurrently.
type Warehouse struct {
	config  Config
	target  target
	conn    driver.Conn
	engine  *engine // nil for a server
	shards  []shard // of a cluster, in the order of their numbers; the first one is home
	version string
	// partsHidden: the server does not show this user its parts.
	partsHidden atomic.Bool

	holding sync.Mutex
	held    []*heldLock         // in the order in which they were taken
	kept    map[*keptClaim]bool // on a server
}

// Open connects to the warehouse, starting or joining the embedded engine where the DSN says so, checks the version
// of the server and the schema. Embedded warehouses are migrated; for a server ErrNotMigrated says what to run.
func Open(ctx context.Context, config Config) (*Warehouse, error) {
	w, err := Connect(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := w.refuseHalfRestored(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	err = w.OutliveEngine(ctx, func() error {
		if config.Migrate || w.target.embedded() {
			_, err := w.Migrate(ctx)
			return err
		}
		return w.checkMigrated(ctx)
	})
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Connect is Open without the look at the schema: for the commands that migrate or only tell how things stand.
func Connect(ctx context.Context, config Config) (*Warehouse, error) {
	parsed, err := parseDSN(config.DSN, config.Password)
	if err != nil {
		return nil, err
	}
	w := &Warehouse{config: config, target: parsed}
	if parsed.embedded() {
		w.engine, err = openEngine(ctx, parsed.directory, config)
		if err != nil {
			return nil, err
		}
		w.target = w.engine.target(parsed.database)
	}
	if err := w.OutliveEngine(ctx, func() error { return w.connect(ctx) }); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// OutliveEngine does the step, which must be one that may be repeated. An engine may be about to end when it is joined,
// since a client that was killed takes it along (see engine): then the step fails for no fault of its own, and is done
// again on the next engine.
func (w *Warehouse) OutliveEngine(ctx context.Context, step func() error) error {
	if w.engine == nil {
		return step()
	}
	for attempt := 0; ; attempt++ {
		pid := w.engine.pid()
		err := step()
		var answered *clickhouse.Exception
		refused := errors.As(err, &answered) && answered.Code != codeAborted
		unheard := errors.Is(err, syscall.ECONNREFUSED)
		if err == nil || attempt == joinAttempts || refused || !w.engine.ends(ctx, pid, unheard) {
			return err
		}
	}
}

const joinAttempts = 3

func (w *Warehouse) connect(ctx context.Context) error {
	if w.target.embedded() {
		if err := w.createDatabase(ctx); err != nil {
			return err
		}
	}
	if w.target.cluster != "" {
		if err := w.findShards(ctx); err != nil {
			return err
		}
	}
	conn, err := clickhouse.Open(w.clientOptions(w.target.database))
	if err != nil {
		return fmt.Errorf("connect to warehouse %s: %w: %w", w.target, ErrUnreachable, err)
	}
	if w.conn != nil {
		w.conn.Close() //nolint:errcheck // the engine it was connected to has ended
	}
	w.conn = conn
	version, err := conn.ServerVersion()
	if err != nil {
		return w.explainConnect(ctx, err)
	}
	w.version = versionText(version.Version)
	if err := checkVersion(w.version, w.target.String()); err != nil {
		return err
	}
	return w.connectShards(ctx)
}

// createDatabase is for the embedded engine only: a database on a server is its owner's to create.
func (w *Warehouse) createDatabase(ctx context.Context) error {
	conn, err := clickhouse.Open(w.clientOptions("system"))
	if err != nil {
		return fmt.Errorf("connect to warehouse %s: %w: %w", w.target, ErrUnreachable, err)
	}
	defer conn.Close() //nolint:errcheck // nothing was written through it that could be lost
	err = conn.Exec(withParams(ctx, Params{"database": w.target.database}), text("warehouse/create_database.sql"))
	if err != nil {
		return w.explainConnect(ctx, err)
	}
	return nil
}

func (w *Warehouse) clientOptions(database string) *clickhouse.Options {
	options := &clickhouse.Options{
		Addr:             []string{w.target.address},
		Auth:             clickhouse.Auth{Database: database, Username: w.target.user, Password: w.target.password},
		TLS:              w.target.tls,
		Compression:      &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
		DialTimeout:      dialTimeout,
		ReadTimeout:      readTimeout,
		MaxOpenConns:     maxOpenConns,
		MaxIdleConns:     maxOpenConns,
		ConnMaxLifetime:  time.Hour,
		Settings:         w.target.settings(),
		ConnOpenStrategy: clickhouse.ConnOpenInOrder,
	}
	options.ClientInfo.Products = append(options.ClientInfo.Products, struct{ Name, Version string }{"creditmill", "1"})
	if w.engine != nil {
		options.DialContext = w.engine.dial
	}
	return options
}

const (
	dialTimeout  = 10 * time.Second
	readTimeout  = 10 * time.Minute // a rollup may compute for minutes before its first block
	maxOpenConns = 16
)

// Close ends the connections and gives up the embedded engine, which stops when its last user is gone.
func (w *Warehouse) Close() error {
	var failures []error
	if w.conn != nil {
		failures = append(failures, w.conn.Close())
	}
	for _, s := range w.shards {
		if s.conn != nil {
			failures = append(failures, s.conn.Close())
		}
	}
	if w.engine != nil {
		failures = append(failures, w.engine.close())
	}
	if err := errors.Join(failures...); err != nil {
		return fmt.Errorf("close warehouse: %w", err)
	}
	return nil
}

// Conn is the client's own connection pool (native protocol, LZ4), for batches and for what Exec and Query do not
// cover.
func (w *Warehouse) Conn() driver.Conn { return w.conn }

// DSN names the warehouse without any password.
func (w *Warehouse) DSN() string { return w.target.String() }

// Embedded tells whether creditmill runs the engine of this warehouse itself.
func (w *Warehouse) Embedded() bool { return w.engine != nil }

// Version is the server's version, such as "26.7.2".
func (w *Warehouse) Version() string { return w.version }

// Options is what a further client needs to connect by the native protocol. The tls configuration is nil where the
// connection is not encrypted. The address of an embedded warehouse may change when its engine had to be started
// again, so ask for it before each connection. Set async_insert = 0: an insert must be on disk when it returns.
func (w *Warehouse) Options() (address, database, user, password string, config *tls.Config) {
	address = w.target.address
	if w.engine != nil {
		address = w.engine.address()
	}
	return address, w.target.database, w.target.user, w.target.password, w.target.tls
}
