package money

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

func TestLookupCurrency(t *testing.T) {
	tests := []struct {
		code           string
		exponent, step int64
		err            string
	}{
		{"usd", 2, 1, ""},
		{"USD", 2, 1, ""},
		{"eur", 2, 1, ""},
		{"jpy", 0, 1, ""},
		{"krw", 0, 1, ""},
		{"kwd", 3, 10, ""},
		{"bhd", 3, 10, ""},
		{"huf", 2, 1, ""},
		{"isk", 0, 0, "not supported"},
		{"UGX", 0, 0, "not supported"},
		{"xyz", 0, 0, "unknown currency"},
		{"usd eur", 0, 0, "unknown currency"},
		{"", 0, 0, "unknown currency"},
		{"us", 0, 0, "unknown currency"},
	}
	for _, test := range tests {
		got, err := LookupCurrency(test.code)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("LookupCurrency(%q) = %v, want an error with %q", test.code, err, test.err)
			}
			continue
		}
		if err != nil || int64(got.Exponent) != test.exponent || got.Step != test.step {
			t.Errorf("LookupCurrency(%q) = %+v, %v", test.code, got, err)
		}
	}
}

func TestRound(t *testing.T) {
	tests := []struct {
		code, amount string
		want         int64
	}{
		{"usd", "0.009", 1},
		{"usd", "0.005", 1},
		{"usd", "0.004999999999999999", 0},
		{"usd", "-0.005", -1},
		{"usd", "-0.004999999999999999", 0},
		{"usd", "100", 10000},
		{"usd", "1.115", 112},
		{"jpy", "0.5", 1},
		{"jpy", "1234.49", 1234},
		{"kwd", "1.234", 1230},
		{"kwd", "1.235", 1240},
		{"kwd", "-1.235", -1240},
		{"usd", "92233720368547758.07", 9223372036854775807},
		{"usd", "0.004999999999999999999999999999999999", 0},
	}
	for _, test := range tests {
		currency := lookup(t, test.code)
		got, err := currency.Round(decimal.RequireFromString(test.amount))
		if err != nil || got != test.want {
			t.Errorf("%s.Round(%s) = %d, %v; want %d", test.code, test.amount, got, err, test.want)
		}
	}
	for _, amount := range []string{"92233720368547758.08", "1e70"} {
		if _, err := lookup(t, "usd").Round(decimal.RequireFromString(amount)); !errors.Is(err, ErrOverflow) {
			t.Errorf("Round(%s): %v, want ErrOverflow", amount, err)
		}
	}
}

// A rounded amount is at most half a unit away, and the half goes away from zero.
func TestRoundIsHalfUpOnTheMagnitude(t *testing.T) {
	usd := lookup(t, "usd")
	half := decimal.New(5, -3)
	rapid.Check(t, func(t *rapid.T) {
		coefficient := rapid.Int64Range(-1<<60, 1<<60).Draw(t, "coefficient")
		amount := decimal.NewFromBigInt(big.NewInt(coefficient), -rapid.Int32Range(0, 18).Draw(t, "places"))
		minor, err := usd.Round(amount)
		if err != nil {
			if amount.Abs().LessThan(decimal.New(1, 16)) {
				t.Fatal(err)
			}
			return
		}
		difference := usd.FromMinor(minor).Abs().Sub(amount.Abs())
		if difference.GreaterThan(half) || difference.LessThanOrEqual(half.Neg()) {
			t.Fatalf("%s became %d", amount, minor)
		}
		if opposite, err := usd.Round(amount.Neg()); err != nil || opposite != -minor {
			t.Fatalf("%s became %d, its negative %d", amount, minor, opposite)
		}
	})
}

func TestFormat(t *testing.T) {
	tests := []struct {
		code  string
		minor int64
		want  string
	}{
		{"usd", 10000, "$100.00"},
		{"usd", -123456789, "-$1,234,567.89"},
		{"usd", 5, "$0.05"},
		{"jpy", 1200, "¥1,200"},
		{"kwd", 1230, "1.230 kwd"},
		{"chf", -1, "-0.01 chf"},
		{"usd", -9223372036854775808, "-$92,233,720,368,547,758.08"},
	}
	for _, test := range tests {
		if got := lookup(t, test.code).Format(test.minor); got != test.want {
			t.Errorf("%s.Format(%d) = %s, want %s", test.code, test.minor, got, test.want)
		}
	}
	if got := lookup(t, "usd").FormatExact(decimal.New(9, -3)); got != "0.009 usd" {
		t.Errorf("FormatExact = %s", got)
	}
}

func lookup(t *testing.T, code string) Currency {
	t.Helper()
	currency, err := LookupCurrency(code)
	if err != nil {
		t.Fatal(err)
	}
	return currency
}

func TestGrouped(t *testing.T) {
	for figure, want := range map[string]string{
		"0": "0", "-1": "-1", "999": "999", "1000": "1,000", "-1234567.0089": "-1,234,567.0089", "0.1234": "0.1234",
		"-100": "-100",
	} {
		if got := Grouped(decimal.RequireFromString(figure)); got != want {
			t.Errorf("%s is written %s, want %s", figure, got, want)
		}
	}
}
