package aggregate

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/usagetest"
	"github.com/creditmill/creditmill/schemas"
)

func (s *store) count(query string) uint64 {
	s.T.Helper()
	var count uint64
	s.must(s.Conn().QueryRow(context.Background(), query).Scan(&count))
	return count
}

// stored writes all stored rows of the latest run, byte for byte.
func (s *store) stored() string {
	s.T.Helper()
	var text string
	s.must(s.Conn().QueryRow(context.Background(), `SELECT concat(
    (SELECT toString(groupArray(tuple(*))) FROM (SELECT * FROM v_balances ORDER BY ALL)),
    (SELECT toString(groupArray(tuple(* EXCEPT run_seq))) FROM (SELECT * FROM period_spend
        WHERE run_seq = (SELECT max(run_seq) FROM aggregate_runs) ORDER BY ALL)))`).Scan(&text))
	return text
}

func TestRunAgainGivesTheSame(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, seed)
	s.load(use("a", "2026-10-05T00:00:00Z", "small-model", 3), use("a", "2026-10-05T00:00:00Z", "mystery", 1))
	s.load(use("b", "2026-10-06T00:00:00Z", "large-model-x", 7), use("a", "2026-09-30T00:00:00Z", "medium-model", 700))
	first := s.run(catalog, "2026-10-10T00:00:00Z")
	stored := s.stored()
	if !strings.Contains(stored, "700") {
		t.Fatalf("stored %s", stored)
	}
	rollups := s.count("SELECT count() FROM rollups") + s.count("SELECT count() FROM usage_daily")
	for range 5 {
		s.run(catalog, "2026-10-10T00:00:00Z")
		if again := s.stored(); again != stored {
			t.Fatalf("stored %s, then %s", stored, again)
		}
	}
	if again := s.count("SELECT count() FROM rollups") + s.count("SELECT count() FROM usage_daily"); again != rollups {
		t.Errorf("%d rows of rollups became %d", rollups, again)
	}
	if kept := s.count("SELECT uniqExact(run_seq) FROM balances"); kept != keptRuns+1 {
		t.Errorf("%d runs have balances", kept)
	}
	if first.Seq != 1 || first.ID != "ag_1" || first.UnratedRows != 1 || first.Customers != 2 {
		t.Errorf("first run %+v", first)
	}
}

// TestRemainsOfKilledRun puts there what a run leaves that dies before it is finished.
func TestRemainsOfKilledRun(t *testing.T) {
	s := newStore(t)
	ctx := context.Background()
	catalog := mustCatalog(t, seed)
	s.load(use("a", "2026-10-05T00:00:00Z", "small-model", 30))
	s.must(s.Conn().Exec(ctx, `INSERT INTO usage_daily (load_seq, timezone, day, customer_id, model, events, units,
	quantities) VALUES (1, 'UTC', '2026-10-05', 'a', 'small-model', 1, 'input', [30])`))
	s.must(s.Conn().Exec(ctx, `INSERT INTO balances (run_seq, customer_id, used) VALUES (1, 'a', 999)`))
	s.must(s.Conn().Exec(ctx, `INSERT INTO period_spend (run_seq, customer_id, credits) VALUES (1, 'a', 999)`))
	if visible := s.count("SELECT count() FROM v_balances"); visible != 0 {
		t.Errorf("%d balances of a killed run are visible", visible)
	}
	before := figures(s.replay(catalog, "2026-10-10T00:00:00Z"))
	s.run(catalog, "2026-10-10T00:00:00Z")
	after := figures(s.replay(catalog, "2026-10-10T00:00:00Z"))
	if want := "used 3 balance 497"; !strings.Contains(before, want) || before != after {
		t.Errorf("before %s, after %s", before, after)
	}
	if rows := s.count("SELECT count() FROM balances") + s.count("SELECT count() FROM period_spend"); rows != 2 {
		t.Errorf("%d rows of runs", rows)
	}
	if events := s.count("SELECT sum(events) FROM usage_daily"); events != 1 {
		t.Errorf("%d events rolled up", events)
	}
}

// TestBrokenRollupIsNoticed changes what was rolled up behind the back of the program.
func TestBrokenRollupIsNoticed(t *testing.T) {
	s := newStore(t)
	ctx := context.Background()
	catalog := mustCatalog(t, seed)
	s.load(use("a", "2026-10-05T00:00:00Z", "small-model", 30))
	s.SetStatus(1, 2, "committed", 2, 0, instant("2026-10-05T00:00:00Z"), instant("2026-10-05T00:00:00Z"))
	_, err := s.aggregator().Run(ctx, instant("2026-10-10T00:00:00Z"), catalog)
	if !errors.Is(err, ErrInvariant) || !strings.Contains(err.Error(), "ld_1") {
		t.Errorf("a row was missing: %v", err)
	}
	if runs := s.count("SELECT count() FROM aggregate_runs") + s.count("SELECT count() FROM rollups"); runs != 0 {
		t.Errorf("%d rows are visible of a run that failed", runs)
	}
}

const special = `
currency: usd
timezone: UTC
features:
  - {id: tokens, models: [m]}
  - {id: images, models: [i]}
  - {id: both, models: [b]}
credit_systems:
  - {id: credits, name: Credits, costs: [{effective: 2026-01-01, per_token: {tokens: {input: 1}, both: 2}}]}
  - {id: pictures, name: Pictures, costs: [{effective: 2026-01-01, per_token: {images: 10, both: 3}}]}
products:
  - {id: none, name: None, default: true, credits: {system: credits, included: 0, every: month}}
  - {id: limited, name: Limited, price: {amount: "1", every: month},
     credits: {system: credits, included: 100, every: month, overage: {per_credit: "0.01", limit: 50}}}
  - {id: painter, name: Painter, price: {amount: "1", every: month},
     credits: {system: pictures, included: 100, every: once}}
  - {id: boundless, name: Boundless, price: {amount: "1", every: month},
     credits: {system: credits, included: unlimited, every: month}}
`

