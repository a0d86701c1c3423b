package event

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// TestIDsAtOnce observes ids one by one and many at once.
func TestIDsAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var one, many IDRuns
		var ids columnar.Texts
		for _, id := range rapid.SliceOf(rapid.StringMatching(`[a-c]{1,3}`)).Draw(t, "ids") {
			ids.Append([]byte(id))
			one.observe([]byte(id))
		}
		middle := rapid.IntRange(0, ids.Len()).Draw(t, "middle")
		many.observeAll(&ids, 0, middle)
		many.observeAll(&ids, middle, ids.Len())
		if one.Disjoint() != many.Disjoint() || !slices.Equal(one.runs, many.runs) || !bytes.Equal(one.last, many.last) ||
			!bytes.Equal(one.Small, many.Small) || !bytes.Equal(one.Large, many.Large) {
			t.Fatalf("%+v, want %+v", many, one)
		}
	})
}

// TestSumsBeyond64Bits adds counts that overflow.
func TestSumsBeyond64Bits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 1<<54 - 1, 1 << 54, math.MaxInt64}))
		counts := rapid.SliceOfN(count, 0, runRows).Draw(t, "counts")
		var got, want Sum128
		got.addAll(counts)
		for _, count := range counts {
			want.add(0, count)
		}
		if got != want {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// TestNamesOfADictionary looks at names one by one and by their dictionary.
func TestNamesOfADictionary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.StringMatching(`[a-z0-9_]{1,8}`),
			rapid.SampledFrom([]string{"", " a", "a\x00", "é", "\xff"}))
		var values columnar.Texts
		var want []bool
		for _, text := range rapid.SliceOfN(name, 1, 40).Draw(t, "names") {
			values.Append([]byte(text))
			want = append(want, isPlainName([]byte(text)))
		}
		plain := slices.Repeat([]bool{true}, values.Len())
		plainNames(&values, 0, plain)
		var known dictionaryNames
		known.look(columnar.NewDictionary(values))
		if !slices.Equal(plain, want) || !slices.Equal(known.plain, want) || known.allPlain == slices.Contains(want, false) {
			t.Fatalf("%v and %v (all: %t), want %v", plain, known.plain, known.allPlain, want)
		}
	})
}
