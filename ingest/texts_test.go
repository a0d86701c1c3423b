package ingest

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// someTexts draws texts, among them those whose lengths lie at the borders of what is copied at once.
func someTexts(t *rapid.T, label string) [][]byte {
	text := rapid.OneOf(
		rapid.SliceOfN(rapid.Byte(), 0, 70),
		rapid.Map(rapid.SampledFrom([]int{0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 300}), func(n int) []byte {
			return bytes.Repeat([]byte("a"), n)
		}),
	)
	return rapid.SliceOfN(text, 0, 60).Draw(t, label)
}

func (t *texts) all() (all [][]byte) {
	for i := range t.len() {
		all = append(all, t.at(i))
	}
	return all
}

func sameTexts(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// TestTexts reads pages of texts as Parquet stores them, in several steps and into memory that was used before.
func TestTexts(t *testing.T) {
	var got texts
	rapid.Check(t, func(t *rapid.T) {
		want := someTexts(t, "texts")
		var page []byte
		for _, text := range want {
			page = append(binary.LittleEndian.AppendUint32(page, uint32(len(text))), text...)
		}
		behind := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "behind")
		first := rapid.IntRange(0, len(want)).Draw(t, "first")
		got = got.emptied()
		rest, ok := got.appendPage(append(page, behind...), first)
		if ok {
			rest, ok = got.appendPage(rest, len(want)-first)
		}
		if !ok || !sameTexts(got.all(), want) || !bytes.Equal(rest, behind) {
			t.Fatalf("got %q and %q behind them, want %q and %q", got.all(), rest, want, behind)
		}
		if cut := rapid.IntRange(0, max(0, len(page)-1)).Draw(t, "cut"); len(page) > 0 {
			var part texts
			if _, ok := part.appendPage(page[:cut], len(want)); ok {
				t.Fatalf("%d texts were found in %d of %d bytes", len(want), cut, len(page))
			}
		}
		plain := slices.Repeat([]bool{true}, len(want))
		plainNames(&got, 0, plain)
		for i, text := range want {
			if plain[i] != isPlainName(text) {
				t.Fatalf("%q is plain: %v", text, plain[i])
			}
		}
	})
}

// TestTextsOnTheWire holds the ways into a String column to the one that takes value by value.
func TestTextsOnTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := append(someTexts(t, "values"), []byte("x"))
		var from texts
		for _, value := range values {
			from.append(value)
		}
		first := rapid.IntRange(0, len(values)).Draw(t, "first")
		codes := rapid.SliceOf(rapid.Uint32Range(0, uint32(len(values)-1))).Draw(t, "codes")
		of := newDictionary(texts{slices.Clone(from.wire), from.ends})
		var got, want stringColumn
		got.trade(&texts{slices.Clone(from.wire), slices.Clone(from.ends)})
		got.appendTexts(&from, first, len(values))
		got.appendCodes(of, codes)
		for _, value := range slices.Concat(values, values[first:]) {
			want.append(value)
		}
		for _, code := range codes {
			want.append(values[code])
		}
		if got.rows != want.rows || !bytes.Equal(got.wire, want.wire) {
			t.Fatalf("%d rows %q, want %d rows %q", got.rows, got.wire, want.rows, want.wire)
		}
	})
}

// TestSpread puts texts to the rows that have one.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		absent := rapid.SliceOf(rapid.Bool()).Draw(t, "absent")
		var spread texts
		var want []string
		for i, none := range absent {
			if !none {
				want = append(want, string(rune('a'+i%26)))
				spread.append([]byte(want[len(want)-1]))
			}
		}
		spread.spread(absent)
		var got []string
		for i, none := range absent {
			if !none {
				got = append(got, string(spread.at(i)))
			}
		}
		if !slices.Equal(got, want) || spread.len() != len(absent) {
			t.Fatalf("%q in %d rows, want %q in %d", got, spread.len(), want, len(absent))
		}
	})
}

// TestIDsAtOnce observes ids one by one and many at once.
func TestIDsAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var one, many idRuns
		var ids texts
		for _, id := range rapid.SliceOf(rapid.StringMatching(`[a-c]{1,3}`)).Draw(t, "ids") {
			ids.append([]byte(id))
			one.observe([]byte(id))
		}
		middle := rapid.IntRange(0, ids.len()).Draw(t, "middle")
		many.observeAll(&ids, 0, middle)
		many.observeAll(&ids, middle, ids.len())
		if one.disjoint() != many.disjoint() || !slices.Equal(one.runs, many.runs) || !bytes.Equal(one.last, many.last) ||
			!bytes.Equal(one.small, many.small) || !bytes.Equal(one.large, many.large) {
			t.Fatalf("%+v, want %+v", many, one)
		}
	})
}

// TestSumsBeyond64Bits adds counts that overflow.
func TestSumsBeyond64Bits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 1<<54 - 1, 1 << 54, math.MaxInt64}))
		counts := rapid.SliceOfN(count, 0, runRows).Draw(t, "counts")
		var got, want sum128
		got.addAll(counts)
		for _, count := range counts {
			want.add(0, count)
		}
		if got != want {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}
