package columnar

import (
	"bytes"
	"encoding/binary"
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

func (t *Texts) all() (all [][]byte) {
	for i := range t.Len() {
		all = append(all, t.At(i))
	}
	return all
}

func sameTexts(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// TestTexts reads pages of texts as Parquet stores them, in several steps and into memory that was used before.
func TestTexts(t *testing.T) {
	var got Texts
	rapid.Check(t, func(t *rapid.T) {
		want := someTexts(t, "texts")
		var page []byte
		for _, text := range want {
			page = append(binary.LittleEndian.AppendUint32(page, uint32(len(text))), text...)
		}
		behind := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "behind")
		first := rapid.IntRange(0, len(want)).Draw(t, "first")
		got = got.Emptied()
		rest, ok := got.AppendPage(append(page, behind...), first)
		if ok {
			rest, ok = got.AppendPage(rest, len(want)-first)
		}
		if !ok || !sameTexts(got.all(), want) || !bytes.Equal(rest, behind) {
			t.Fatalf("got %q and %q behind them, want %q and %q", got.all(), rest, want, behind)
		}
		if cut := rapid.IntRange(0, max(0, len(page)-1)).Draw(t, "cut"); len(page) > 0 {
			var part Texts
			if _, ok := part.AppendPage(page[:cut], len(want)); ok {
				t.Fatalf("%d texts were found in %d of %d bytes", len(want), cut, len(page))
			}
		}
	})
}

// TestTextsOnTheWire holds the ways into a String column to the one that takes value by value.
func TestTextsOnTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := append(someTexts(t, "values"), []byte("x"))
		var from Texts
		for _, value := range values {
			from.Append(value)
		}
		first := rapid.IntRange(0, len(values)).Draw(t, "first")
		codes := rapid.SliceOf(rapid.Uint32Range(0, uint32(len(values)-1))).Draw(t, "codes")
		of := NewDictionary(Texts{slices.Clone(from.Wire), from.ends})
		var got, want StringColumn
		got.Trade(&Texts{slices.Clone(from.Wire), slices.Clone(from.ends)})
		got.AppendTexts(&from, first, len(values))
		got.AppendCodes(of, codes)
		for _, value := range slices.Concat(values, values[first:]) {
			want.Append(value)
		}
		for _, code := range codes {
			want.Append(values[code])
		}
		if got.Rows != want.Rows || !bytes.Equal(got.Wire, want.Wire) {
			t.Fatalf("%d rows %q, want %d rows %q", got.Rows, got.Wire, want.Rows, want.Wire)
		}
	})
}

// TestSpread puts texts to the rows that have one.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		absent := rapid.SliceOf(rapid.Bool()).Draw(t, "absent")
		var spread Texts
		var want []string
		for i, none := range absent {
			if !none {
				want = append(want, string(rune('a'+i%26)))
				spread.Append([]byte(want[len(want)-1]))
			}
		}
		spread.Spread(absent)
		var got []string
		for i, none := range absent {
			if !none {
				got = append(got, string(spread.At(i)))
			}
		}
		if !slices.Equal(got, want) || spread.Len() != len(absent) {
			t.Fatalf("%q in %d rows, want %q in %d", got, spread.Len(), want, len(absent))
		}
	})
}
