package aggregate

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

// ErrInvariant is returned when a figure breaks a rule that always holds; nothing is stored then.
var ErrInvariant = errors.New("invariant broken")

// allowancePriority is the burn order of an allowance among buckets; lower burns first.
const allowancePriority = 50

// bucket is an amount of credits that usage can be taken from until it expires.
type bucket struct {
	priority int
	expires  time.Time // zero: never
	since    time.Time
	left     decimal.Decimal
}

// sortBuckets puts buckets in the order in which they burn: by priority, then the one that expires first, then the
// oldest.
func sortBuckets(buckets []bucket) {
	slices.SortStableFunc(buckets, func(a, b bucket) int {
		byExpiry := a.expires.Compare(b.expires)
		if a.expires.IsZero() != b.expires.IsZero() {
			byExpiry = -byExpiry // never is later than any time
		}
		return cmp.Or(cmp.Compare(a.priority, b.priority), byExpiry, a.since.Compare(b.since))
	})
}

// burn takes the amount from the buckets in their order and returns what they do not cover.
func burn(buckets []bucket, amount decimal.Decimal) (uncovered decimal.Decimal) {
	for i := range buckets {
		taken := decimal.Min(buckets[i].left, amount)
		buckets[i].left = buckets[i].left.Sub(taken)
		amount = amount.Sub(taken)
	}
	return amount
}

// allowance returns the bucket a period begins with; none for a product without credits.
func (s span) allowance() []bucket {
	if s.terms.Credits == nil {
		return nil
	}
	return []bucket{{
		priority: allowancePriority, expires: s.End, since: s.Start, left: s.terms.Credits.Included,
	}}
}

// burnDown settles one period of a customer: usage in the product's credit system burns the allowance, usage in another
// one has nothing to burn and is capped. usage is in order of time.
func burnDown(customer string, s span, usage []sliceSpend) ([]PeriodBalance, error) {
	systems := []string{}
	if s.creditSystem() != "" {
		systems = append(systems, s.creditSystem())
	}
	var unrated uint64
	for _, spend := range usage {
		unrated += spend.Unrated
		if spend.System != "" && !slices.Contains(systems, spend.System) {
			systems = append(systems, spend.System)
		}
	}
	slices.Sort(systems)
	balances := make([]PeriodBalance, 0, len(systems))
	for _, system := range systems {
		balance := PeriodBalance{
			CustomerID: customer, Product: s.product.ID, CreditSystem: system, Period: s.Period, Terms: s.terms,
			Trial: s.trial, UnratedEvents: unrated,
		}
		if err := balance.settle(s, usage); err != nil {
			return nil, fmt.Errorf("burn down credits of customer %s, %s, from %s: %w",
				customer, system, s.Start.Format(time.RFC3339), err)
		}
		balances = append(balances, balance)
	}
	return balances, nil
}

func (b *PeriodBalance) settle(s span, usage []sliceSpend) error {
	var buckets []bucket
	var overage *schemas.Overage
	if b.CreditSystem == s.creditSystem() {
		b.Unlimited = s.terms.Credits.Unlimited
		buckets = s.allowance()
		overage = s.terms.Credits.Overage
	}
	sortBuckets(buckets)
	for _, bucket := range buckets {
		b.Granted = b.Granted.Add(bucket.left)
	}
	uncovered := decimal.Zero
	for _, spend := range usage {
		if spend.System != b.CreditSystem {
			continue
		}
		b.Used = b.Used.Add(spend.Credits)
		uncovered = uncovered.Add(burn(buckets, spend.Credits))
		b.addFeature(spend)
	}
	slices.SortFunc(b.Features, func(x, y FeatureSpend) int { return cmp.Compare(x.FeatureID, y.FeatureID) })
	if b.Unlimited {
		return b.check()
	}
	for _, bucket := range buckets {
		b.Remaining = b.Remaining.Add(bucket.left)
	}
	b.Overage = uncovered
	b.Balance = b.Granted.Sub(b.Used)
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

func (b *PeriodBalance) addFeature(spend sliceSpend) {
	i := slices.IndexFunc(b.Features, func(f FeatureSpend) bool { return f.FeatureID == spend.Feature })
	if i < 0 {
		feature := FeatureSpend{FeatureID: spend.Feature, TokensTotal: new(big.Int)}
		for pool := range feature.Tokens {
			feature.Tokens[pool] = new(big.Int)
		}
		b.Features = append(b.Features, feature)
		i = len(b.Features) - 1
	}
	feature := &b.Features[i]
	feature.Events += spend.Events
	feature.Credits = feature.Credits.Add(spend.Credits)
	for pool, tokens := range spend.Tokens {
		feature.Tokens[pool].Add(feature.Tokens[pool], tokens)
		feature.TokensTotal.Add(feature.TokensTotal, tokens)
	}
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
