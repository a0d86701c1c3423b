package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/invoicetest"
	"github.com/creditmill/creditmill/schemas"
)

// octoberSoFar is a Pro customer's October whose overage costs 0.01 a credit and is charged at each multiple of every.
func octoberSoFar(t *testing.T, used, every string) aggregate.PeriodBalance {
	balance := proOctober(seedCatalog(t), "acme", used, "0", "0")
	balance.Terms.Credits = chargedEvery(*balance.Terms.Credits, every)
	return balance
}

func chargedEvery(credits schemas.Credits, every string) *schemas.Credits {
	overage := *credits.Overage
	overage.ChargeEvery = number(every)
	credits.Overage = &overage
	return &credits
}

// planned is a plan of the period at an instant, with those charges frozen before.
func planned(t *testing.T, at string, frozen []FrozenCharge, periods ...aggregate.PeriodBalance) Plan {
	t.Helper()
	in := seedInputs(t, periods...)
	in.AsOf, in.Frozen = utc(at), frozen
	return mustPlan(t, in)
}

// fresh are the charges of a plan that are not frozen.
func fresh(plan Plan) (charges []Charge) {
	for _, charge := range plan.Charges {
		if _, frozen := plan.Frozen[charge.ID]; !frozen {
			charges = append(charges, charge)
		}
	}
	return charges
}

// postedAt adds a plan's fresh charges to those frozen before.
func postedAt(plan Plan, frozen []FrozenCharge, at string) []FrozenCharge {
	for _, charge := range fresh(plan) {
		frozen = append(frozen, FrozenCharge{
			Charge: charge, PlanSHA: plan.SHA, State: StatePosted, Mode: ModeBillNow, StripeID: "ii_" + charge.ID,
			PostedMinor: charge.AmountMinor, FrozenAt: utc(at),
		})
	}
	return frozen
}

// TestThresholds: a period that goes on is charged at each multiple of charge_every, its end for the rest.
func TestThresholds(t *testing.T) {
	const within, end = "2026-10-15T00:00:00Z", "2026-11-02T00:00:00Z"
	var frozen []FrozenCharge
	for _, step := range []struct {
		used, at, want string
	}{
		{"14999", within, "[]"},
		{"15000", within, "[threshold 5000 ready]"},
		{"15000", within, "[]"},
		{"31000", within, "[threshold 15000 ready]"}, // 210.00: three multiples more
		{"20000", within, "[]"},                      // a load was withdrawn
		{"32345", end, "[overage 2345 ready]"},
		{"32345", end, "[]"},
		{"33345", end, "[adjustment 1000 ready]"},
		{"20000", end, "[adjustment -13345 held]"},
	} {
		plan := planned(t, step.at, frozen, octoberSoFar(t, step.used, "50"))
		got := "["
		for i, charge := range fresh(plan) {
			if i > 0 {
				got += " "
			}
			got += fmt.Sprint(charge.Kind, " ", charge.AmountMinor, " ", charge.Status)
			if charge.Kind == KindThreshold && (!charge.BilledCredits.IsZero() || !charge.Residual.IsZero()) {
				t.Fatalf("%+v", charge)
			}
		}
		if got += "]"; got != step.want {
			t.Fatalf("%s credits at %s: %s, want %s", step.used, step.at, got, step.want)
		}
		frozen = postedAt(plan, frozen, step.at)
	}
}

// TestThresholdsEnd: what becomes of charges within a period whose end, product or usage is not what it was to be.
func TestThresholdsEnd(t *testing.T) {
	running := octoberSoFar(t, "21000", "50")
	running.Period = schemas.Period{Start: utc("2026-10-08T00:00:00Z"), End: utc("2026-11-01T12:00:00Z")}
	frozen := postedAt(planned(t, "2026-10-15T00:00:00Z", nil, running), nil, "2026-10-15T00:00:00Z")
	cut := octoberSoFar(t, "21500", "50")
	cut.Period = schemas.Period{Start: running.Period.Start, End: utc("2026-10-20T00:00:00Z")}
	earlier := octoberSoFar(t, "21500", "50")
	earlier.Period = schemas.Period{Start: utc("2026-10-01T00:00:00Z"), End: utc("2026-10-20T00:00:00Z")}
	free := octoberSoFar(t, "21500", "50")
	free.Terms.Credits.Overage = nil
	tests := []struct {
		name    string
		periods []aggregate.PeriodBalance
		want    int64
		status  string
	}{
		{"cut short", []aggregate.PeriodBalance{cut}, 1500, StatusReady},
		{"begins elsewhere", []aggregate.PeriodBalance{earlier}, 1500, StatusReady},
		{"less usage", []aggregate.PeriodBalance{octoberSoFar(t, "11000", "50")}, -9000, StatusHeld},
		{"no overage sold", []aggregate.PeriodBalance{free}, -10000, StatusHeld},
		{"no usage", nil, -10000, StatusHeld},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan := planned(t, "2026-11-02T00:00:00Z", frozen, test.periods...)
			charges := fresh(plan)
			if len(charges) != 1 || charges[0].Kind != KindOverage || charges[0].AmountMinor != test.want ||
				charges[0].Status != test.status {
				t.Fatalf("%+v", charges)
			}
			again := planned(t, "2026-11-02T00:00:00Z", postedAt(plan, frozen, "2026-11-02T00:00:00Z"), test.periods...)
			if left := fresh(again); len(left) != 0 {
				t.Fatalf("charged again: %+v", left)
			}
		})
	}
}