func TestSpecialProducts(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, special)
	const start, use1 = "2026-10-01T00:00:00Z", "2026-10-05T00:00:00Z"
	for _, product := range []string{"limited", "painter", "boundless"} {
		s.attach(catalog, product, product, start)
	}
	s.load(
		use("limited", use1, "m", 130), use("limited", use1, "b", 5), use("limited", use1, "i", 1),
		use("painter", use1, "b", 5), use("painter", use1, "m", 7), use("boundless", use1, "m", 7), use("none", use1, "m", 7),
		usagetest.Event{At: instant(use1), Customer: "boundless", Model: "m", Tokens: [5]uint64{1, 1, 0, 0, 0}},
	)
	asOf := "2026-10-06T00:00:00Z"
	s.run(catalog, asOf)
	const october = " 2026-10-01T00:00:00Z 2026-11-01T00:00:00Z"
	want := strings.Join([]string{
		"boundless boundless credits" + october + " granted 0 used 8 balance 0 billable 0 capped 0 unrated 1",
		"limited limited credits" + october + " granted 100 used 140 balance -40 billable 40 capped 0",
		"limited limited pictures" + october + " granted 0 used 10 balance -10 billable 0 capped 10",
		"none none credits" + october + " granted 0 used 7 balance -7 billable 0 capped 7",
		"painter painter credits 2026-10-01T00:00:00Z never granted 0 used 7 balance -7 billable 0 capped 7",
		"painter painter pictures 2026-10-01T00:00:00Z never granted 100 used 15 balance 85 billable 0 capped 0",
	}, "\n")
	current, err := s.aggregator().Balances(context.Background(), nil)
	s.must(err)
	if got := figures(current.Balances); got != want {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
	if got := figures(s.replay(catalog, asOf)); got != want {
		t.Errorf("replayed\n%s\nwant\n%s", got, want)
	}
	tests := []struct {
		customer, feature string
		unit              string
		required          int64
		allowed           bool
		system            string
	}{
		{"limited", "m", schemas.UnitInput, 10, true, "credits"},
		{"limited", "m", schemas.UnitInput, 11, false, "credits"},
		{"limited", "both", schemas.UnitInput, 5, true, "credits"},
		{"limited", "both", schemas.UnitInput, 6, false, "credits"},
		{"limited", "m", schemas.UnitOutput, 1, false, "credits"},
		{"limited", "images", schemas.UnitInput, 1, false, "pictures"},
		{"painter", "both", schemas.UnitOutput, 28, true, "pictures"},
		{"painter", "both", schemas.UnitOutput, 29, false, "pictures"},
		{"boundless", "m", schemas.UnitInput, 1_000_000, true, "credits"},
		{"nobody", "m", schemas.UnitInput, 1, false, "credits"},
	}
	for _, test := range tests {
		for _, at := range []time.Time{{}, instant(asOf)} { // from the stored run, and computed
			answer, err := s.aggregator().Entitled(context.Background(), EntitledQuery{
				CustomerID: test.customer, Feature: test.feature, Unit: test.unit,
				Required: decimal.NewFromInt(test.required), AsOf: at, Catalog: catalog,
			})
			s.must(err)
			system := ""
			if answer.Balance != nil {
				system = answer.Balance.CreditSystem
			}
			if answer.Allowed != test.allowed || system != test.system || !answer.AsOf.Equal(instant(asOf)) {
				t.Errorf("%+v: %+v", test, answer)
			}
		}
	}
}

// TestProductWithoutCredits holds that its usage is capped, and refused to begin with.
func TestProductWithoutCredits(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, strings.Replace(seed, "credits: {system: ai-credits, included: 500, every: month}",
		"versions: [{effective: 2027-01-01, credits: {system: ai-credits, included: 500, every: month}}]", 1))
	s.load(use("a", "2026-10-05T00:00:00Z", "medium-model", 7))
	s.run(catalog, "2026-10-06T00:00:00Z")
	want := "a free ai-credits 2026-10-01T00:00:00Z 2026-11-01T00:00:00Z granted 0 used 7 balance -7 billable 0 capped 7"
	if got := figures(s.replay(catalog, "2026-10-06T00:00:00Z")); got != want {
		t.Errorf("%s", got)
	}
	for customer, balances := range map[string]int{"a": 1, "nobody": 0} {
		answer := s.entitled(customer, "medium-model", 1)
		if answer.Allowed || answer.Product != "free" || (answer.Balance != nil) != (balances > 0) || answer.Reason == "" {
			t.Errorf("%s: %+v", customer, answer)
		}
	}
}

// TestBigSums holds that the largest counts at the largest price are exact.
func TestBigSums(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, strings.Replace(seed, "tokens: 5}", "tokens: 99999999999999999999}", 1))
	most := uint64(1)<<63 - 1
	var events []usagetest.Event
	for i := range 100 {
		e := use("a", "2026-10-05T00:00:00Z", "large-model", most)
		e.At = e.At.Add(time.Duration(i))
		events = append(events, e)
	}
	s.load(events...)
	balances := s.replay(catalog, "2026-10-06T00:00:00Z")
	want := decimal.NewFromUint64(most).Mul(decimal.NewFromInt(100)).Mul(decimal.RequireFromString("99999999999999999999"))
	if !balances[0].Used.Equal(want) {
		t.Errorf("used %s, want %s", balances[0].Used, want)
	}
}
