package aggregate

import (
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

const entitling = `
currency: usd
timezone: UTC
features:
  - {id: zero, models: [local-llama, "alias-*"]}
  - {id: medium, models: [m]}
  - {id: image, models: [painter]}
  - {id: thumbnail, models: [sketch]}
credit_systems:
  - id: ai
    costs:
      - {effective: 2000-01-01, per_token: {zero: 0, medium: 1}}
      - {effective: 2026-11-03, per_token: {zero: 0, medium: 2}}
  - {id: pictures, costs: [{effective: 2000-01-01, per_token: {image: 1, thumbnail: 0}}]}
products:
  - {id: free, default: true, credits: {system: ai, included: 50, every: month, rollover: {max: 20, periods: 1}}}
  - {id: cap, price: {amount: "100", every: month}, credits: {system: ai, included: 100, every: month, hard_cap: true}}
  - id: limited
    price: {amount: "100", every: month}
    credits: {system: ai, included: 100, every: month, overage: {per_credit: "0.01", limit: 10}}
  - id: trialled
    price: {amount: "100", every: month}
    trial: {days: 14}
    credits: {system: ai, included: 100, every: month, overage: {per_credit: "0.01"}}
`

// askedAt is an aggregator whose wall clock stands.
func (s *store) askedAt(now string) *Aggregator {
	return New(Config{Warehouse: s.Warehouse, Now: func() time.Time { return instant(now) }})
}

// nightly is a store with usage of several customers, aggregated at a time as a nightly job does.
func nightly(t *testing.T, at string) (*store, *schemas.Catalog) {
	t.Helper()
	s := newStore(t)
	catalog := mustCatalog(t, entitling)
	s.attach(catalog, "cap", "cap", "2026-10-01T00:00:00Z")
	s.attach(catalog, "limited", "limited", "2026-10-01T00:00:00Z")
	s.attach(catalog, "trialled", "trialled", "2026-10-20T00:00:00Z")
	s.load(
		use("spent", "2026-10-05T00:00:00Z", "m", 50), use("saver", "2026-10-05T00:00:00Z", "m", 35),
		use("over", "2026-10-05T00:00:00Z", "m", 60), use("cap", "2026-10-05T00:00:00Z", "m", 100),
		use("limited", "2026-10-05T00:00:00Z", "m", 110), use("trialled", "2026-10-21T00:00:00Z", "m", 100),
	)
	_, err := s.askedAt(at).Run(context.Background(), instant(at), catalog)
	s.must(err)
	return s, catalog
}

func (s *store) ask(now, customer, model string, required int64) Entitlement {
	s.T.Helper()
	answer, err := s.askedAt(now).Entitled(context.Background(), EntitledQuery{
		CustomerID: customer, Feature: model, Required: decimal.NewFromInt(required), Now: instant(now),
	})
	s.must(err)
	return answer
}

// TestEntitledAfterReset: once the period has ended since the last run, the answer is of the new one: its allowance,
// what is rolled over, its prices, and what is loaded of it.
func TestEntitledAfterReset(t *testing.T) {
	s, _ := nightly(t, "2026-10-31T23:00:00Z")
	if answer := s.ask("2026-10-31T23:30:00Z", "spent", "m", 1); answer.Allowed || answer.Balance.Used.String() != "50" {
		t.Errorf("before the reset: %+v", answer)
	}
	s.load(use("saver", "2026-11-01T00:00:00Z", "m", 5))
	for _, test := range []struct {
		customer, granted, used, resets string
	}{
		{"spent", "50", "0", "2026-12-01T00:00:00Z"},
		{"saver", "65", "5", "2026-12-01T00:00:00Z"},
		{"over", "50", "0", "2026-12-01T00:00:00Z"},
		{"cap", "100", "0", "2026-12-01T00:00:00Z"},
		{"limited", "100", "0", "2026-12-01T00:00:00Z"},
		{"unseen", "50", "0", "2026-12-01T00:00:00Z"},
		{"trialled", "100", "100", "2026-11-03T00:00:00Z"},
	} {
		answer := s.ask("2026-11-02T00:00:00Z", test.customer, "m", 1)
		b := answer.Balance
		if answer.Outdated || answer.Allowed == (test.customer == "trialled") || b.Granted.String() != test.granted ||
			b.Used.String() != test.used || !b.Period.End.Equal(instant(test.resets)) {
			t.Errorf("%s: %+v of %+v", test.customer, answer, b)
		}
	}
	// The trial has ended, and overage is sold.
	if answer := s.ask("2026-11-03T00:00:00Z", "trialled", "m", 101); !answer.Allowed || !answer.OverageAllowed {
		t.Errorf("after the trial: %+v", answer)
	}
	// Within a period that goes on the price is that of the question's time.
	s, catalog := nightly(t, "2026-11-02T23:00:00Z")
	if answer := s.ask("2026-11-03T01:00:00Z", "spent", "m", 1); answer.Required.String() != "2" ||
		!answer.AsOf.Equal(instant("2026-11-02T23:00:00Z")) {
		t.Errorf("after a change of price: %+v", answer)
	}
	// A run that was asked to be of an earlier day is of that time on purpose.
	_, err := s.askedAt("2026-11-02T00:00:00Z").Run(context.Background(), instant("2026-10-20T00:00:00Z"), catalog)
	s.must(err)
	if answer := s.ask("2026-11-02T00:00:00Z", "spent", "m", 1); answer.Allowed || !answer.Outdated ||
		!answer.AsOf.Equal(instant("2026-10-20T00:00:00Z")) {
		t.Errorf("of a backdated run: %+v", answer)
	}
}

// TestEntitledAfterChanges: grants that begin or expire and products that change after the run count.
func TestEntitledAfterChanges(t *testing.T) {
	s, catalog := nightly(t, "2026-10-25T00:00:00Z")
	give := func(at, expires string) {
		s.grant(catalog, "spent", given{credits: "10", at: at, expires: expires, system: "ai"})
	}
	give("2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z")
	_, err := s.askedAt("2026-10-26T00:00:00Z").Run(context.Background(), instant("2026-10-26T00:00:00Z"), catalog)
	s.must(err)
	for at, allowed := range map[string]bool{"2026-10-26T23:59:59Z": true, "2026-10-27T00:00:00Z": false} {
		if answer := s.ask(at, "spent", "m", 1); answer.Allowed != allowed || answer.Outdated {
			t.Errorf("at %s: %+v", at, answer)
		}
	}
	s.attach(catalog, "over", "cap", "2026-10-26T12:00:00Z")
	if answer := s.ask("2026-10-26T13:00:00Z", "over", "m", 100); !answer.Allowed || answer.Product != "cap" {
		t.Errorf("attached: %+v", answer)
	}
}

// TestEntitledFree: what costs nothing is allowed with an empty balance, in overage, under a hard cap, beyond a limit
// and in a credit system of which the customer has none, also through a pattern.
func TestEntitledFree(t *testing.T) {
	s, _ := nightly(t, "2026-10-25T00:00:00Z")
	for _, customer := range []string{"spent", "over", "cap", "limited", "trialled"} {
		for _, model := range []string{"local-llama", "alias-x", "zero", "sketch"} {
			if answer := s.ask("2026-10-25T01:00:00Z", customer, model, 1000); !answer.Allowed || answer.Reason != "" {
				t.Errorf("%s %s: %+v", customer, model, answer)
			}
		}
		for _, model := range []string{"m", "painter"} {
			if answer := s.ask("2026-10-25T01:00:00Z", customer, model, 1); answer.Allowed {
				t.Errorf("%s %s: %+v", customer, model, answer)
			}
		}
	}
}

// TestEntitledPastDue: a subscription that Stripe could not collect is refused where that is asked for.
func TestEntitledPastDue(t *testing.T) {
	s, catalog := nightly(t, "2026-10-02T00:00:00Z")
	held, err := subscription.Of(context.Background(), s.Warehouse, []string{"cap"})
	s.must(err)
	held[0].PastDue = true
	s.must(subscription.StoreSync(context.Background(), s.Warehouse, subscription.Sync{Subscriptions: held},
		instant("2026-10-02T01:00:00Z")))
	for _, test := range []struct {
		customer      string
		deny, allowed bool
	}{{"cap", false, true}, {"cap", true, false}, {"limited", true, true}, {"unseen", true, true}} {
		for _, at := range []time.Time{{}, instant("2026-10-02T00:00:00Z")} {
			answer, err := s.askedAt("2026-10-02T02:00:00Z").Entitled(context.Background(), EntitledQuery{
				CustomerID: test.customer, Feature: "m", Required: decimal.NewFromInt(1), AsOf: at, Catalog: catalog,
				DenyPastDue: test.deny, Now: instant("2026-10-02T02:00:00Z"),
			})
			s.must(err)
			if answer.Allowed != test.allowed {
				t.Errorf("%+v at %s: %+v", test, at, answer)
			}
		}
	}
}
