package schemas

import (
	"testing"

	"github.com/shopspring/decimal"
)

func TestOverageAmounts(t *testing.T) {
	number := decimal.RequireFromString
	flat := Overage{PerCredit: number("0.01"), BillingUnits: 1}
	graduated := Overage{BillingUnits: 1, Tiers: []Tier{
		{UpTo: number("10000"), PerCredit: number("0.01")},
		{UpTo: number("50000"), PerCredit: number("0.008")},
		{PerCredit: number("0.0055")},
	}}
	packs := graduated
	packs.BillingUnits, packs.Limit = 3000, number("50500")
	freeFirst := Overage{BillingUnits: 1, Tiers: []Tier{
		{UpTo: number("100"), PerCredit: number("0")}, {PerCredit: number("0.000000000000000001")},
	}}
	byVolume := graduated
	byVolume.Volume = true
	fees := Overage{BillingUnits: 1, Minimum: number("25"), Tiers: []Tier{
		{UpTo: number("100"), PerCredit: number("0")},
		{UpTo: number("1000"), PerCredit: number("0.01"), Flat: number("10")},
		{PerCredit: number("0.005"), Flat: number("7.5")},
	}}
	feesByVolume := fees
	feesByVolume.Volume = true
	tests := []struct {
		name                                    string
		overage                                 Overage
		used, billable, billed, exact, forUnits string
	}{
		{"flat, nothing", flat, "0", "0", "0", "0", "0"},
		{"flat, a fraction", flat, "0.9", "0.9", "1", "0.009", "0.01"},
		{"flat, the seed's overage", flat, "10000", "10000", "10000", "100", "100"},
		{"in the first tier", graduated, "9999.5", "9999.5", "10000", "99.995", "100"},
		{"the first tier full", graduated, "10000", "10000", "10000", "100", "100"},
		{"a credit into the second", graduated, "10001", "10001", "10001", "100.008", "100.008"},
		{"two tiers full", graduated, "50000", "50000", "50000", "420", "420"},
		// 10,000 × 0.01 + 40,000 × 0.008 + 10,000.2 × 0.0055, and 0.8 credits more for whole ones
		{"into the open tier", graduated, "60000.2", "60000.2", "60001", "475.0011", "475.0055"},
		{"rounded up into the next tier", packs, "9001", "9001", "12000", "90.01", "116"},
		{"above the limit", packs, "70000", "50500", "50500", "422.75", "422.75"},
		{"rounded up to the limit", packs, "49999", "49999", "50500", "419.992", "422.75"},
		{"free credits first", freeFirst, "101.5", "101.5", "102", "0.0000000000000000015", "0.000000000000000002"},
		{"by volume, nothing", byVolume, "0", "0", "0", "0", "0"},
		{"by volume, the first tier full", byVolume, "10000", "10000", "10000", "100", "100"},
		// 10,000.5 × 0.008, and a whole credit more
		{"by volume, past the first tier", byVolume, "10000.5", "10000.5", "10001", "80.004", "80.008"},
		{"by volume, open tier", byVolume, "60000", "60000", "60000", "330", "330"},
		{"free credits cost no minimum", fees, "100", "100", "100", "0", "0"},
		{"a fee below the minimum", fees, "100.5", "100.5", "101", "25", "25"},
		// 10 + 900 × 0.01 + 7.5 + 1,000 × 0.005
		{"two fees", fees, "2000", "2000", "2000", "31.5", "31.5"},
		{"by volume, free", feesByVolume, "99.5", "99.5", "100", "0", "0"},
		{"by volume, the last fee alone", feesByVolume, "9000", "9000", "9000", "52.5", "52.5"},
		{"by volume, the minimum", feesByVolume, "1001", "1001", "1001", "25", "25"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			billable := test.overage.Billable(number(test.used))
			billed := test.overage.Billed(billable)
			for _, check := range []struct {
				what string
				got  decimal.Decimal
				want string
			}{
				{"billable", billable, test.billable},
				{"billed", billed, test.billed},
				{"exact amount", test.overage.Amount(billable), test.exact},
				{"amount billed", test.overage.Amount(billed), test.forUnits},
			} {
				if !check.got.Equal(number(check.want)) {
					t.Errorf("%s %s, want %s", check.what, check.got, check.want)
				}
			}
		})
	}
}
