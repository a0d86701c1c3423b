package money

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

func TestAllocate(t *testing.T) {
	tests := []struct {
		name    string
		total   int64
		weights []string
		want    []int64
	}{
		{"even", 100, []string{"1", "1"}, []int64{50, 50}},
		{"ties go to the first", 100, []string{"1", "1", "1"}, []int64{34, 33, 33}},
		{"largest remainder", 10, []string{"5000", "10000", "5000.1"}, []int64{2, 5, 3}},
		{"fractions", 1, []string{"0.1", "0.2"}, []int64{0, 1}},
		{"a weight of zero gets nothing", 7, []string{"0", "3", "0"}, []int64{0, 7, 0}},
		{"negative total", -100, []string{"1", "1", "1"}, []int64{-34, -33, -33}},
		{"nothing to share", 0, []string{"0", "0"}, []int64{0, 0}},
		{"nobody and nothing", 0, nil, []int64{}},
		{"great", math.MaxInt64, []string{"1"}, []int64{math.MaxInt64}},
		{"least", math.MinInt64, []string{"1"}, []int64{math.MinInt64}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Allocate(test.total, decimals(test.weights))
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
	if _, err := Allocate(1, decimals([]string{"0"})); !errors.Is(err, ErrNoWeight) {
		t.Errorf("no weight: %v", err)
	}
	if _, err := Allocate(1, decimals([]string{"1", "-1"})); !errors.Is(err, ErrNegativeWeight) {
		t.Errorf("negative weight: %v", err)
	}
}

// The shares add up to the total, and each is less than one unit away from the exact share.
func TestAllocateIsExact(t *testing.T) {
	weight := rapid.Custom(func(t *rapid.T) decimal.Decimal {
		return decimal.NewFromBigInt(big.NewInt(rapid.Int64Range(0, 1<<62).Draw(t, "coefficient")),
			-rapid.Int32Range(0, 18).Draw(t, "places"))
	})
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64().Draw(t, "total")
		weights := rapid.SliceOfN(weight, 1, 20).Draw(t, "weights")
		sum := new(big.Rat)
		for _, weight := range weights {
			sum.Add(sum, weight.Rat())
		}
		shares, err := Allocate(total, weights)
		if errors.Is(err, ErrNoWeight) && sum.Sign() == 0 {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		added := new(big.Int)
		for i, share := range shares {
			added.Add(added, big.NewInt(share))
			if sum.Sign() == 0 {
				continue
			}
			exact := new(big.Rat).Mul(new(big.Rat).SetInt64(total), weights[i].Rat())
			exact.Quo(exact, sum).Sub(exact, new(big.Rat).SetInt64(share))
			if exact.Abs(exact).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("share %d of %d is %d, %s away", i, total, share, exact)
			}
		}
		if added.Cmp(big.NewInt(total)) != 0 {
			t.Fatalf("shares add up to %s, not %d", added, total)
		}
	})
}

func decimals(texts []string) []decimal.Decimal {
	amounts := make([]decimal.Decimal, len(texts))
	for i, text := range texts {
		amounts[i] = decimal.RequireFromString(text)
	}
	return amounts
}
