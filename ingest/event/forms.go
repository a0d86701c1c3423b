package event

import (
	"bytes"
	"math/bits"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/ingest/jsontext"
	"github.com/creditmill/creditmill/schemas"
)

// What a source makes of values that it finds: texts put together, texts that stand for others, quantities multiplied.
// Fields that are taken as they are found do not come here.

// option lays out one way to find a field. need is that of its alternatives; the parts of a sum, and of a join that is
// alone, are all needed.
func (l *layout) option(t Target, name string, field *schemas.Field, need int, alone bool) option {
	o := option{field: field, from: t, when: l.conditions(field.When)}
	w := Wanted{Target: t, Field: name, Need: need, Scaled: field.Scale != nil}
	switch field.Kind {
	case schemas.FieldPath:
		w.Path, w.Text, w.Count = field.Path, field.Text, field.Count
		l.want(w)
	case schemas.FieldSum:
		w.Many = true
		for i, part := range field.Sum {
			if i > 0 {
				l.needs++
				w.Need = l.needs
			}
			w.Path, w.Text = part.Path, part.Text
			l.want(w)
		}
	case schemas.FieldJoin:
		for i, part := range field.Join {
			if i > 0 && alone {
				l.needs++
				w.Need = l.needs
			}
			w.Target, w.Path, w.Text = l.next, part.Path, part.Text
			l.next++
			o.parts = append(o.parts, w.Target)
			l.want(w)
		}
	}
	l.base(name, field)
	if field.Replace != nil {
		o.replace = make(map[string][]byte, len(field.Replace))
		for text, to := range field.Replace {
			o.replace[text] = []byte(to)
		}
	}
	if field.Scale != nil {
		o.scale = newFactor(*field.Scale)
	}
	return o
}

// makes tells that the value is not taken as it is found.
func (o *option) makes() bool { return len(o.parts) > 0 || o.replace != nil || o.scale != nil }

// join puts a text together; the value is null where a part is missing.
func (a *Assembler) join(o *option, v *Values) (Value, string) {
	start := len(a.made)
	for i, t := range o.parts {
		part := v.get(t)
		switch {
		case part.empty():
			return Value{}, ""
		case part.Kind >= KindObject || part.Kind == KindNumber && !isInteger(part.Bytes):
			return Value{}, "is joined of texts and integers, found " + part.Kind.String()
		}
		if i > 0 {
			a.made = append(a.made, o.field.With...)
		}
		a.made = append(a.made, part.Bytes...)
	}
	return Value{KindString, a.made[start:]}, ""
}

// make turns the value found into the field's.
func (a *Assembler) make(o *option, found Value, whole bool) (Value, string) {
	if o.scale != nil {
		return a.multiply(o.scale, found, whole)
	}
	if found.Kind < KindObject {
		if to, ok := o.replace[string(found.Bytes)]; ok {
			return Value{KindString, to}, ""
		}
	}
	return found, ""
}

// factor multiplies quantities: by digits × 10^-places, which is exact.
type factor struct {
	exact  decimal.Decimal
	digits uint64 // 0 where it is too large for the short way
	places int
}

func newFactor(exact decimal.Decimal) *factor {
	if exact.Exponent() > 0 {
		exact = decimal.NewFromBigInt(exact.BigInt(), 0)
	}
	f := &factor{exact: exact, places: -int(exact.Exponent())}
	if digits := exact.Coefficient(); digits.IsUint64() {
		f.digits = digits.Uint64()
	}
	return f
}

// multiply returns the product, which a quantity can be: exact, below 2^63, with at most 9 places.
func (a *Assembler) multiply(by *factor, found Value, whole bool) (Value, string) {
	text := found.Bytes
	switch found.Kind {
	case KindNumber:
	case KindText, KindString:
		text = bytes.TrimSpace(text)
		if end, ok := jsontext.ScanNumber(text, 0); !ok || end != len(text) {
			return Value{}, "want a number, found " + quote(found.Bytes)
		}
		if maybeRounded(text) {
			return Value{}, quote(text) + rounded
		}
	default:
		return Value{}, "want a number, found " + found.Kind.String()
	}
	product, ok := by.quickly(text)
	if !ok {
		var reason string
		if product, reason = by.slowly(text); reason != "" {
			return Value{}, reason + by.of(text)
		}
	}
	if whole && product.Nanos > 0 {
		return Value{}, "is not a whole number: " + by.of(text)
	}
	start := len(a.made)
	a.made = product.append(a.made)
	return Value{KindNumber, a.made[start:]}, ""
}

// of shows the product.
func (f *factor) of(text []byte) string { return quote(text) + " × " + f.exact.String() }

// quickly multiplies as 64-bit integers; false where they do not hold the product, or it is none to be taken.
func (f *factor) quickly(text []byte) (Quantity, bool) {
	nanos, flags := parseDecimal(text, 9)
	if flags.negative || flags.inexact || !flags.fits || f.digits == 0 || f.places > 9 {
		return Quantity{}, false
	}
	high, low := bits.Mul64(nanos, f.digits)
	power := uint64(1)
	for range f.places {
		power *= 10
	}
	product := low / power
	if high > 0 || low%power > 0 {
		return Quantity{}, false
	}
	return Quantity{product / schemas.NanosPerUnit, uint32(product % schemas.NanosPerUnit)}, true
}

// slowly multiplies whatever there is.
func (f *factor) slowly(text []byte) (Quantity, string) {
	const mostDigits = 400
	if len(text) > mostDigits {
		return Quantity{}, "has too many digits: "
	}
	exact, err := decimal.NewFromString(string(text))
	if err != nil {
		return Quantity{}, "is too large or too small: "
	}
	exact = exact.Mul(f.exact)
	before := exact.NumDigits() + int(exact.Exponent()) // digits before the point
	switch {
	case exact.IsZero():
		return Quantity{}, ""
	case exact.IsNegative():
		return Quantity{}, "is negative: "
	case before > len("9223372036854775807"):
		return Quantity{}, "is too large: "
	case before < -9 || !exact.Equal(exact.Truncate(9)):
		return Quantity{}, "has more than 9 digits after the point: "
	}
	whole := exact.Floor()
	if whole.GreaterThan(decimal.NewFromInt(maxCount)) {
		return Quantity{}, "is too large: "
	}
	return Quantity{whole.BigInt().Uint64(), uint32(exact.Sub(whole).Shift(9).IntPart())}, ""
}
