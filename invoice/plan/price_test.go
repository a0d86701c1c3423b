package plan

import (
	"testing"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

// TestPrices are a period's totals in currencies of all exponents, at one price and at prices by range, worked out by
// hand.
func TestPrices(t *testing.T) {
	graduated := []schemas.Tier{
		{UpTo: number("100"), PerCredit: number("0.03")},
		{UpTo: number("1000"), PerCredit: number("0.025")},
		{PerCredit: number("0.0125")},
	}
	tests := []struct {
		name, currency, billable string
		overage                  schemas.Overage
		billed, exact, residual  string
		minor                    int64
	}{
		{"yen", "jpy", "1000.5", schemas.Overage{PerCredit: number("1.5")}, "1001", "1500.75", "1.25", 1502},
		{"yen, half goes up", "jpy", "1", schemas.Overage{PerCredit: number("0.5")}, "1", "0.5", "0.5", 1},
		{"dinars, to ten fils", "kwd", "3", schemas.Overage{PerCredit: number("0.0051")}, "3", "0.0153", "0.0047", 20},
		{"euros", "eur", "0.4", schemas.Overage{PerCredit: number("0.01")}, "1", "0.004", "0.006", 1},
		{"first tier", "usd", "99.5", schemas.Overage{Tiers: graduated}, "100", "2.985", "0.015", 300},
		// 100 × 0.03 + 900 × 0.025 + 500 × 0.0125 = 3 + 22.5 + 6.25
		{"all tiers", "usd", "1500", schemas.Overage{Tiers: graduated}, "1500", "31.75", "0", 3175},
		{"all tiers in yen", "jpy", "1500", schemas.Overage{Tiers: graduated}, "1500", "31.75", "0.25", 32},
		// 1,000.1 credits are billed as 1,050: 25.5 + 50 × 0.0125 = 26.125, half up
		{
			"packs over the edge of a tier", "usd", "1000.1",
			schemas.Overage{Tiers: graduated, BillingUnits: 50},
			"1050", "25.50125", "0.62875", 2613,
		},
		{
			"limit inside a pack", "usd", "90",
			schemas.Overage{Tiers: graduated, BillingUnits: 50, Limit: number("95")},
			"95", "2.7", "0.15", 285,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			currency, err := money.LookupCurrency(test.currency)
			if err != nil {
				t.Fatal(err)
			}
			balance := aggregate.PeriodBalance{Billable: number(test.billable)}
			balance.Terms.Credits = &schemas.Credits{Overage: &test.overage}
			got, err := Price(balance, currency)
			if err != nil {
				t.Fatal(err)
			}
			if !got.billed.Equal(number(test.billed)) || !got.Exact.Equal(number(test.exact)) ||
				!got.residual.Equal(number(test.residual)) || got.Minor != test.minor {
				t.Errorf("billed %s, exact %s, residual %s, minor %d", got.billed, got.Exact, got.residual, got.Minor)
			}
		})
	}
}
