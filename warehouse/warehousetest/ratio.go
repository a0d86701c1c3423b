package warehousetest

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/perf/benchmath"
)

const (
	confidence = 0.95
	settledAt  = 0.10 // of the median, to both sides
	mostPairs  = 15
)

// Ratio is what something takes by what something else does: the median over pairs of neighbouring runs, which saw the
// same load of the machine, and the interval that holds the true one with a confidence of 95 %. The interval is one of
// order statistics: it asks nothing of how runs are distributed.
type Ratio struct {
	Pairs []float64 // in the order in which they were measured
	// Below six pairs the interval has no bounds: Low and High are infinite.
	Median, Low, High float64
}

// NewRatio is the ratio of these pairs, of which there must be one at least.
func NewRatio(pairs []float64) Ratio {
	sorted := benchmath.NewSample(slices.Clone(pairs), &benchmath.DefaultThresholds)
	summary := benchmath.AssumeNothing.Summary(sorted, confidence)
	ratio := Ratio{Pairs: pairs, Median: summary.Center, Low: summary.Lo, High: summary.Hi}
	if !ratio.isBounded() {
		ratio.Low, ratio.High = math.Inf(-1), math.Inf(1)
	}
	return ratio
}

func (r Ratio) isBounded() bool { return !math.IsInf(r.Low, 0) && !math.IsInf(r.High, 0) }

// Settled tells that the interval is within a tenth of the median.
func (r Ratio) Settled() bool {
	return r.Low >= r.Median*(1-settledAt) && r.High <= r.Median*(1+settledAt)
}

// String is the ratio as tables have it, such as "0.72 (0.69 to 0.75)".
func (r Ratio) String() string {
	if !r.isBounded() {
		return fmt.Sprintf("%.2f (no interval)", r.Median)
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", r.Median, r.Low, r.High)
}

// Settle measures pairs until all their ratios are settled, and at most PAIRS of them, 15 unless said. Each call of
// pair returns one quotient a ratio; who runs first in it should change with the round.
func Settle(b *testing.B, pair func(round int) []float64) []Ratio {
	b.Helper()
	most := mostPairs
	if text := os.Getenv("PAIRS"); text != "" {
		var err error
		if most, err = strconv.Atoi(text); err != nil || most < 1 {
			b.Fatalf("PAIRS is %q: want a number from 1 on", text)
		}
	}
	return settle(most, pair)
}

func settle(most int, pair func(round int) []float64) (ratios []Ratio) {
	var pairs [][]float64
	for round := range most {
		quotients := pair(round)
		if round == 0 {
			pairs, ratios = make([][]float64, len(quotients)), make([]Ratio, len(quotients))
		}
		for i, quotient := range quotients {
			pairs[i] = append(pairs[i], quotient)
			ratios[i] = NewRatio(pairs[i])
		}
		if !slices.ContainsFunc(ratios, func(r Ratio) bool { return !r.Settled() }) {
			break
		}
	}
	return ratios
}