// TestThresholdsADay: a customer has no more of them in a day than Stripe makes invoices.
func TestThresholdsADay(t *testing.T) {
	var frozen []FrozenCharge
	for i := range thresholdsADay + 3 {
		used := decimal.NewFromInt(10000 + 5000*int64(i+1)).String()
		frozen = postedAt(planned(t, "2026-10-15T12:00:00Z", frozen, octoberSoFar(t, used, "50")), frozen,
			"2026-10-15T12:00:00Z")
	}
	if len(frozen) != thresholdsADay {
		t.Fatalf("%d charges in a day, want %d", len(frozen), thresholdsADay)
	}
	next := fresh(planned(t, "2026-10-16T12:00:01Z", frozen, octoberSoFar(t, "75000", "50")))
	if len(next) != 1 || next[0].AmountMinor != 3*5000 {
		t.Fatalf("the day after: %+v", next)
	}
}

// TestThresholdsOtherCurrency: charges within a period in another currency are left to a person.
func TestThresholdsOtherCurrency(t *testing.T) {
	frozen := postedAt(planned(t, "2026-10-15T00:00:00Z", nil, octoberSoFar(t, "15000", "50")), nil,
		"2026-10-15T00:00:00Z")
	in := seedInputs(t, octoberSoFar(t, "20000", "50"))
	in.Catalog, in.Frozen = invoicetest.EditedCatalog(t, "currency: usd", "currency: eur"), frozen
	charges := fresh(mustPlan(t, in))
	if len(charges) != 1 || charges[0].AmountMinor != 0 || charges[0].Status != StatusHeld {
		t.Fatalf("%+v", charges)
	}
}

// TestThresholdsAgainstOracle: whatever overage costs, however usage grows and shrinks before and after the period's
// end, the charges come to the price that is worked out credit by credit once it has ended; before, they are never more
// than the highest price of any night, in multiples of charge_every.
func TestThresholdsAgainstOracle(t *testing.T) {
	catalog := seedCatalog(t)
	rapid.Check(t, func(r *rapid.T) {
		overage := drawOverage(r)
		every := rapid.Int64Range(1, 400).Draw(r, "charge every")
		overage.ChargeEvery = decimal.New(every, -2)
		var frozen []FrozenCharge
		tenths, highest := int64(0), int64(0)
		nights := rapid.IntRange(1, 6).Draw(r, "nights")
		end := rapid.IntRange(0, nights).Draw(r, "end")
		for night := range nights {
			tenths = max(0, tenths+rapid.Int64Range(-200, 400).Draw(r, "tenths more"))
			balance := proOctober(catalog, "acme", decimal.New(tenths, -1).String(), "10000", "0")
			credits := *balance.Terms.Credits
			credits.Overage, balance.Terms.Credits = &overage, &credits
			balance.Billable = overage.Billable(balance.Overage)
			at := utc("2026-10-10T00:00:00Z").Add(time.Duration(night) * 24 * time.Hour)
			if night >= end {
				at = at.AddDate(0, 1, 0)
			}
			in := seedInputs(t, balance)
			in.AsOf, in.Frozen = at, frozen
			plan := mustPlan(t, in)
			frozen = postedAt(plan, frozen, at.Format(time.RFC3339))
			sum, want := int64(0), minorByOracle(overage, tenths)
			for _, charge := range frozen {
				sum += charge.AmountMinor
			}
			highest = max(highest, want)
			if night >= end && sum != want {
				r.Fatalf("%d tenths beyond the allowance at %+v come to %d, want %d", tenths, overage, sum, want)
			}
			if night < end && (sum%every != 0 || sum > highest || sum < want/every*every) {
				r.Fatalf("%d were charged by %d, in steps of %d", sum, want, every)
			}
		}
	})
}
