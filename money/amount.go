// Package money holds exact amounts: decimals of up to 76 digits, currencies with their minor units, the one function
// that rounds, and the one that shares a rounded total among lines.
//
// An amount stays a decimal from the catalog's text to the invoice and becomes whole minor units once, in
// Currency.Round. No binary floating point and no division of decimals happens here or in a caller.
package money

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/shopspring/decimal"
)

const (
	// MaxDigits is the most significant digits a stored amount has: the warehouse's Decimal(76, 18).
	MaxDigits = 76
	// FractionDigits is how many of them may stand after the point.
	FractionDigits = 18
)

// maxExponent bounds the power of ten that a text may name, so that "1e999999999" cannot exhaust memory.
const maxExponent = 100

// ErrOverflow is returned when an amount does not fit the type it is meant for.
var ErrOverflow = errors.New("amount does not fit")

// Parse reads a decimal exactly from its text: digits with an optional sign, point and power of ten. What does not fit
// 76 digits, 18 of them fractional, is an error that wraps ErrOverflow.
func Parse(text string) (decimal.Decimal, error) {
	if err := checkSyntax(text); err != nil {
		return decimal.Decimal{}, err
	}
	amount, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Decimal{}, fmt.Errorf("%q is not a decimal number", text)
	}
	if err := Check(amount); err != nil {
		return decimal.Decimal{}, err
	}
	return amount, nil
}

// checkSyntax refuses what the decimal library would take but nobody should write, and what would be costly to expand.
func checkSyntax(text string) error {
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(text), "e")
	unsigned := strings.TrimPrefix(strings.TrimPrefix(mantissa, "-"), "+")
	if len(mantissa)-len(unsigned) > 1 {
		return fmt.Errorf("%q is not a decimal number", text)
	}
	whole, fraction, _ := strings.Cut(unsigned, ".")
	if whole+fraction == "" || !onlyDigits(whole) || !onlyDigits(fraction) {
		return fmt.Errorf("%q is not a decimal number", text)
	}
	if len(unsigned) > 4*MaxDigits {
		return fmt.Errorf("number of %d characters: %w %d digits", len(unsigned), ErrOverflow, MaxDigits)
	}
	if !hasExponent {
		return nil
	}
	digits := strings.TrimLeft(exponent, "+-")
	if digits == "" || len(exponent)-len(digits) > 1 || !onlyDigits(digits) {
		return fmt.Errorf("%q is not a decimal number", text)
	}
	power, ok := new(big.Int).SetString(digits, 10)
	if !ok || power.Cmp(big.NewInt(maxExponent)) > 0 {
		return fmt.Errorf("%s: %w %d digits", text, ErrOverflow, MaxDigits)
	}
	return nil
}

func onlyDigits(text string) bool {
	return strings.Trim(text, "0123456789") == ""
}

// Check returns an error that wraps ErrOverflow when d has more than 18 fractional digits, or more digits before the
// point than 76 leave. Trailing zeros after the point do not count.
func Check(d decimal.Decimal) error {
	if exponent := int64(d.Exponent()); exponent <= 0 && -exponent <= FractionDigits &&
		int64(d.NumDigits())+exponent <= MaxDigits-FractionDigits {
		return nil // the usual case, told without writing the digits out
	}
	coefficient, exponent := d.Coefficient(), int64(d.Exponent())
	if coefficient.Sign() == 0 {
		return nil
	}
	digits := coefficient.Abs(coefficient).String()
	significant := strings.TrimRight(digits, "0")
	exponent += int64(len(digits) - len(significant))
	if -exponent > FractionDigits {
		return fmt.Errorf("%w: %d digits after the point, at most %d are kept", ErrOverflow, -exponent, FractionDigits)
	}
	if whole := int64(len(significant)) + exponent; whole > MaxDigits-FractionDigits {
		return fmt.Errorf("%w: %d digits before the point, at most %d are kept",
			ErrOverflow, whole, MaxDigits-FractionDigits)
	}
	return nil
}

// CeilUnits rounds credits up to a whole multiple of unit, the size in which overage is sold. A unit below 1 counts
// as 1.
func CeilUnits(credits decimal.Decimal, unit int64) decimal.Decimal {
	if unit < 1 {
		unit = 1
	}
	whole := credits.Ceil().BigInt()
	size := big.NewInt(unit)
	rest := new(big.Int).Mod(whole, size)
	if rest.Sign() != 0 {
		whole.Add(whole, size).Sub(whole, rest)
	}
	return decimal.NewFromBigInt(whole, 0)
}
