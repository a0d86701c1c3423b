package ingest

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// scratchBytes is the longest a number or a time is as text.
const scratchBytes = 64

// append writes a value that is no text. quoted tells that JSON writes it as a string.
func (v *vector) append(text []byte, row int, layout string) (_ []byte, quoted bool) {
	switch v.kind {
	case vectorUint:
		return strconv.AppendUint(text, uint64(v.number[row]), 10), false
	case vectorFloat:
		number := math.Float64frombits(uint64(v.number[row]))
		if math.IsNaN(number) || math.IsInf(number, 0) {
			return strconv.AppendFloat(text, number, 'g', -1, 64), true
		}
		return appendFloat(text, number), false
	case vectorBool:
		return strconv.AppendBool(text, v.number[row] != 0), false
	case vectorTime:
		return v.instant(row).AppendFormat(text, layout), true
	case vectorDate:
		return v.instant(row).AppendFormat(text, time.DateOnly), true
	}
	return strconv.AppendInt(text, v.number[row], 10), false
}

// appendJSON writes any value as JSON.
func (v *vector) appendJSON(text []byte, row int) []byte {
	if v.isNull(row) {
		return append(text, "null"...)
	}
	switch v.kind {
	case vectorText:
		return appendJSONString(text, v.at(row))
	case vectorNumber, vectorJSON:
		return append(text, v.at(row)...)
	}
	var scratch [scratchBytes]byte
	plain, quoted := v.append(scratch[:0], row, time.RFC3339Nano)
	if quoted {
		return appendJSONString(text, plain)
	}
	return append(text, plain...)
}

func (v *vector) instant(row int) time.Time {
	if v.kind == vectorDate {
		return time.Unix(v.number[row]*86400, 0).UTC()
	}
	perSecond := int64(time.Second) / v.tick
	seconds, rest := v.number[row]/perSecond, v.number[row]%perSecond
	return time.Unix(seconds, rest*v.tick).UTC()
}

// appendFloat writes a number as JSON does, in its shortest form.
func appendFloat(text []byte, number float64) []byte {
	if number == math.Trunc(number) && math.Abs(number) < 1e15 {
		return strconv.AppendFloat(text, number, 'f', -1, 64)
	}
	return strconv.AppendFloat(text, number, 'g', -1, 64)
}

// appendJSONString writes a string. Bytes that are no UTF-8 stay as they are: a reject shows what was there.
func appendJSONString(raw, text []byte) []byte {
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
