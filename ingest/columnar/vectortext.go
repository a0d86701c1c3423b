package columnar

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// MaxPlainBytes is the longest a number or a time is as text.
const MaxPlainBytes = 64

// AppendPlain writes a value that is no text. quoted tells that JSON writes it as a string.
func (v *Vector) AppendPlain(text []byte, row int, layout string) (_ []byte, quoted bool) {
	switch v.Kind {
	case KindUint:
		return strconv.AppendUint(text, uint64(v.Number[row]), 10), false
	case KindFloat:
		number := math.Float64frombits(uint64(v.Number[row]))
		if math.IsNaN(number) || math.IsInf(number, 0) {
			return strconv.AppendFloat(text, number, 'g', -1, 64), true
		}
		return appendFloat(text, number), false
	case KindBool:
		return strconv.AppendBool(text, v.Number[row] != 0), false
	case KindTime:
		return v.Instant(row).AppendFormat(text, layout), true
	case KindDate:
		return v.Instant(row).AppendFormat(text, time.DateOnly), true
	}
	return strconv.AppendInt(text, v.Number[row], 10), false
}

// AppendJSON writes any value as JSON.
func (v *Vector) AppendJSON(text []byte, row int) []byte {
	if v.IsNull(row) {
		return append(text, "null"...)
	}
	switch v.Kind {
	case KindText:
		return AppendJSONString(text, v.At(row))
	case KindNumber, KindJSON:
		return append(text, v.At(row)...)
	}
	var scratch [MaxPlainBytes]byte
	plain, quoted := v.AppendPlain(scratch[:0], row, time.RFC3339Nano)
	if quoted {
		return AppendJSONString(text, plain)
	}
	return append(text, plain...)
}

// Instant is a value of KindTime or KindDate.
func (v *Vector) Instant(row int) time.Time {
	if v.Kind == KindDate {
		return time.Unix(v.Number[row]*86400, 0).UTC()
	}
	perSecond := int64(time.Second) / v.Tick
	seconds, rest := v.Number[row]/perSecond, v.Number[row]%perSecond
	return time.Unix(seconds, rest*v.Tick).UTC()
}

// appendFloat writes a number as JSON does, in its shortest form.
func appendFloat(text []byte, number float64) []byte {
	if number == math.Trunc(number) && math.Abs(number) < 1e15 {
		return strconv.AppendFloat(text, number, 'f', -1, 64)
	}
	return strconv.AppendFloat(text, number, 'g', -1, 64)
}

// AppendJSONString writes a string. Bytes that are no UTF-8 stay as they are: a reject shows what was there.
func AppendJSONString(raw, text []byte) []byte {
	const hex = "0123456789abcdef"
	raw = append(raw, '"')
	for len(text) > 0 {
		switch c := text[0]; {
		case c == '"' || c == '\\':
			raw = append(raw, '\\', c)
		case c == '\n':
			raw = append(raw, '\\', 'n')
		case c < 0x20:
			raw = append(raw, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			_, size := utf8.DecodeRune(text)
			raw = append(raw, text[:size]...)
			text = text[size:]
			continue
		}
		text = text[1:]
	}
	return append(raw, '"')
}
