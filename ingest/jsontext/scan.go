package jsontext

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	endOfText   = "is not JSON: it ends in the middle"
	lanes       = 0x0101010101010101
	laneHighBit = 0x8080808080808080
)

// NotJSON names the first character that is out of place.
func NotJSON(text []byte, at int) string {
	if at >= len(text) {
		return endOfText
	}
	return "is not JSON: unexpected " + strconv.QuoteRune(rune(text[at])) + " at byte " + strconv.Itoa(at+1)
}

// SkipBlanks returns where something else than a blank stands.
func SkipBlanks(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n') {
		at++
	}
	return at
}

// ScanString finds the closing quote of the string whose first character is at. Eight bytes are looked at at once.
func ScanString(text []byte, at int) (end int, escaped bool, reason string) {
	for {
		for at+8 <= len(text) {
			word := binary.LittleEndian.Uint64(text[at:])
			quotes, slashes := word^(lanes*'"'), word^(lanes*'\\')
			special := ((quotes - lanes) & ^quotes) | ((slashes - lanes) & ^slashes) | ((word - lanes*0x20) & ^word)
			special &= laneHighBit
			if special != 0 {
				at += bits.TrailingZeros64(special) >> 3
				break
			}
			at += 8
		}
		for at < len(text) && text[at] != '"' && text[at] != '\\' && text[at] >= 0x20 {
			at++
		}
		switch {
		case at >= len(text):
			return 0, false, endOfText
		case text[at] == '"':
			return at, escaped, ""
		case text[at] != '\\':
			return 0, false, NotJSON(text, at)
		}
		escaped = true
		length, reason := scanEscape(text, at)
		if reason != "" {
			return 0, false, reason
		}
		at += length
	}
}

// scanEscape returns the length of the escape at the backslash.
func scanEscape(text []byte, at int) (length int, reason string) {
	if at+1 >= len(text) {
		return 0, endOfText
	}
	switch text[at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
		unit, ok := hexUnit(text, at+2)
		if !ok {
			return 0, NotJSON(text, at+1)
		}
		if !utf16.IsSurrogate(unit) {
			return 6, ""
		}
		if at+12 <= len(text) && text[at+6] == '\\' && text[at+7] == 'u' {
			if low, ok := hexUnit(text, at+8); ok && utf16.DecodeRune(unit, low) != utf8.RuneError {
				return 12, ""
			}
		}
		return 6, "" // half a pair: no matter, unless somebody looks for the string
	}
	return 0, NotJSON(text, at+1)
}

