package aggregate

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/usagetest"
)

// TestSpendDailyAddsUpToBalances holds the analysts' view against the balances, with a price change inside a day.
func TestSpendDailyAddsUpToBalances(t *testing.T) {
	s := newStore(t)
	ctx := context.Background()
	catalog := mustCatalog(t, fmt.Sprintf(oracleCatalog, "America/New_York", "month"))
	s.load(
		use("a", "2026-10-31T23:59:59.499999999Z", "plain", 100), use("a", "2026-10-31T23:59:59.5Z", "plain-2", 100),
		use("a", "2026-10-31T23:59:59.5Z", "plain", 1), use("a", "2026-10-20T00:00:00Z", "plain", 7),
		use("b", "2026-10-31T20:00:00Z", "late", 5), use("b", "2026-11-01T03:00:00Z", "late", 5),
		use("b", "2026-10-20T00:00:00Z", "mystery", 9),
		usagetest.Event{
			At: instant("2026-10-20T00:00:00Z"), Customer: "b", Model: "pooled", Tokens: [5]uint64{10, 4, 0, 2, 0},
		},
	)
	s.run(catalog, "2026-11-20T00:00:00Z")
	want := map[string]decimal.Decimal{}
	for _, b := range s.replay(catalog, "2026-11-20T00:00:00Z") {
		want[b.CustomerID] = want[b.CustomerID].Add(b.Used)
	}
	rows, err := s.Conn().Query(ctx, "SELECT customer_id, sum(credits), toString(sum(unrated_tokens)), "+
		"toString(sum(events)) FROM v_spend_daily GROUP BY customer_id ORDER BY customer_id")
	s.must(err)
	defer rows.Close()
	var got []string
	for rows.Next() {
		var customer, unrated, events string
		var credits decimal.Decimal
		s.must(rows.Scan(&customer, &credits, &unrated, &events))
		if !credits.Equal(want[customer]) {
			t.Errorf("%s: %s credits in the view, %s in the balances", customer, credits, want[customer])
		}
		got = append(got, strings.Join([]string{customer, credits.String(), unrated, events}, " "))
	}
	s.must(rows.Err())
	if text := strings.Join(got, "\n"); text != "a 23.169135690246913478 0 4\nb 41.00000000000000001 18 4" {
		t.Errorf("view holds\n%s", text)
	}
}
