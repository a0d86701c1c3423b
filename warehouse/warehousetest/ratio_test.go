package warehousetest

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestRatio: the bounds are those of the binomial distribution. Of six pairs the least and the largest hold the median
// with 1 - 2/2^6 = 96.9 %, of nine the second and the eighth with 96.1 %, of five none does with 95 %.
func TestRatio(t *testing.T) {
	for _, c := range []struct {
		name              string
		pairs             []float64
		median, low, high float64
		settled           bool
		text              string
	}{
		{"one", []float64{0.7}, 0.7, math.Inf(-1), math.Inf(1), false, "0.70 (no interval)"},
		{"five", []float64{0.7, 0.7, 0.7, 0.7, 0.7}, 0.7, math.Inf(-1), math.Inf(1), false, "0.70 (no interval)"},
		{"six", []float64{1.1, 0.9, 1, 1.05, 0.95, 1}, 1, 0.9, 1.1, true, "1.00 (0.90 to 1.10)"},
		{"six, one far off", []float64{1.2, 0.95, 1, 1.05, 0.95, 1}, 1, 0.95, 1.2, false, "1.00 (0.95 to 1.20)"},
		{
			"nine, two far off",
			[]float64{5, 0.1, 0.96, 0.97, 1, 1.04, 1.03, 1.01, 0.99},
			1, 0.96, 1.04, true, "1.00 (0.96 to 1.04)",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			measured := slices.Clone(c.pairs)
			got := NewRatio(c.pairs)
			if got.Median != c.median || got.Low != c.low || got.High != c.high {
				t.Errorf("%v to %v around %v, want %v to %v around %v", got.Low, got.High, got.Median, c.low, c.high, c.median)
			}
			if got.Settled() != c.settled || got.String() != c.text {
				t.Errorf("%s, settled: %v; want %s, %v", got, got.Settled(), c.text, c.settled)
			}
			if !slices.Equal(c.pairs, measured) {
				t.Error("the pairs are not in their order any more")
			}
		})
	}
}

// TestRatioHolds: the interval is of measured values and holds the median.
func TestRatioHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pairs := rapid.SliceOfN(rapid.Float64Range(0.01, 100), 6, 40).Draw(t, "pairs")
		r := NewRatio(pairs)
		if !slices.Contains(pairs, r.Low) || !slices.Contains(pairs, r.High) || r.Low > r.Median || r.Median > r.High {
			t.Fatalf("%v to %v around %v of %v", r.Low, r.High, r.Median, pairs)
		}
	})
}

// TestSettle: no more pairs are measured than it takes, and never more than the bound.
func TestSettle(t *testing.T) {
	steady := func(int) []float64 { return []float64{1, 2} }
	if ratios := settle(15, steady); len(ratios) != 2 || len(ratios[0].Pairs) != 6 || ratios[1].Median != 2 {
		t.Errorf("of steady pairs: %v", ratios)
	}
	oneWild := func(round int) []float64 { return []float64{1, float64(1 + round%2)} }
	if ratios := settle(15, oneWild); len(ratios[0].Pairs) != 15 || len(ratios[1].Pairs) != 15 {
		t.Errorf("of wild pairs: %v", ratios)
	}
	if ratios := settle(2, steady); len(ratios[0].Pairs) != 2 || ratios[0].Settled() {
		t.Errorf("of two pairs at most: %v", ratios)
	}
}
