package event

import (
	"bytes"
	"math"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/ingest/jsontext"
	"github.com/creditmill/creditmill/schemas"
)

// maxCount is the largest token count: below 2^63.
const maxCount = math.MaxInt64

// parseCount reads a token count exactly: a JSON integer, an integral number such as 12.0 or 1e3, or a string of
// digits.
func parseCount(found Value) (count uint64, reason string) {
	text := found.Bytes
	switch found.Kind {
	case KindNumber:
	case KindText:
		text = bytes.TrimSpace(text)
		if end, ok := jsontext.ScanNumber(text, 0); !ok || end != len(text) {
			return 0, "want a whole number, found " + quote(found.Bytes)
		}
		if maybeGrouped(text) {
			return 0, quote(text) + " may be a number of thousands: write it without a point"
		}
		if maybeRounded(text) {
			return 0, quote(text) + rounded
		}
	case KindString:
		if !isInteger(text) {
			return 0, "want a whole number, found the string " + quote(text)
		}
	default:
		return 0, "want a whole number, found " + found.Kind.String()
	}
	if len(text) <= 18 { // fits without a look at overflow
		for _, digit := range text {
			if digit < '0' || digit > '9' {
				return parseIntegral(text)
			}
			count = count*10 + uint64(digit-'0')
		}
		return count, ""
	}
	return parseIntegral(text)
}

// Quantity is an amount of a unit, exact to 9 places: whole is below 2^63, nanos below 10^9.
type Quantity struct {
	Whole uint64
	Nanos uint32
}

func (q Quantity) decimal() decimal.Decimal {
	return decimal.NewFromUint64(q.Whole).Add(decimal.New(int64(q.Nanos), -9))
}

// plus is the sum of both, as long as it is below 2^64.
func (q Quantity) plus(other Quantity) Quantity {
	nanos := q.Nanos + other.Nanos
	carry := nanos / schemas.NanosPerUnit
	return Quantity{q.Whole + other.Whole + uint64(carry), nanos % schemas.NanosPerUnit}
}

// append writes the quantity as a JSON number.
func (q Quantity) append(text []byte) []byte {
	text = strconv.AppendUint(text, q.Whole, 10)
	if q.Nanos == 0 {
		return text
	}
	digits := strconv.AppendUint(nil, uint64(schemas.NanosPerUnit+q.Nanos), 10)
	digits[0] = '.'
	return append(text, bytes.TrimRight(digits, "0")...)
}

// parseQuantity reads a quantity exactly: a JSON number, or a string of digits that may have a point.
func parseQuantity(found Value) (q Quantity, reason string) {
	text := found.Bytes
	switch found.Kind {
	case KindNumber:
	case KindText, KindString:
		text = bytes.TrimSpace(text)
		if end, ok := jsontext.ScanNumber(text, 0); !ok || end != len(text) {
			return q, "want a number, found " + quote(found.Bytes)
		}
		if maybeRounded(text) {
			return q, quote(text) + rounded
		}
	default:
		return q, "want a number, found " + found.Kind.String()
	}
	whole, flags := parseDecimal(text, 0)
	if !flags.inexact || !flags.fits || flags.negative {
		whole, reason = parseIntegral(text)
		return Quantity{Whole: whole}, reason
	}
	nanos, flags := parseDecimal(text, 9)
	if !flags.fits { // as one number; the digits before the point do
		exact, err := decimal.NewFromString(string(text))
		if err != nil {
			return q, "want a number, found " + quote(text)
		}
		rest := exact.Sub(exact.Floor()).Shift(9)
		nanos, flags.inexact = uint64(rest.IntPart()), !rest.IsInteger()
	}
	if flags.inexact {
		return q, "has more than 9 digits after the point: " + quote(text)
	}
	return Quantity{whole, uint32(nanos % schemas.NanosPerUnit)}, ""
}

func parseIntegral(text []byte) (uint64, string) {
	n, flags := parseDecimal(text, 0)
	switch {
	case flags.negative && (n != 0 || flags.inexact || !flags.fits):
		return 0, "is negative: " + quote(text)
	case !flags.fits:
		return 0, "is too large: " + quote(text)
	case flags.inexact:
		return 0, "is not a whole number: " + quote(text)
	}
	return n, ""
}

// decimalFlags says how parseDecimal's integer stands to the text.
type decimalFlags struct {
	negative bool
	inexact  bool // digits beyond the scale were cut off
	fits     bool // below 2^63
}

// parseDecimal reads a JSON number as an integer count of 10^-scale, cutting further digits off. The text has the
// grammar of a JSON number; nothing is ever a float.
func parseDecimal(text []byte, scale int) (n uint64, flags decimalFlags) {
	flags.fits = true
	i := 0
	if i < len(text) && (text[i] == '-' || text[i] == '+') {
		flags.negative = text[i] == '-'
		i++
	}
	mantissa := text[i:]
	exponent := 0
	if e := bytes.IndexAny(mantissa, "eE"); e >= 0 {
		exponent = parseExponent(mantissa[e+1:])
		mantissa = mantissa[:e]
	}
	whole := len(mantissa)
	if dot := bytes.IndexByte(mantissa, '.'); dot >= 0 {
		whole = dot
	}
	// Digits before point stand before the decimal point once exponent and scale are applied.
	point := whole + exponent + scale
	position := 0
	for _, digit := range mantissa {
		if digit == '.' {
			continue
		}
		if position < point {
			if n > (maxCount-uint64(digit-'0'))/10 {
				return 0, decimalFlags{negative: flags.negative}
			}
			n = n*10 + uint64(digit-'0')
		} else if digit != '0' {
			flags.inexact = true
		}
		position++
	}
	for ; position < point && n != 0; position++ {
		if n > maxCount/10 {
			return 0, decimalFlags{negative: flags.negative}
		}
		n *= 10
	}
	return n, flags
}

// parseExponent reads the digits after the e; beyond a million it only matters that it is large.
func parseExponent(text []byte) int {
	const large = 1_000_000
	negative := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative = text[0] == '-'
		text = text[1:]
	}
	exponent := 0
	for _, digit := range text {
		exponent = exponent*10 + int(digit-'0')
		if exponent > large {
			exponent = large
		}
	}
	if negative {
		return -exponent
	}
	return exponent
}

// maybeGrouped tells that the text may be a count with its thousands set apart by a point, as German Excel writes
// 12.000 for 12000: one to three digits, of which the first is no zero, a point and exactly three digits.
func maybeGrouped(text []byte) bool {
	point := len(text) - 4
	return point >= 1 && point <= 3 && text[point] == '.' && text[0] != '0' && isInteger(text[:point]) &&
		isInteger(text[point+1:])
}

const rounded = " may have lost digits: write the number with all of them"

// maybeRounded tells that the text is a number as spreadsheets and printf write one with more digits than they show,
// such as 1.23457E+12: the exponent has a sign and stands for digits that are not there.
func maybeRounded(text []byte) bool {
	sign := bytes.IndexByte(text, '+')
	if sign < len("1e") || text[sign-1]|0x20 != 'e' {
		return false
	}
	if end, ok := jsontext.ScanNumber(text, 0); !ok || end != len(text) {
		return false
	}
	fraction := 0
	if point := bytes.IndexByte(text[:sign], '.'); point >= 0 {
		fraction = sign - 1 - (point + 1)
	}
	return parseExponent(text[sign:]) > fraction
}

// isInteger tells whether the text is an optional minus and digits.
func isInteger(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			return false
		}
	}
	return len(text) > 0
}
