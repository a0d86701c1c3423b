package aggregate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/aggregate/usagetest"
)

const everyCatalog = `
currency: usd
timezone: Europe/Berlin
features: [{id: tokens, models: [m]}]
credit_systems: [{id: credits, costs: [{effective: 2001-01-01, per_token: {tokens: 1}}]}]
products:
  - {id: free, default: true, credits: {system: credits, included: 10, every: %s}}
  - id: pro
    price: {amount: "9", every: month}
    credits: {system: credits, included: 20, every: %[1]s, rollover: {max: 30, periods: 2},
      overage: {per_credit: "0.01"}}
`

// TestFirstUsageOfOne adds one event with the year 2001 to the usage of a thousand customers: their time is laid out as
// before, and their figures stay. That customer's own time is, too, unless it has too many periods.
func TestFirstUsageOfOne(t *testing.T) {
	const asOf, others = "2026-11-15T12:00:00Z", 1000
	tests := []struct {
		every, year string
		tooLong     bool
	}{{"hour", "2001", true}, {"hour", "2023", false}, {"day", "2001", false}, {"month", "2001", false}}
	for _, test := range tests {
		t.Run(test.every+" since "+test.year, func(t *testing.T) {
			s := newStore(t)
			catalog := mustCatalog(t, fmt.Sprintf(everyCatalog, test.every))
			subscribed := Known{Subscriptions: []subscription.Subscription{}}
			var events []usagetest.Event
			for i := range others {
				customer := fmt.Sprintf("cus_%04d", i)
				at := instant("2026-11-13T08:30:00Z").Add(time.Duration(i) * 2 * time.Minute)
				events = append(events, usagetest.Event{At: at, Customer: customer, Model: "m", Tokens: [5]uint64{uint64(i)}})
				if i%2 == 0 { // half of them alike but for their first usage, the rest with the default product
					start := instant("2026-11-10T00:00:00Z")
					subscribed.Subscriptions = append(subscribed.Subscriptions, subscription.Subscription{
						CustomerID: customer, Product: "pro", StartsAt: start, Anchor: start,
					})
				}
			}
			for _, customer := range []string{"bad-pro", "bad-free"} {
				events = append(events, use(customer, "2026-11-14T00:00:00Z", "m", 25))
			}
			start := instant("2026-11-01T00:00:00Z")
			subscribed.Subscriptions = append(subscribed.Subscriptions, subscription.Subscription{
				CustomerID: "bad-pro", Product: "pro", StartsAt: start, Anchor: start,
			})
			s.load(events...)
			query := Query{AsOf: instant(asOf), Catalog: catalog, Known: &subscribed}
			periods, lines, problems := s.laidOut(query)
			if len(problems) != 0 {
				t.Fatal(problems)
			}
			s.load(use("bad-pro", test.year+"-03-04T05:06:07Z", "m", 3), use("bad-free", test.year+"-03-04T05:06:07Z", "m", 3))
			for _, from := range []string{"the raw events", "the rollup"} {
				nowPeriods, nowLines, nowProblems := s.laidOut(query)
				if nowPeriods != periods {
					t.Errorf("from %s: %d periods are laid out for the others, %d before", from, nowPeriods, periods)
				}
				if nowLines != lines {
					t.Errorf("from %s: the others' figures changed", from)
				}
				if held := len(nowProblems) == 2; held != test.tooLong || len(nowProblems)%2 != 0 {
					t.Errorf("from %s: problems %v", from, nowProblems)
				}
				for _, problem := range nowProblems {
					if !strings.Contains(problem.Reason, "more than 50000 periods") {
						t.Errorf("from %s: %s", from, problem)
					}
				}
				s.must(s.aggregator().RollUp(t.Context(), catalog))
			}
		})
	}
}

// laidOut counts the periods that are laid out for customers called cus_…, and writes down their figures.
func (s *store) laidOut(query Query) (periods int, lines string, problems []Problem) {
	s.T.Helper()
	a := s.aggregator()
	_, layout, err := a.prepare(s.T.Context(), query, nil)
	s.must(err)
	for customer, spans := range layout.own {
		if strings.HasPrefix(customer, "cus_") {
			periods += len(spans)
		}
	}
	balances, problems, err := a.ReplayEach(s.T.Context(), query)
	s.must(err)
	var kept []PeriodBalance
	for _, balance := range balances {
		if strings.HasPrefix(balance.CustomerID, "cus_") {
			kept = append(kept, balance)
		}
	}
	return periods, figures(kept), problems
}
