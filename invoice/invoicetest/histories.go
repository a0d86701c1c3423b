package invoicetest

import (
	"os"
	"strconv"
	"testing"
)

// Histories is how many histories each test runs: few in CI, as many as CREDITMILL_HISTORIES says elsewhere.
func Histories(t testing.TB, few uint64) uint64 {
	t.Helper()
	text := os.Getenv("CREDITMILL_HISTORIES")
	if text == "" {
		return few
	}
	number, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("read CREDITMILL_HISTORIES: %v", err)
	}
	return number
}
