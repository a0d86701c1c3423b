package money

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// Currency is one that creditmill can bill in. The zero value is no currency.
type Currency struct {
	// Code is the lower-case ISO 4217 code, as Stripe writes it.
	Code string
	// Exponent is the number of decimal places of one minor unit: 2 for usd, 0 for jpy, 3 for kwd.
	Exponent int32
	// Step is the smallest number of minor units that can be charged: 10 where Stripe wants the last digit to be 0.
	Step int64
	// Symbol is how people write it before an amount; empty where the code is clearer.
	Symbol string
}

// LookupCurrency returns the currency of an ISO 4217 code, in lower or upper case. The list is of those whose minor
// unit at Stripe is known; any other is an error.
func LookupCurrency(code string) (Currency, error) {
	lower := strings.ToLower(code)
	if lower == "isk" || lower == "ugx" {
		return Currency{}, fmt.Errorf(
			"currency %q is not supported: Stripe takes two decimals there that must be 00; choose another", code)
	}
	currency := Currency{Code: lower, Exponent: 2, Step: 1, Symbol: symbols[lower]}
	switch {
	case contains(zeroDecimal, lower):
		currency.Exponent = 0
	case contains(threeDecimal, lower):
		currency.Exponent, currency.Step = 3, 10
	case !contains(twoDecimal, lower):
		return Currency{}, fmt.Errorf("unknown currency %q: write a three-letter code such as usd", code)
	}
	return currency, nil
}

// Displayed is a currency as amounts are shown in it. One that LookupCurrency does not know, which only damaged data
// can name, is shown in minor units, with its code: nobody else's figures are kept back by it.
func Displayed(code string) Currency {
	currency, err := LookupCurrency(code)
	if err != nil {
		return Currency{Code: strings.ToLower(code), Step: 1}
	}
	return currency
}

// Round turns an exact amount of the currency into whole minor units: half up on the magnitude (0.005 → 0.01,
// −0.005 → −0.01), to a multiple of Step. It is the only function that rounds money. ErrOverflow says that the result
// has more than 18 digits.
func (c Currency) Round(amount decimal.Decimal) (minor int64, err error) {
	if err := Check(amount.Truncate(FractionDigits)); err != nil {
		return 0, fmt.Errorf("round amount in %s: %w", c.Code, err)
	}
	places := c.Exponent
	for step := c.step(); step > 1; step /= 10 {
		places--
	}
	// decimal.Round takes halves away from zero, which is half up on the magnitude.
	rounded := amount.Round(places).Shift(c.Exponent).BigInt()
	if !rounded.IsInt64() {
		return 0, fmt.Errorf("round amount in %s: %w in minor units", c.Code, ErrOverflow)
	}
	return rounded.Int64(), nil
}

func (c Currency) step() int64 {
	return max(c.Step, 1)
}

// FromMinor is the exact amount that a number of minor units stands for.
func (c Currency) FromMinor(minor int64) decimal.Decimal {
	return decimal.New(minor, -c.Exponent)
}

// Format writes minor units for people: "$100.00", "-$1,234.50", "1,200 jpy".
func (c Currency) Format(minor int64) string {
	text := c.FromMinor(minor).Abs().StringFixed(c.Exponent)
	whole, fraction, hasFraction := strings.Cut(text, ".")
	text = groupThousands(whole)
	if hasFraction {
		text += "." + fraction
	}
	if c.Symbol != "" {
		text = c.Symbol + text
	} else if c.Code != "" {
		text += " " + c.Code
	}
	if minor < 0 {
		text = "-" + text
	}
	return text
}

// FormatExact writes an exact amount with its code, all digits kept: "0.009 usd".
func (c Currency) FormatExact(amount decimal.Decimal) string {
	return amount.String() + " " + c.Code
}

// Grouped writes an exact figure with commas between thousands: "-12,345.678".
func Grouped(figure decimal.Decimal) string { return GroupDigits(figure.String()) }

// GroupDigits puts commas between the thousands of a number that is written without exponent.
func GroupDigits(digits string) string {
	whole, fraction, hasFraction := strings.Cut(digits, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	whole = sign + groupThousands(whole)
	if hasFraction {
		whole += "." + fraction
	}
	return whole
}

// String is the currency's code.
func (c Currency) String() string { return c.Code }

func groupThousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func contains(codes, code string) bool {
	return len(code) == 3 && strings.Contains(" "+codes+" ", " "+code+" ")
}

// The lists are Stripe's at API version 2023-10-16.
const (
	zeroDecimal  = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
	threeDecimal = "bhd jod kwd omr tnd"
	twoDecimal   = "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf " +
		"cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd " +
		"kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr " +
		"nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd " +
		"twd tzs uah usd uyu uzs wst xcd yer zar zmw"
)

var symbols = map[string]string{"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
