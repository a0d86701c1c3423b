package aggregate

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// attach changes a customer's product as the command does.
func (s *store) attach(catalog *schemas.Catalog, customer, product, at string) subscription.ChangeResult {
	s.T.Helper()
	result, err := subscription.Attach(context.Background(), s.Warehouse,
		subscription.Change{CustomerID: customer, Product: product, At: instant(at), Catalog: catalog}, time.Now())
	s.must(err)
	return result
}

func (s *store) run(catalog *schemas.Catalog, asOf string) Run {
	s.T.Helper()
	run, err := s.aggregator().Run(context.Background(), Query{AsOf: instant(asOf), Catalog: catalog})
	s.must(err)
	return run
}

func (s *store) replay(catalog *schemas.Catalog, asOf string) []PeriodBalance {
	s.T.Helper()
	balances, err := s.aggregator().Replay(context.Background(), Query{AsOf: instant(asOf), Catalog: catalog})
	s.must(err)
	return balances
}

func (s *store) entitled(customer, feature string, required int64) Entitlement {
	s.T.Helper()
	answer, err := s.aggregator().Entitled(context.Background(), EntitledQuery{
		CustomerID: customer, Feature: feature, Required: decimal.NewFromInt(required),
	})
	s.must(err)
	return answer
}

// figures writes balances as the tests compare them.
func figures(balances []PeriodBalance) string {
	var lines []string
	for _, b := range balances {
		end := "never"
		if !b.Period.End.IsZero() {
			end = b.Period.End.Format(time.RFC3339Nano)
		}
		line := []string{
			b.CustomerID, b.Product, b.CreditSystem, b.Period.Start.Format(time.RFC3339Nano), end,
			"granted", b.Granted.String(), "used", b.Used.String(), "balance", b.Balance.String(),
			"billable", b.Billable.String(), "capped", b.Capped.String(),
		}
		if b.UnratedEvents > 0 {
			line = append(line, "unrated", decimal.NewFromUint64(b.UnratedEvents).String())
		}
		lines = append(lines, strings.Join(line, " "))
	}
	return strings.Join(lines, "\n")
}

