package columnar

import (
	"math/big"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

// TestAppendDecimal: what is written is the exact number, and with a scale of 1 to 100 without an exponent.
func TestAppendDecimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`-?[1-9][0-9]{0,76}|0`).Draw(t, "digits")
		scale := rapid.Int32Range(-120, 120).Draw(t, "scale")
		number, _ := new(big.Int).SetString(digits, 10)
		before := new(big.Int).Set(number)
		text := string(AppendDecimal([]byte("x"), number, scale))
		if text[0] != 'x' || number.Cmp(before) != 0 {
			t.Fatalf("%q, and the number is %s", text, number)
		}
		got, err := decimal.NewFromString(text[1:])
		if err != nil || !got.Equal(decimal.NewFromBigInt(number, -scale)) {
			t.Fatalf("%s × 10^%d is written %s: %v", digits, -scale, text[1:], err)
		}
	})
}

func TestAppendDecimalTexts(t *testing.T) {
	for _, test := range []struct {
		number int64
		scale  int32
		want   string
	}{
		{0, 0, "0"},
		{0, 9, "0"},
		{5, 0, "5"},
		{-5, 0, "-5"},
		{5, 1, "0.5"},
		{-5, 1, "-0.5"},
		{1250, 2, "12.50"},
		{7, 9, "0.000000007"},
		{7, -3, "7e3"},
		{7, 101, "7e-101"},
	} {
		if got := string(AppendDecimal(nil, big.NewInt(test.number), test.scale)); got != test.want {
			t.Errorf("AppendDecimal(%d, %d) = %s, want %s", test.number, test.scale, got, test.want)
		}
	}
}

// TestUUIDTexts: 16 bytes are written as everybody writes a UUID; anything else stays what it is.
func TestUUIDTexts(t *testing.T) {
	var ids Texts
	stored := []string{
		"\x01\x9a\xbc\xde\xf0\x12\x34\x56\x78\x9a\xbc\xde\xf0\x00\xff\x10", "", "short", "seventeen bytes !",
	}
	for _, id := range stored {
		ids.Append([]byte(id))
	}
	written := UUIDTexts(&ids)
	for i, want := range []string{"019abcde-f012-3456-789a-bcdef000ff10", "", "short", "seventeen bytes !"} {
		if got := string(written.At(i)); got != want {
			t.Errorf("%q is written %q, want %q", stored[i], got, want)
		}
	}
}

// TestRowsAtOnce: a batch has a row at least and 65,536 at most, and about 8 MiB of values where rows are wide.
func TestRowsAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.Int64Range(0, 1<<40).Draw(t, "rows")
		bytes := rapid.Int64Range(-1, 1<<50).Draw(t, "bytes")
		got := RowsAtOnce(rows, bytes)
		if got < 1 || got > batchRows {
			t.Fatalf("%d rows at once", got)
		}
		if got > 1 && rows > 0 && bytes/rows > batchBytes/got+1 {
			t.Fatalf("%d rows of %d bytes are read at once", got, bytes/rows)
		}
	})
}
