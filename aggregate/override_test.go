package aggregate

import (
	"context"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/usagetest"
)

const overridden = `
currency: usd
timezone: UTC
features:
  - {id: chat, models: ["chat-*"]}
  - {id: image, models: [image]}
credit_systems: [{id: credits, costs: [{effective: 2026-01-01, per_token: {chat: 1, image: 10}}]}]
products:
  - {id: free, default: true, credits: {system: credits, included: 100, every: month, hard_cap: true}}
  - id: pro
    price: {amount: "100", every: month}
    credits: {system: credits, included: 1000, every: month, overage: {per_credit: "0.01", limit: 500}}
overrides:
  - customer: acme
    effective: 2026-10-10T12:00:00Z
    until: 2026-10-20T06:00:00Z
    costs: {system: credits, per_token: {chat: 0.5}}
  - {customer: acme, effective: 2026-11-01, product: pro, included: 2000, limit: 0}
  - customer: walkin
    effective: 2026-10-15
    costs: {system: credits, per_token: {image: {input: 4}}}
  - {customer: ghost, effective: 2026-01-01, product: free, included: 7}
`

// TestOverrides holds the figures of customers with costs and terms of their own, worked out by hand, from raw events
// and from the rollup, and those of the analysts' view. Prices change inside days.
func TestOverrides(t *testing.T) {
	s := newStore(t)
	ctx := context.Background()
	catalog := mustCatalog(t, overridden)
	s.attach(catalog, "acme", "pro", "2026-10-01T00:00:00Z")
	s.load(
		use("acme", "2026-10-10T11:59:59.999999999Z", "chat-1", 100), // 100
		use("acme", "2026-10-10T12:00:00Z", "chat-1", 100),           // 50
		use("acme", "2026-10-12T00:00:00Z", "image", 200),            // 2,000
		use("acme", "2026-10-15T00:00:00Z", "chat-2", 10),            // 5
		use("acme", "2026-10-20T05:59:59.999999999Z", "chat-2", 2),   // 1
		use("acme", "2026-10-20T06:00:00Z", "chat-2", 2),             // 2
		use("acme", "2026-11-02T00:00:00Z", "chat-1", 2600),          // 2,600
		use("walkin", "2026-10-14T10:00:00Z", "image", 3),            // 30
		use("walkin", "2026-10-15T00:00:00Z", "image", 3),            // 12
		use("other", "2026-10-10T12:00:00Z", "chat-1", 7),            // 7
		use("other", "2026-10-15T00:00:00Z", "image", 1),             // 10
		// 4 for the input by its own price, 10 for the output by everyone's
		usagetest.Event{
			At: instant("2026-10-16T00:00:00Z"), Customer: "walkin", Model: "image", Tokens: [5]uint64{1, 0, 0, 1, 0},
		},
	)
	const asOf = "2026-11-10T00:00:00Z"
	const october, november = " 2026-10-01T00:00:00Z 2026-11-01T00:00:00Z", " 2026-11-01T00:00:00Z 2026-12-01T00:00:00Z"
	want := strings.Join([]string{
		"acme pro credits" + october + " granted 1000 used 2158 balance -1158 billable 500 capped 658",
		"acme pro credits" + november + " granted 2000 used 2600 balance -600 billable 600 capped 0",
		"other free credits" + october + " granted 100 used 17 balance 83 billable 0 capped 0",
		"other free credits" + november + " granted 100 used 0 balance 100 billable 0 capped 0",
		"walkin free credits" + october + " granted 100 used 56 balance 44 billable 0 capped 0",
		"walkin free credits" + november + " granted 100 used 0 balance 100 billable 0 capped 0",
	}, "\n")
	if got := figures(s.replay(catalog, asOf)); got != want {
		t.Errorf("from raw events\n%s\nwant\n%s", got, want)
	}
	s.run(catalog, asOf)
	if got := figures(s.replay(catalog, asOf)); got != want {
		t.Errorf("from the rollup\n%s\nwant\n%s", got, want)
	}
	current, err := s.aggregator().Balances(ctx, []string{"acme", "ghost"})
	s.must(err)
	if got := figures(current.Balances); !strings.Contains(got, "acme pro credits"+november+" granted 2000") ||
		!strings.Contains(got, "ghost free credits"+november+" granted 7 used 0") {
		t.Errorf("stored\n%s", got)
	}
	if terms := current.Balances[0].Terms.Credits; !terms.Included.Equal(decimal.NewFromInt(2000)) ||
		!terms.Overage.Limit.IsZero() {
		t.Errorf("terms of the stored balance: %+v", terms)
	}
	for customer, sum := range map[string]string{"acme": "4758", "walkin": "56", "other": "17"} {
		if n := s.count("SELECT count() FROM (SELECT sum(credits) AS credits FROM v_spend_daily WHERE customer_id = '" +
			customer + "') WHERE credits = " + sum); n != 1 {
			t.Errorf("the credits of %s in v_spend_daily are not %s", customer, sum)
		}
	}
	// For all: chat-1, chat-2 and image. For acme both of chat in three epochs, for walkin image in two.
	if n := s.count("SELECT count() FROM prices FINAL"); n != 3+6+2 {
		t.Errorf("%d prices are stored", n)
	}
}

func TestEntitledWithOverrides(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, overridden)
	s.attach(catalog, "acme", "pro", "2026-10-01T00:00:00Z")
	s.load(use("full", "2026-10-16T00:00:00Z", "chat-1", 100), use("acme", "2026-10-16T00:00:00Z", "chat-1", 2900))
	s.run(catalog, "2026-10-17T00:00:00Z")
	tests := []struct {
		name, customer, model string
		required              int64
		allowed               bool
		credits               string
	}{
		{"its own cost up to the limit", "acme", "chat-1", 100, true, "50"},
		{"one more", "acme", "chat-1", 101, false, "50.5"},
		{"the hard cap is reached", "full", "chat-1", 0, false, "0"},
		{"one credit is left, at its own cost", "walkin", "image", 25, true, "100"},
		{"one more than is left", "walkin", "image", 26, false, "104"},
		{"an allowance of its own", "ghost", "chat-1", 8, false, "8"},
	}
	for _, test := range tests {
		answer := s.entitled(test.customer, test.model, test.required)
		if answer.Allowed != test.allowed || answer.Required.String() != test.credits {
			t.Errorf("%s: %+v", test.name, answer)
		}
	}
}