// TestSeedScenario is the table of the product's own example, to the digit.
func TestSeedScenario(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, seed)
	const october = "2026-10-05T12:00:00Z"
	s.attach(catalog, "upgraded", "pro", "2026-10-10T09:30:00Z")
	s.attach(catalog, "exact", "pro", "2026-10-01T00:00:00Z")
	s.attach(catalog, "fraction", "pro", "2026-10-01T00:00:00Z")
	s.load(
		use("spent", october, "small-model", 2000), use("spent", october, "large-model", 60),
		use("hundred", october, "small-model", 4000),
		use("over", october, "medium-model", 700),
		use("upgraded", "2026-10-10T09:29:59.999999999Z", "medium-model", 300),
		use("upgraded", "2026-10-10T09:30:00Z", "small-model", 50000),
		use("upgraded", "2026-10-20T00:00:00Z", "medium-model", 10000),
		use("upgraded", "2026-11-10T09:29:59.999999999Z", "large-model", 1000),
		use("upgraded", "2026-11-10T09:30:00Z", "small-model", 10),
		use("exact", october, "medium-model", 10000),
		use("fraction", october, "small-model", 99999), use("fraction", october, "medium-model", 1),
		use("unrated", october, "mystery-model", 5),
	)
	const asOf = "2026-11-15T00:00:00Z"
	const october1, november1, december1 = " 2026-10-01T00:00:00Z", " 2026-11-01T00:00:00Z", " 2026-12-01T00:00:00Z"
	want := strings.Join([]string{
		"exact pro ai-credits" + october1 + november1 + " granted 10000 used 10000 balance 0 billable 0 capped 0",
		"exact pro ai-credits" + november1 + december1 + " granted 10000 used 0 balance 10000 billable 0 capped 0",
		"fraction pro ai-credits" + october1 + november1 + " granted 10000 used 10000.9 balance -0.9 billable 0.9 capped 0",
		"fraction pro ai-credits" + november1 + december1 + " granted 10000 used 0 balance 10000 billable 0 capped 0",
		"hundred free ai-credits" + october1 + november1 + " granted 500 used 400 balance 100 billable 0 capped 0",
		"hundred free ai-credits" + november1 + december1 + " granted 500 used 0 balance 500 billable 0 capped 0",
		"over free ai-credits" + october1 + november1 + " granted 500 used 700 balance -200 billable 0 capped 200",
		"over free ai-credits" + november1 + december1 + " granted 500 used 0 balance 500 billable 0 capped 0",
		"spent free ai-credits" + october1 + november1 + " granted 500 used 500 balance 0 billable 0 capped 0",
		"spent free ai-credits" + november1 + december1 + " granted 500 used 0 balance 500 billable 0 capped 0",
		"unrated free ai-credits" + october1 + november1 + " granted 500 used 0 balance 500 billable 0 capped 0 unrated 1",
		"unrated free ai-credits" + november1 + december1 + " granted 500 used 0 balance 500 billable 0 capped 0",
		"upgraded free ai-credits" + october1 + " 2026-10-10T09:30:00Z" +
			" granted 500 used 300 balance 200 billable 0 capped 0",
		"upgraded pro ai-credits 2026-10-10T09:30:00Z 2026-11-10T09:30:00Z" +
			" granted 10000 used 20000 balance -10000 billable 10000 capped 0",
		"upgraded pro ai-credits 2026-11-10T09:30:00Z 2026-12-10T09:30:00Z" +
			" granted 10000 used 1 balance 9999 billable 0 capped 0",
	}, "\n")
	if got := figures(s.replay(catalog, asOf)); got != want {
		t.Errorf("from raw events:\n%s\nwant\n%s", got, want)
	}
	run := s.run(catalog, asOf)
	if run.Customers != 7 || run.UnratedRows != 1 || run.Loads != 1 {
		t.Errorf("run %+v", run)
	}
	if got := figures(s.replay(catalog, asOf)); got != want {
		t.Errorf("from the rollup:\n%s\nwant\n%s", got, want)
	}
}

func TestSeedEntitlements(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, seed)
	const october = "2026-10-05T12:00:00Z"
	s.attach(catalog, "pro", "pro", "2026-10-01T00:00:00Z")
	s.load(
		use("spent", october, "small-model", 2000), use("spent", october, "large-model", 60),
		use("hundred", october, "small-model", 4000),
		use("pro", october, "small-model", 50000), use("pro", october, "medium-model", 10000),
		use("pro", october, "large-model", 1000),
	)
	s.run(catalog, "2026-10-06T00:00:00Z")
	tests := []struct {
		customer, feature string
		required          int64
		allowed           bool
		balance           string
	}{
		{"new", "small-model-tokens", 1, true, "500"},
		{"new", "small-model", 5000, true, "500"},
		{"new", "small-model", 5001, false, "500"},
		{"spent", "small-model-tokens", 1, false, "0"},
		{"hundred", "small-model", 1000, true, "100"},
		{"hundred", "small-model", 1001, false, "100"},
		{"hundred", "large-model", 20, true, "100"},
		{"hundred", "large-model-2", 21, false, "100"},
		{"hundred", "mystery", 1, false, "100"},
		{"pro", "large-model", 1000000, true, "-10000"},
	}
	for _, test := range tests {
		answer := s.entitled(test.customer, test.feature, test.required)
		if answer.Allowed != test.allowed || answer.Balance.Balance.String() != test.balance {
			t.Errorf("%s, %d tokens of %s: allowed %v with balance %s (%s)", test.customer, test.required, test.feature,
				answer.Allowed, answer.Balance.Balance, answer.Reason)
		}
		if !answer.Allowed && answer.Reason == "" {
			t.Errorf("%s, %s: refused without a reason", test.customer, test.feature)
		}
	}
}
