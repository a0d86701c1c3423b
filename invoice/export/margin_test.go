package export

import (
	"slices"
	"testing"

	"github.com/shopspring/decimal"
)

// TestMargin: revenue follows credits, cost follows tokens, and each way to group them has the same sums.
func TestMargin(t *testing.T) {
	catalog := parseJournalCatalog(t)
	journal := Journal{Month: "2026-10", Currency: "usd", revenue: map[holder]int64{
		{"acme", "pro"}: 1000, {"ann", "pro"}: -50, {"idle", "year"}: 300,
	}}
	n := decimal.NewFromInt
	usage := []usageOf{
		{"acme", "big", n(10), n(3)},
		{"acme", "small", n(90), n(1)},
		{"ann", "big", n(30), n(1)},
		{"free", "small", n(10), n(0)},
	}
	costs := []costOf{
		{"big", "", "usd", decimal.RequireFromString("4.004")},
		{"small", "", "usd", n(1)},
		{"other", "", "usd", n(2)},
		{"big", "ann", "usd", n(1)},
		{"big", "", "eur", n(9)},
	}
	for by, want := range map[string][]MarginRow{
		ByCustomer: {
			{"", 0, 200, -200},
			{"acme", 1000, 190, 810},
			{"ann", -50, 400, -450},
			{"free", 0, 10, -10},
			{"idle", 300, 0, 300},
		},
		ByModel:   {{"", 300, 0, 300}, {"big", 700, 500, 200}, {"other", 0, 200, -200}, {"small", 250, 100, 150}},
		ByProduct: {{"", 0, 200, -200}, {"free", 0, 10, -10}, {"pro", 950, 590, 360}, {"year", 300, 0, 300}},
	} {
		margin, err := marginOf(catalog, journal, usage, costs, by)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(margin.Rows, want) {
			t.Errorf("by %s: %+v", by, margin.Rows)
		}
		if margin.RevenueMinor != 1250 || margin.CostMinor != 800 || margin.MarginMinor != 450 {
			t.Errorf("by %s: sums are %d - %d = %d", by, margin.RevenueMinor, margin.CostMinor, margin.MarginMinor)
		}
		if len(margin.LeftOut) != 1 || margin.LeftOut[0].Reason != "cost of big in eur" {
			t.Errorf("left out is %+v", margin.LeftOut)
		}
	}
}