func hexUnit(text []byte, at int) (rune, bool) {
	if at+4 > len(text) {
		return 0, false
	}
	var unit rune
	for _, digit := range text[at : at+4] {
		switch {
		case digit >= '0' && digit <= '9':
			digit -= '0'
		case digit|0x20 >= 'a' && digit|0x20 <= 'f':
			digit = digit | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(digit)
	}
	return unit, true
}

// Unescape appends the string's characters to the buffer. The string was scanned, so its escapes are right, but that it
// may hold half a surrogate pair: then whole is false, and U+FFFD stands for it.
func Unescape(buffer, text []byte) (_ []byte, whole bool) {
	whole = true
	for at := 0; at < len(text); {
		if text[at] != '\\' {
			buffer = append(buffer, text[at])
			at++
			continue
		}
		switch escape := text[at+1]; escape {
		case 'b':
			buffer = append(buffer, '\b')
		case 'f':
			buffer = append(buffer, '\f')
		case 'n':
			buffer = append(buffer, '\n')
		case 'r':
			buffer = append(buffer, '\r')
		case 't':
			buffer = append(buffer, '\t')
		case 'u':
			unit, _ := hexUnit(text, at+2)
			if utf16.IsSurrogate(unit) {
				if length, _ := scanEscape(text, at); length == 12 {
					low, _ := hexUnit(text, at+8)
					unit = utf16.DecodeRune(unit, low)
					at += 6
				} else {
					unit, whole = utf8.RuneError, false
				}
			}
			buffer = utf8.AppendRune(buffer, unit)
			at += 4
		default:
			buffer = append(buffer, escape)
		}
		at += 2
	}
	return buffer, whole
}

// ScanNumber returns the end of the JSON number at the position.
func ScanNumber(text []byte, at int) (end int, ok bool) {
	digits := func() bool {
		start := at
		for at < len(text) && text[at]-'0' <= 9 {
			at++
		}
		return at > start
	}
	if at < len(text) && text[at] == '-' {
		at++
	}
	if at < len(text) && text[at] == '0' {
		at++
	} else if !digits() {
		return at, false
	}
	if at < len(text) && text[at] == '.' {
		at++
		if !digits() {
			return at, false
		}
	}
	if at < len(text) && text[at]|0x20 == 'e' {
		at++
		if at < len(text) && (text[at] == '+' || text[at] == '-') {
			at++
		}
		if !digits() {
			return at, false
		}
	}
	return at, true
}

// SkipValue checks the JSON value at the position and returns its end.
func SkipValue(text []byte, at int) (end int, reason string) {
	if at >= len(text) {
		return 0, endOfText
	}
	switch text[at] {
	case '"':
		end, _, reason = ScanString(text, at+1)
		return end + 1, reason
	case '{', '[':
		return skipNested(text, at)
	case 't':
		return skipWord(text, at, "true")
	case 'f':
		return skipWord(text, at, "false")
	case 'n':
		return skipWord(text, at, "null")
	}
	end, ok := ScanNumber(text, at)
	if !ok {
		return 0, NotJSON(text, end)
	}
	return end, ""
}

func skipWord(text []byte, at int, word string) (int, string) {
	for i := range len(word) {
		if at+i >= len(text) || text[at+i] != word[i] {
			return 0, NotJSON(text, at+i)
		}
	}
	return at + len(word), ""
}

// nesting holds what the objects and arrays around a place in JSON are, one bit each: however deep a row is, it takes
// an eighth of its bytes at most, and no stack.
type nesting struct {
	depth int
	inner uint64   // of the innermost 64, the last one in the lowest bit
	outer []uint64 // of those around them, 64 at once
}

func (n *nesting) enter(object bool) {
	if n.depth > 0 && n.depth%64 == 0 {
		n.outer = append(n.outer, n.inner)
	}
	n.inner <<= 1
	if object {
		n.inner |= 1
	}
	n.depth++
}

func (n *nesting) leave() {
	n.inner >>= 1
	n.depth--
	if last := len(n.outer) - 1; n.depth > 0 && n.depth%64 == 0 {
		n.inner, n.outer = n.outer[last], n.outer[:last]
	}
}

func (n *nesting) inObject() bool { return n.inner&1 != 0 }

// skipNested checks the object or array at the position, with all that is in it, and returns its end.
func skipNested(text []byte, at int) (end int, reason string) {
	var n nesting
	for { // a value begins at the position
		if at < len(text) && (text[at] == '{' || text[at] == '[') {
			n.enter(text[at] == '{')
			at = SkipBlanks(text, at+1)
			if at >= len(text) || text[at] != closing(n.inObject()) {
				if at, reason = n.skipKey(text, at); reason != "" {
					return 0, reason
				}
				continue
			}
		} else {
			if at, reason = SkipValue(text, at); reason != "" {
				return 0, reason
			}
			at = SkipBlanks(text, at)
		}
		for at < len(text) && text[at] == closing(n.inObject()) {
			n.leave()
			if n.depth == 0 {
				return at + 1, ""
			}
			at = SkipBlanks(text, at+1)
		}
		if at >= len(text) || text[at] != ',' {
			return 0, NotJSON(text, at)
		}
		if at, reason = n.skipKey(text, SkipBlanks(text, at+1)); reason != "" {
			return 0, reason
		}
	}
}

// skipKey reads over the key before a value, where it has one, and returns where the value begins.
func (n *nesting) skipKey(text []byte, at int) (_ int, reason string) {
	if !n.inObject() {
		return at, ""
	}
	if at >= len(text) || text[at] != '"' {
		return 0, NotJSON(text, at)
	}
	if at, _, reason = ScanString(text, at+1); reason != "" {
		return 0, reason
	}
	at = SkipBlanks(text, at+1)
	if at >= len(text) || text[at] != ':' {
		return 0, NotJSON(text, at)
	}
	return SkipBlanks(text, at+1), ""
}

func closing(object bool) byte {
	if object {
		return '}'
	}
	return ']'
}
