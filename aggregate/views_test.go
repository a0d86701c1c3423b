package aggregate

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/usagetest"
	"github.com/creditmill/creditmill/schemas"
)

// TestSpendUnitsAddUp holds the analysts' views of units against the balances and against those of tokens: a price
// change inside a day, parts of units, requests, and units and features without a price.
func TestSpendUnitsAddUp(t *testing.T) {
	s := newStore(t)
	ctx := context.Background()
	catalog := mustCatalog(t, fmt.Sprintf(oracleCatalog, "America/New_York", "month"))
	more := func(unit, quantity string) schemas.Amounts {
		return schemas.Amounts{{Unit: unit, Quantity: decimal.RequireFromString(quantity)}}
	}
	event := func(at string, e usagetest.Event) usagetest.Event {
		e.At, e.Customer = instant(at), "a"
		return e
	}
	s.load(
		event("2026-10-20T00:00:00Z", usagetest.Event{
			Model: "plain", Tokens: [5]uint64{5, 0, 0, 2}, More: more("searches", "3"),
		}),
		event("2026-10-31T23:59:59.499999999Z", usagetest.Event{Model: "plain", More: more("searches", "0.000000001")}),
		event("2026-10-31T23:59:59.5Z", usagetest.Event{Model: "plain", More: more("searches", "12.5"), Reversed: true}),
		event("2026-10-20T00:00:00Z", usagetest.Event{Model: "plain", More: more("input_audio", "7")}),
		event("2026-10-21T00:00:00Z", usagetest.Event{Feature: "images", More: more("quantity", "50")}),
		event("2026-10-31T23:59:59.5Z", usagetest.Event{Feature: "images", More: more("pages", "0.25")}),
		event("2026-10-22T00:00:00Z", usagetest.Event{Feature: "images", More: more("upscales", "2")}),
		event("2026-10-22T00:00:00Z", usagetest.Event{Feature: "nothing", More: more("quantity", "1.5")}),
	)
	s.run(catalog, "2026-11-20T00:00:00Z")
	want := decimal.Zero
	for _, b := range s.replay(catalog, "2026-11-20T00:00:00Z") {
		want = want.Add(b.Used)
	}
	var daily, units, unrated decimal.Decimal
	var events uint64
	s.must(s.Conn().QueryRow(ctx, "SELECT sum(credits), sum(events) FROM v_spend_daily").Scan(&daily, &events))
	s.must(s.Conn().QueryRow(ctx, "SELECT sum(credits), sum(unrated) FROM v_spend_units").Scan(&units, &unrated))
	if !daily.Equal(want) || !units.Equal(want) || events != 8 || !want.IsPositive() {
		t.Errorf("%s credits by day of %d events, %s by unit, %s in the balances", daily, events, units, want)
	}
	if unrated.String() != "3.5" {
		t.Errorf("%s unrated", unrated)
	}
	var counted string
	const sums = "SELECT arrayStringConcat(groupArray(concat(unit, ' ', toString(used))), ', ') " +
		"FROM (SELECT unit, sum(quantity) AS used FROM %s GROUP BY unit ORDER BY unit)"
	for _, view := range []string{"v_event_units", "v_usage_units", "v_spend_units"} {
		s.must(s.Conn().QueryRow(ctx, fmt.Sprintf(sums, view)).Scan(&counted))
		const all = "input 5, input_audio 7, output 2, pages 0.25, quantity 51.5, requests 8, searches 15.500000001, " +
			"upscales 2"
		if counted != all {
			t.Errorf("%s: %s, want %s", view, counted, all)
		}
	}
}

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
	if text := strings.Join(got, "\n"); text != "a 23.669135690246913478 0 4\nb 41.00000000000000001 18 4" {
		t.Errorf("view holds\n%s", text)
	}
}
