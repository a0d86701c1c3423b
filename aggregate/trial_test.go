package aggregate

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

const trialled = `
currency: usd
timezone: America/New_York
features: [{id: tokens, models: [m]}]
credit_systems: [{id: credits, costs: [{effective: 2026-01-01, per_token: {tokens: 1}}]}]
products:
  - {id: free, default: true, credits: {system: credits, included: 10, every: month}}
  - {id: small, price: {amount: "10", every: month}, credits: {system: credits, included: 100, every: month}}
  - id: pro
    price: {amount: "100", every: month}
    trial: {days: 14}
    credits: {system: credits, included: 1000, every: month, overage: {per_credit: "0.01"}}
`

// TestTrial walks a customer through a trial: overage in it is capped, and the periods are counted from its end.
func TestTrial(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, trialled)
	s.attach(catalog, "a", "pro", "2026-10-25T12:00:00Z") // 8 o'clock; the clock goes back on November 1
	s.load(
		use("a", "2026-10-25T11:59:59.999999999Z", "m", 5), use("a", "2026-10-25T12:00:00Z", "m", 1500),
		use("a", "2026-11-08T12:59:59.999999999Z", "m", 1), use("a", "2026-11-08T13:00:00Z", "m", 1200),
	)
	s.run(catalog, "2026-10-30T00:00:00Z")
	for _, at := range []time.Time{{}, instant("2026-10-30T00:00:00Z")} { // from the stored run, and computed
		answer, err := s.aggregator().Entitled(context.Background(), EntitledQuery{
			CustomerID: "a", Feature: "m", Unit: schemas.UnitInput, Required: credits("1"), AsOf: at, Catalog: catalog,
		})
		s.must(err)
		if answer.Allowed || answer.OverageAllowed || !answer.Balance.Trial {
			t.Errorf("in the trial: %+v", answer)
		}
	}
	s.run(catalog, "2026-11-10T00:00:00Z")
	if answer := s.entitled("a", "m", 1); !answer.Allowed || !answer.OverageAllowed || answer.Balance.Trial {
		t.Errorf("after the trial: %+v", answer)
	}
	want := strings.Join([]string{
		"a free credits 2026-10-01T04:00:00Z 2026-10-25T12:00:00Z granted 10 used 5 balance 5 billable 0 capped 0",
		"a pro credits 2026-10-25T12:00:00Z 2026-11-08T13:00:00Z granted 1000 used 1501 balance -501 billable 0 capped 501",
		"a pro credits 2026-11-08T13:00:00Z 2026-12-08T13:00:00Z granted 1000 used 1200 balance -200 billable 200 capped 0",
	}, "\n")
	if got := figures(s.replay(catalog, "2026-11-10T00:00:00Z")); got != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
}
