// Package warehousetest gives tests a real warehouse: one embedded engine for the whole test binary and a fresh,
// migrated database for each test that asks.
package warehousetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creditmill/creditmill/warehouse"
)

var (
	directory string
	databases atomic.Int64
)

// Main runs the tests of a package with one engine: func TestMain(m *testing.M) { warehousetest.Main(m) }. It also
// lets the test binary serve as the engine's process. Where the engine is not installed the run fails and says what
// to do.
func Main(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	if warehouse.IsEngineChild(os.Args[1:]) {
		os.Exit(warehouse.EngineChild(os.Args[1:]))
	}
	if IsNode(os.Args[1:]) {
		os.Exit(RunNode(os.Args[1:]))
	}
	made, err := os.MkdirTemp("", "creditmill-test-")
	if err != nil {
		fmt.Fprintf(os.Stderr, "make directory for the engine: %v\n", err)
		return 1
	}
	defer os.RemoveAll(made) //nolint:errcheck // the system cleans its temporary directory too
	directory = filepath.Join(made, "warehouse")
	holder, err := warehouse.Connect(context.Background(), warehouse.Config{DSN: DSN("creditmill")})
	if err != nil {
		fmt.Fprintf(os.Stderr, "start the engine for tests: %v\n", err)
		return 1
	}
	defer func() {
		if err := holder.Close(); err != nil {
			fmt.Fprintf(os.Stderr, "stop the engine of tests: %v\n", err)
			code = 1
		}
	}()
	return m.Run()
}

// New returns a warehouse with a migrated database of its own on the engine that Main started. It is closed with
// the test.
func New(t testing.TB) *warehouse.Warehouse {
	t.Helper()
	return Open(t, NewDSN())
}

// NewDSN names a database that no test has used, for tests that open the warehouse themselves or run the command.
func NewDSN() string { return DSN(fmt.Sprintf("test_%d_%d", os.Getpid(), databases.Add(1))) }

// Open opens the database of a DSN made here, migrated, and closes it with the test.
func Open(t testing.TB, dsn string) *warehouse.Warehouse {
	t.Helper()
	if directory == "" {
		t.Fatal("no engine runs: call warehousetest.Main from TestMain")
	}
	w, err := warehouse.Open(context.Background(), warehouse.Config{DSN: dsn, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// DSN names a database on the engine that Main started.
func DSN(database string) string { return "embedded:" + directory + "?database=" + database }
