package aggregate

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/aggregate/usagetest"
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
	run, err := s.aggregator().Run(context.Background(), instant(asOf), catalog)
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

// TestSeedScenario is the table of the product's own example, to the digit: what each customer does, and the figures of
// its periods, once from the raw events and once from the rollup.
func TestSeedScenario(t *testing.T) {
	tests := []struct {
		customer, story string
		attached        string   // product and instant; empty: the free plan
		uses            []string // instant, model, tokens
		want            []string // product, period, granted - used = balance, billable and capped
	}{
		{
			"exact", "uses the allowance to the last credit", "pro 2026-10-01T00:00:00Z",
			[]string{"2026-10-05T12:00:00Z medium-model 10000"},
			[]string{
				"pro 10-01T00:00/11-01T00:00 10000-10000=0 billable 0 capped 0",
				"pro 11-01T00:00/12-01T00:00 10000-0=10000 billable 0 capped 0",
			},
		},
		{
			"fraction", "is billed for a part of a credit", "pro 2026-10-01T00:00:00Z",
			[]string{"2026-10-05T12:00:00Z small-model 99999", "2026-10-05T12:00:00Z medium-model 1"},
			[]string{
				"pro 10-01T00:00/11-01T00:00 10000-10000.9=-0.9 billable 0.9 capped 0",
				"pro 11-01T00:00/12-01T00:00 10000-0=10000 billable 0 capped 0",
			},
		},
		{
			"hundred", "has some of the free plan left", "",
			[]string{"2026-10-05T12:00:00Z small-model 4000"},
			[]string{
				"free 10-01T00:00/11-01T00:00 500-400=100 billable 0 capped 0",
				"free 11-01T00:00/12-01T00:00 500-0=500 billable 0 capped 0",
			},
		},
		{
			"over", "goes beyond the free plan, which sells nothing", "",
			[]string{"2026-10-05T12:00:00Z medium-model 700"},
			[]string{
				"free 10-01T00:00/11-01T00:00 500-700=-200 billable 0 capped 200",
				"free 11-01T00:00/12-01T00:00 500-0=500 billable 0 capped 0",
			},
		},
		{
			"spent", "uses two models up to the free plan's last credit", "",
			[]string{"2026-10-05T12:00:00Z small-model 2000", "2026-10-05T12:00:00Z large-model 60"},
			[]string{
				"free 10-01T00:00/11-01T00:00 500-500=0 billable 0 capped 0",
				"free 11-01T00:00/12-01T00:00 500-0=500 billable 0 capped 0",
			},
		},
		{
			"unrated", "uses a model that nothing prices", "",
			[]string{"2026-10-05T12:00:00Z mystery-model 5"},
			[]string{
				"free 10-01T00:00/11-01T00:00 500-0=500 billable 0 capped 0 unrated 1",
				"free 11-01T00:00/12-01T00:00 500-0=500 billable 0 capped 0",
			},
		},
		{
			"upgraded", "upgrades: a new period begins at that very instant, and again a month later",
			"pro 2026-10-10T09:30:00Z",
			[]string{
				"2026-10-10T09:29:59.999999999Z medium-model 300", "2026-10-10T09:30:00Z small-model 50000",
				"2026-10-20T00:00:00Z medium-model 10000", "2026-11-10T09:29:59.999999999Z large-model 1000",
				"2026-11-10T09:30:00Z small-model 10",
			},
			[]string{
				"free 10-01T00:00/10-10T09:30 500-300=200 billable 0 capped 0",
				"pro 10-10T09:30/11-10T09:30 10000-20000=-10000 billable 10000 capped 0",
				"pro 11-10T09:30/12-10T09:30 10000-1=9999 billable 0 capped 0",
			},
		},
	}
	s := newStore(t)
	catalog := mustCatalog(t, seed)
	var events []usagetest.Event
	for _, test := range tests {
		if product, at, ok := strings.Cut(test.attached, " "); ok {
			s.attach(catalog, test.customer, product, at)
		}
		for _, used := range test.uses {
			fields := strings.Fields(used)
			events = append(events, use(test.customer, fields[0], fields[1], credits(fields[2]).BigInt().Uint64()))
		}
	}
	s.load(events...)
	const asOf = "2026-11-15T00:00:00Z"
	compare := func(from string) {
		found := periodLines(s.replay(catalog, asOf))
		for _, test := range tests {
			if diff := cmp.Diff(test.want, found[test.customer]); diff != "" {
				t.Errorf("%s, who %s, from %s:\n%s", test.customer, test.story, from, diff)
			}
		}
		if len(found) != len(tests) {
			t.Errorf("from %s: figures of %d customers, want %d", from, len(found), len(tests))
		}
	}
	compare("the raw events")
	run := s.run(catalog, asOf)
	if run.Customers != uint64(len(tests)) || run.UnratedRows != 1 || run.Loads != 1 {
		t.Errorf("run %+v", run)
	}
	compare("the rollup")
}

// periodLines writes balances as TestSeedScenario compares them, by customer.
func periodLines(balances []PeriodBalance) map[string][]string {
	lines := map[string][]string{}
	for _, b := range balances {
		const minute = "01-02T15:04"
		line := fmt.Sprintf("%s %s/%s %s-%s=%s billable %s capped %s", b.Product, b.Period.Start.Format(minute),
			b.Period.End.Format(minute), b.Granted, b.Used, b.Balance, b.Billable, b.Capped)
		if b.UnratedEvents > 0 {
			line += fmt.Sprint(" unrated ", b.UnratedEvents)
		}
		lines[b.CustomerID] = append(lines[b.CustomerID], line)
	}
	return lines
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
