package event

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestQuantitiesAreExact compares quantities with exact rational arithmetic: at most 9 places, below 2^63, not
// negative.
func TestQuantitiesAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%s is no number", text)
		}
		got, reason := parseQuantity(Value{KindNumber, []byte(text)})
		nanos := new(big.Rat).Mul(exact, big.NewRat(1_000_000_000, 1))
		whole := new(big.Int).Quo(exact.Num(), exact.Denom())
		valid := nanos.IsInt() && exact.Sign() >= 0 && whole.IsInt64()
		if valid != (reason == "") {
			t.Fatalf("%s: %v, %q", text, got, reason)
		}
		if valid && got.decimal().Rat().Cmp(exact) != 0 {
			t.Fatalf("%s was read as %v", text, got)
		}
		if again, reason := parseQuantity(Value{KindNumber, got.append(nil)}); valid && (again != got || reason != "") {
			t.Fatalf("%s was written as %s, read as %v", text, got.append(nil), again)
		}
	})
}

// TestQuantitiesAddUp compares sums with exact arithmetic.
func TestQuantitiesAddUp(t *testing.T) {
	quantity := rapid.Custom(func(t *rapid.T) Quantity {
		return Quantity{rapid.Uint64Range(0, 1<<62).Draw(t, "whole"), rapid.Uint32Range(0, 999_999_999).Draw(t, "nanos")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := quantity.Draw(t, "a"), quantity.Draw(t, "b")
		if got, want := a.plus(b).decimal(), a.decimal().Add(b.decimal()); !got.Equal(want) {
			t.Fatalf("%v + %v = %s, want %s", a, b, got, want)
		}
	})
}

func TestQuantityReasons(t *testing.T) {
	for _, test := range []struct {
		kind       Kind
		text, want string
	}{
		{KindNumber, "-1", `is negative: "-1"`},
		{KindNumber, "-0.5", `is negative: "-0.5"`},
		{KindNumber, "0.1234567891", `has more than 9 digits after the point: "0.1234567891"`},
		{KindNumber, "9223372036854775808", `is too large: "9223372036854775808"`},
		{KindNumber, "1e300", `is too large: "1e300"`},
		{KindNumber, "1e-999999", `has more than 9 digits after the point: "1e-999999"`},
		{KindString, "12.5", ""},
		{KindString, "many", `want a number, found "many"`},
		{KindText, " 12.345 ", ""},
		{KindText, "1.23457E+12", `"1.23457E+12" may have lost digits: write the number with all of them`},
		{KindBool, "true", "want a number, found a boolean"},
		{KindNumber, "9223372036854775807.999999999", ""},
	} {
		if _, reason := parseQuantity(Value{test.kind, []byte(test.text)}); reason != test.want {
			t.Errorf("%s: %q, want %q", test.text, reason, test.want)
		}
	}
}
