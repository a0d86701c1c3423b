package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/rs/zerolog"
)

// app is what the verbs share: the flags, the config file, the streams, the clock and, once asked for, the warehouse
// and the catalog. A verb never opens these itself.
type app struct {
	stdin  io.Reader
	stdout *visibleWriter
	stderr *visibleWriter
	args   []string
	now    func() time.Time // the wall clock: the one place where it is read
	wall   func() time.Time // the same, for the deadlines of connections: a test may set the other one
	log    zerolog.Logger

	flags  globalFlags
	writes bool    // the command changes the warehouse: see writingCommands
	config *config // nil until loadConfig

	toldStrays    map[stray]bool // what the log has of the inbox
	openWarehouse *warehouse.Warehouse
	shared        bool // the warehouse and the config are another app's
	setAside      bool // the engine may start without its damaged files
	complete      bool // the warehouse was looked at and holds all rows
	openCatalog   *schemas.Catalog
	metricsFile   string        // written after each job; empty: none
	reports       []post.Report // of the charges that the job at hand looked at
}

// globalFlags are those that every verb has.
type globalFlags struct {
	configFile string
	warehouse  string
	catalog    string
	json       bool
	quiet      bool
	verbose    bool
	init       bool // make a warehouse where nothing says that there should be one
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *app {
	return &app{
		stdin: stdin, stdout: newVisibleWriter(stdout), stderr: newVisibleWriter(stderr), now: time.Now,
		wall: time.Now, log: zerolog.Nop(),
		toldStrays: map[stray]bool{},
	}
}

// prepare runs before each verb: it sets up the logger and reads the config file.
func (a *app) prepare() error {
	if a.shared {
		return nil
	}
	level := zerolog.WarnLevel
	switch {
	case a.flags.quiet:
		level = zerolog.ErrorLevel
	case a.flags.verbose:
		level = zerolog.DebugLevel
	}
	a.log = newLogger(a.stderr, a.now).Level(level)
	read, err := loadConfig(a.flags)
	if err != nil {
		return err
	}
	a.config = read
	return nil
}

// warehouse opens the warehouse of the flags or the config file, once, and makes sure that no rows are missing. Damage
// to the tables that are named is left to the caller.
func (a *app) warehouse(ctx context.Context, except ...string) (*warehouse.Warehouse, error) {
	w, err := a.warehouseAsItIs(ctx)
	if err != nil || a.complete {
		return w, err
	}
	err = w.CheckComplete(ctx)
	var damaged *warehouse.DamagedError
	if errors.As(err, &damaged) && damaged.Only(except...) {
		return w, nil
	}
	a.complete = err == nil
	return w, err
}

// warehouseWithNote is warehouse for commands that show what is stored, damaged or not. damaged is nil where it is not.
func (a *app) warehouseWithNote(ctx context.Context) (
	w *warehouse.Warehouse, damaged *warehouse.DamagedError, err error,
) {
	w, err = a.warehouse(ctx)
	if errors.As(err, &damaged) {
		a.note("warning: %v", err)
		err = nil
	}
	return w, damaged, err
}

// recordWritten makes sure that what was written is expected from now on. Where that cannot be done now, the next
// command does it: nothing is lost.
func (a *app) recordWritten(ctx context.Context, w *warehouse.Warehouse) {
	if err := w.CheckComplete(context.WithoutCancel(ctx)); err != nil {
		a.log.Warn().Err(err).Msg("what_was_written_is_not_recorded_yet")
	}
}

// warehouseAsItIs opens the warehouse without a look at what is in it.
func (a *app) warehouseAsItIs(ctx context.Context) (*warehouse.Warehouse, error) {
	if a.openWarehouse != nil {
		return a.openWarehouse, nil
	}
	if err := a.consentToNewWarehouse(ctx); err != nil {
		return nil, err
	}
	opened, err := warehouse.Open(ctx, a.warehouseConfig())
	if err != nil {
		return nil, err
	}
	a.openWarehouse = opened
	if shown := a.config.Analyst.Properties; shown != nil {
		return opened, opened.ShowProperties(ctx, *shown, a.now())
	}
	return opened, nil
}

func (a *app) warehouseConfig() warehouse.Config {
	return warehouse.Config{
		DSN:      a.config.Warehouse,
		Password: os.Getenv("CREDITMILL_CLICKHOUSE_PASSWORD"),
		Log:      a.log,
		Now:      a.now,
		Library:  os.Getenv("CREDITMILL_ENGINE_LIBRARY"),
		SetAside: a.setAside,
		Fault:    crashAt(os.Getenv(crashVariable)),
		Analyst:  a.config.Analyst.limits(),
	}
}

// catalog reads and checks the price book, once.
func (a *app) catalog() (*schemas.Catalog, error) {
	if a.openCatalog != nil {
		return a.openCatalog, nil
	}
	text, err := os.ReadFile(a.config.Catalog)
	if err != nil {
		return nil, usagef("read catalog: %w; name it with --catalog, or write one with: creditmill init", err)
	}
	parsed, err := parseCatalog(a.config.Catalog, text)
	if err != nil {
		return nil, &usageError{err: err}
	}
	a.openCatalog = parsed
	return parsed, nil
}

// parseTime reads a time of the command line: RFC 3339, or a date, which is midnight in the catalog's timezone.
// The empty string is the zero time.
func (a *app) parseTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if instant, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return instant.UTC(), nil
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return time.Time{}, usagef(
			"read --%s %q: want a date such as 2026-10-01 or a time such as 2026-10-01T00:00:00Z", flag, text)
	}
	read, err := a.catalog()
	if err != nil {
		return time.Time{}, err
	}
	midnight, err := time.ParseInLocation(time.DateOnly, text, read.Timezone)
	if err != nil {
		return time.Time{}, usagef("read --%s %q: %w", flag, text, err)
	}
	return midnight.UTC(), nil
}

// asOf reads a flag like --as-of; where it is not given it is the wall clock.
func (a *app) asOf(flag, text string) (time.Time, error) {
	instant, err := a.parseTime(flag, text)
	if err == nil && instant.IsZero() {
		instant = a.now().UTC()
	}
	return instant, err
}

// stripeKey is the secret key: from the environment, else from the file that the config names.
func (a *app) stripeKey() (string, error) {
	for _, name := range []string{"CREDITMILL_STRIPE_KEY", "STRIPE_API_KEY"} {
		if key := os.Getenv(name); key != "" {
			return key, nil
		}
	}
	return a.config.Stripe.readKey()
}

func (a *app) close() error {
	if a.openWarehouse == nil || a.shared {
		return nil
	}
	err := a.openWarehouse.Close()
	a.openWarehouse = nil
	if err != nil {
		return errors.Join(err)
	}
	return nil
}

// note writes a line for people on stderr, unless --quiet.
func (a *app) note(format string, values ...any) {
	if !a.flags.quiet {
		sayf(a.stderr, format+"\n", values...)
	}
}
