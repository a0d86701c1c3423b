package plan

import (
	"math/big"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
)

// TestOverageAgainstOracle: whatever the tiers, their mode and fees, the minimum, the limit and the units are, and
// however late usage comes, the base charge and its adjustments come to the price that is worked out credit by credit;
// lines add up to each of them.
func TestOverageAgainstOracle(t *testing.T) {
	catalog := seedCatalog(t)
	rapid.Check(t, func(r *rapid.T) {
		overage := drawOverage(r)
		var frozen []FrozenCharge
		tenths := int64(0) // of a credit beyond the allowance
		for range rapid.IntRange(1, 5).Draw(r, "nights") {
			tenths += rapid.Int64Range(0, 400).Draw(r, "tenths more")
			balance := proOctober(catalog, "acme", decimal.New(tenths, -1).String(), "10000", "0")
			credits := *balance.Terms.Credits
			credits.Overage, balance.Terms.Credits = &overage, &credits
			balance.Billable = overage.Billable(balance.Overage)
			balance.Capped = balance.Overage.Sub(balance.Billable)
			frozen = nightOf(t, r, balance, frozen)
			sum := int64(0)
			for _, charge := range frozen {
				sum += charge.AmountMinor
			}
			if want := minorByOracle(overage, tenths); sum != want {
				r.Fatalf("%d tenths beyond the allowance at %+v come to %d, want %d", tenths, overage, sum, want)
			}
		}
	})
}

// nightOf plans and posts a night's charges.
func nightOf(t *testing.T, r *rapid.T, balance aggregate.PeriodBalance, before []FrozenCharge) []FrozenCharge {
	in := seedInputs(t, balance)
	in.Frozen = before
	plan := mustPlan(t, in)
	for _, charge := range plan.Charges {
		lines := int64(0)
		for _, line := range charge.Lines {
			lines += line.AmountMinor
		}
		if lines != charge.AmountMinor {
			r.Fatalf("lines of %+v add up to %d", charge, lines)
		}
	}
	return posted(plan, StatePosted)
}

func drawOverage(r *rapid.T) schemas.Overage {
	price := rapid.Map(rapid.Int64Range(0, 30), func(n int64) decimal.Decimal { return decimal.New(n, -3) })
	fee := rapid.Map(rapid.Int64Range(0, 3), func(n int64) decimal.Decimal { return decimal.New(n*n, -1) })
	overage := schemas.Overage{
		BillingUnits: rapid.Int64Range(1, 7).Draw(r, "billing units"), Volume: rapid.Bool().Draw(r, "volume"),
		Minimum: fee.Draw(r, "minimum"), Limit: decimal.New(rapid.Int64Range(0, 60).Draw(r, "limit"), 0),
	}
	end := int64(0)
	for range rapid.IntRange(0, 3).Draw(r, "closed tiers") {
		end += rapid.Int64Range(1, 30).Draw(r, "length")
		overage.Tiers = append(overage.Tiers, schemas.Tier{
			UpTo: decimal.New(end, 0), PerCredit: price.Draw(r, "price"), Flat: fee.Draw(r, "flat"),
		})
	}
	overage.Tiers = append(overage.Tiers, schemas.Tier{PerCredit: price.Draw(r, "last price"), Flat: fee.Draw(r, "last")})
	return overage
}

// minorByOracle walks over whole credits, one by one, in fractions.
func minorByOracle(overage schemas.Overage, tenths int64) int64 {
	billed := (tenths + 9) / 10
	for billed%overage.BillingUnits != 0 {
		billed++
	}
	limit := overage.Limit.IntPart()
	if limit > 0 && billed > limit {
		billed = limit
	}
	sum, last := new(big.Rat), -1
	for credit := int64(1); credit <= billed; credit++ {
		tier := 0
		for overage.Tiers[tier].UpTo.IsPositive() && credit > overage.Tiers[tier].UpTo.IntPart() {
			tier++
		}
		if tier != last {
			if overage.Volume { // what went before is priced anew by the tier that is reached
				sum.Mul(overage.Tiers[tier].PerCredit.Rat(), big.NewRat(credit-1, 1))
			}
			sum.Add(sum, overage.Tiers[tier].Flat.Rat())
			last = tier
		}
		sum.Add(sum, overage.Tiers[tier].PerCredit.Rat())
	}
	if least := overage.Minimum.Rat(); sum.Sign() > 0 && sum.Cmp(least) < 0 {
		sum = least
	}
	cents := sum.Mul(sum, big.NewRat(100, 1))
	half := new(big.Int).Add(new(big.Int).Mul(cents.Num(), big.NewInt(2)), cents.Denom())
	return half.Quo(half, new(big.Int).Mul(cents.Denom(), big.NewInt(2))).Int64()
}
