// Package invoicetest is the seed scenario as tests of several rooms of invoice use it: its catalog, a customer's
// October, and short words for instants and numbers. It is for tests alone, and a package of its own since plan, page
// and the tests of the whole share it; it knows no plan and no ledger.
package invoicetest

import (
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
)

// UTC is the instant that a text in RFC 3339 names.
func UTC(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return at.UTC()
}

// Number is an exact number.
func Number(text string) decimal.Decimal { return decimal.RequireFromString(text) }

// SeedCatalog is the catalog of the seed scenario.
func SeedCatalog(t testing.TB) *schemas.Catalog {
	t.Helper()
	return EditedCatalog(t, "", "")
}

// EditedCatalog is the seed catalog with a piece of its text replaced.
func EditedCatalog(t testing.TB, old, with string) *schemas.Catalog {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(here), "..", "..", "testdata", "catalogs", "seed.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), old, with, 1)
	if old != "" && changed == string(text) {
		t.Fatalf("the seed catalog holds no %q", old)
	}
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(changed))
	if catalog == nil {
		t.Fatal(problems)
	}
	return catalog
}

// ProOctober is a Pro customer's October, with the credits of small, medium and large.
func ProOctober(catalog *schemas.Catalog, customer string, small, medium, large string) aggregate.PeriodBalance {
	product, _ := catalog.Product("pro")
	balance := aggregate.PeriodBalance{
		CustomerID: customer, Product: "pro", CreditSystem: "ai-credits",
		Period:  schemas.Period{Start: UTC("2026-10-01T00:00:00Z"), End: UTC("2026-11-01T00:00:00Z")},
		Granted: Number("10000"),
	}
	balance.Terms = product.At(balance.Period.Start)
	for _, feature := range []struct{ id, credits string }{
		{"large-model-tokens", large}, {"medium-model-tokens", medium}, {"small-model-tokens", small},
	} {
		credits := Number(feature.credits)
		balance.Used = balance.Used.Add(credits)
		balance.Features = append(balance.Features, aggregate.FeatureSpend{
			FeatureID: feature.id, TokensTotal: big.NewInt(1000), Credits: credits, Events: 1,
		})
	}
	balance.Balance = balance.Granted.Sub(balance.Used)
	if balance.Balance.IsNegative() {
		balance.Overage = balance.Balance.Neg()
		balance.Billable = balance.Overage
	}
	return balance
}
