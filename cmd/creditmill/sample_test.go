package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/warehouse"
)

// sample is a warehouse that the program itself filled from testdata/analytics: September is posted, October goes on,
// and a file came late. Its engine runs until the test ends.
type sample struct {
	*testing.T
	config string
	*warehouse.Warehouse
}

// sampleLimits are those of the analyst in a sample.
var sampleLimits = warehouse.AnalystLimits{MemoryBytes: 100_000_000, Seconds: 30, Rows: 1000}

func newSample(t *testing.T) sample {
	t.Helper()
	directory := t.TempDir()
	t.Chdir(filepath.Join("..", "..", "testdata", "analytics")) // so that loads carry plain file names
	s := sample{T: t, config: filepath.Join(directory, "creditmill.yaml")}
	clock := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	fake, err := stripefake.New(stripefake.Config{Now: func() time.Time { return clock }})
	s.must(err)
	listener := httptest.NewServer(fake)
	t.Cleanup(listener.Close)
	fake.AddPrice("price_pro", "usd", 10000)
	t.Setenv("CREDITMILL_STRIPE_KEY", "sk_test_sample")
	catalog, err := filepath.Abs("catalog.yaml")
	s.must(err)
	s.configure(fmt.Sprintf("warehouse: embedded:data\ncatalog: %s\nstripe: {base_url: %q}\n", catalog, listener.URL))
	s.Warehouse, err = warehouse.Open(t.Context(), warehouse.Config{
		DSN: "embedded:" + filepath.Join(directory, "data"), Analyst: sampleLimits,
	})
	s.must(err)
	t.Cleanup(func() { s.must(s.Close()) })

	customers, err := os.ReadFile("customers.csv")
	s.must(err)
	for _, id := range []string{"acme", "globex", "umbrella"} {
		fake.AddCustomer("cus_" + id)
		subscription := fake.AddSubscription("cus_"+id, "price_pro", clock)
		customers = bytes.ReplaceAll(customers, []byte("SUB_"+id), []byte(subscription))
	}
	imported := filepath.Join(directory, "customers.csv")
	s.must(os.WriteFile(imported, customers, 0o600))

	s.creditmill(exitOK, "customers", "import", imported)
	s.creditmill(exitOK, "load", "september.jsonl")
	s.creditmill(exitOK, "aggregate", "--as-of", "2026-10-01")
	s.creditmill(exitOK, "invoice", "post", "--as-of", "2026-10-01", "--yes")
	s.creditmill(exitOK, "load", "october.jsonl")
	s.creditmill(exitPartial, "load", "late.jsonl")
	s.creditmill(exitOK, "aggregate", "--as-of", "2026-10-20")
	return s
}

func (s sample) configure(text string) { s.must(os.WriteFile(s.config, []byte(text), 0o600)) }

// creditmill runs the program and returns its stdout; it fails the test with another exit code.
func (s sample) creditmill(code int, args ...string) string {
	s.Helper()
	var stdout, stderr bytes.Buffer
	got := run(append([]string{"--config", s.config}, args...), strings.NewReader(""), &stdout, &stderr)
	if got != code {
		s.Fatalf("creditmill %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, code, &stdout, &stderr)
	}
	return stdout.String()
}

// exec runs a statement with full access, behind the program's back.
func (s sample) exec(statement string) {
	s.Helper()
	if err := s.Conn().Exec(s.Context(), statement); err != nil {
		s.Fatalf("%s: %v", statement, err)
	}
}

func (s sample) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}
