package money_test

import (
	"math/big"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/money"
)

// TestAppend: any amount is appended as the decimal library writes it.
func TestAppend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`-?[0-9]{1,45}0{0,20}`).Draw(t, "coefficient")
		coefficient, ok := new(big.Int).SetString(digits, 10)
		if !ok {
			t.Fatal(digits)
		}
		d := decimal.NewFromBigInt(coefficient, rapid.Int32Range(-22, 3).Draw(t, "exponent"))
		if got, want := string(money.Append([]byte("x"), d)), "x"+d.String(); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
	for _, text := range []string{
		"0", "0.000", "-0.5", "18446744073709551615.000000000000000001",
		"18446744073709551616", "0.0000000000000000001", "100", "-10.10",
	} {
		d := decimal.RequireFromString(text)
		if got := string(money.Append(nil, d)); got != d.String() {
			t.Errorf("%s, want %s", got, d)
		}
	}
}
