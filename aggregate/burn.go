package aggregate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

// addUsage adds up what was used in the balance's credit system.
func (b *PeriodBalance) addUsage(usage []sliceSpend) {
	for _, spend := range usage {
		if spend.System == b.CreditSystem {
			b.Used = b.Used.Add(spend.Credits)
			b.addFeature(spend)
		}
	}
	slices.SortFunc(b.Features, func(x, y FeatureSpend) int { return cmp.Compare(x.FeatureID, y.FeatureID) })
}

// settle takes the figures from the ledger of the balance's credit system; overage is how the product sells what the
// ledger does not cover, nil if it does not.
func (b *PeriodBalance) settle(l *ledger, overage *schemas.Overage) error {
	if b.Unlimited {
		return b.check()
	}
	b.Remaining = l.left()
	b.Granted = l.taken.Add(b.Remaining)
	b.Balance = b.Granted.Sub(b.Used)
	b.Overage = l.uncovered
	b.Billable = billable(b.Overage, overage)
	b.Capped = b.Overage.Sub(b.Billable)
	return b.check()
}

// billable is the part of an overage that has a price: all of it up to the limit, or none without a price.
func billable(overage decimal.Decimal, terms *schemas.Overage) decimal.Decimal {
	if terms == nil {
		return decimal.Zero
	}
	return terms.Billable(overage)
}

// hardCapped tells whether nothing may be used beyond the balance.
func (b *PeriodBalance) hardCapped() bool {
	return b.Terms.Credits != nil && b.Terms.Credits.System == b.CreditSystem && b.Terms.Credits.HardCap
}

// addFeature adds to the feature's sums, which are never changed in place: the first ones are the row's own.
func (b *PeriodBalance) addFeature(spend sliceSpend) {
	i := slices.IndexFunc(b.Features, func(f FeatureSpend) bool { return f.FeatureID == spend.Feature })
	if i < 0 {
		feature := FeatureSpend{
			FeatureID: spend.Feature, Units: slices.Clone(spend.Units), TokensTotal: spend.Units.Tokens().BigInt(),
			Credits: spend.Credits, Events: spend.Events,
		}
		b.Features = append(b.Features, feature)
		return
	}
	feature := &b.Features[i]
	feature.Events += spend.Events
	feature.Credits = feature.Credits.Add(spend.Credits)
	feature.Units.AddAll(spend.Units)
	feature.TokensTotal = feature.Units.Tokens().BigInt()
}

// check holds the row against the rules that every row obeys.
func (b *PeriodBalance) check() error {
	for _, amount := range []decimal.Decimal{b.Granted, b.Used, b.Balance, b.Overage} {
		if err := money.Check(amount); err != nil {
			return err
		}
	}
	features := decimal.Zero
	for _, feature := range b.Features {
		features = features.Add(feature.Credits)
	}
	zero := decimal.Zero
	switch {
	case !features.Equal(b.Used):
		return fmt.Errorf("%w: features spent %s, used is %s", ErrInvariant, features, b.Used)
	case b.Unlimited:
		return nil
	case !b.Granted.Sub(b.Used).Equal(b.Balance):
		return fmt.Errorf("%w: granted %s - used %s is not balance %s", ErrInvariant, b.Granted, b.Used, b.Balance)
	case !b.Remaining.Equal(decimal.Max(zero, b.Balance)):
		return fmt.Errorf("%w: remaining %s of balance %s", ErrInvariant, b.Remaining, b.Balance)
	case !b.Overage.Equal(decimal.Max(zero, b.Balance.Neg())):
		return fmt.Errorf("%w: overage %s of balance %s", ErrInvariant, b.Overage, b.Balance)
	case !b.Billable.Add(b.Capped).Equal(b.Overage) || b.Billable.IsNegative() || b.Capped.IsNegative():
		return fmt.Errorf("%w: billable %s and capped %s of overage %s", ErrInvariant, b.Billable, b.Capped, b.Overage)
	}
	return nil
}
