package ingest

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep a JSON row may be nested.
const maxDepth = 64

const (
	endOfRow    = "is not JSON: it ends in the middle"
	lanes       = 0x0101010101010101
	laneHighBit = 0x8080808080808080
)

// notJSON names the first character that is out of place.
func notJSON(text []byte, at int) string {
	if at >= len(text) {
		return endOfRow
	}
	return "is not JSON: unexpected " + strconv.QuoteRune(rune(text[at])) + " at byte " + strconv.Itoa(at+1)
}

func skipBlanks(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n') {
		at++
	}
	return at
}

// scanString finds the closing quote of the string whose first character is at. Eight bytes are looked at at once.
func scanString(text []byte, at int) (end int, escaped bool, reason string) {
	for {
		for at+8 <= len(text) {
			word := binary.LittleEndian.Uint64(text[at:])
			quotes, slashes := word^(lanes*'"'), word^(lanes*'\\')
			special := ((quotes - lanes) & ^quotes) | ((slashes - lanes) & ^slashes) | ((word - lanes*0x20) & ^word)
			if special &= laneHighBit; special != 0 {
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
			return 0, false, endOfRow
		case text[at] == '"':
			return at, escaped, ""
		case text[at] != '\\':
			return 0, false, notJSON(text, at)
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
		return 0, endOfRow
	}
	switch text[at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
		unit, ok := hexUnit(text, at+2)
		if !ok {
			return 0, notJSON(text, at+1)
		}
		if !utf16.IsSurrogate(unit) {
			return 6, ""
		}
		if at+12 <= len(text) && text[at+6] == '\\' && text[at+7] == 'u' {
			if low, ok := hexUnit(text, at+8); ok && utf16.DecodeRune(unit, low) != utf8.RuneError {
				return 12, ""
			}
		}
		return 0, "is not valid Unicode: half a surrogate pair at byte " + strconv.Itoa(at+1)
	}
	return 0, notJSON(text, at+1)
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

// unescape appends the string's characters to the buffer. The string was scanned, so its escapes are right.
func unescape(buffer, text []byte) []byte {
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
				low, _ := hexUnit(text, at+8)
				unit = utf16.DecodeRune(unit, low)
				at += 6
			}
			buffer = utf8.AppendRune(buffer, unit)
			at += 4
		default:
			buffer = append(buffer, escape)
		}
		at += 2
	}
	return buffer
}

// scanNumber returns the end of the JSON number at the position.
func scanNumber(text []byte, at int) (end int, ok bool) {
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

// skipValue checks the JSON value at the position and returns its end.
func skipValue(text []byte, at, depth int) (end int, of kind, reason string) {
	if at >= len(text) {
		return 0, 0, endOfRow
	}
	switch text[at] {
	case '"':
		end, _, reason = scanString(text, at+1)
		return end + 1, kindString, reason
	case '{':
		end, reason = skipObject(text, at, depth+1)
		return end, kindObject, reason
	case '[':
		end, reason = skipArray(text, at, depth+1)
		return end, kindArray, reason
	case 't':
		end, reason = skipWord(text, at, "true")
		return end, kindBool, reason
	case 'f':
		end, reason = skipWord(text, at, "false")
		return end, kindBool, reason
	case 'n':
		end, reason = skipWord(text, at, "null")
		return end, kindNull, reason
	}
	end, ok := scanNumber(text, at)
	if !ok {
		return 0, 0, notJSON(text, end)
	}
	return end, kindNumber, ""
}

func skipWord(text []byte, at int, word string) (int, string) {
	for i := range len(word) {
		if at+i >= len(text) || text[at+i] != word[i] {
			return 0, notJSON(text, at+i)
		}
	}
	return at + len(word), ""
}

const tooDeep = "is nested more than 64 deep"

func skipObject(text []byte, at, depth int) (end int, reason string) {
	if depth > maxDepth {
		return 0, tooDeep
	}
	at = skipBlanks(text, at+1)
	if at < len(text) && text[at] == '}' {
		return at + 1, ""
	}
	for {
		if at >= len(text) || text[at] != '"' {
			return 0, notJSON(text, at)
		}
		if at, _, reason = scanString(text, at+1); reason != "" {
			return 0, reason
		}
		at = skipBlanks(text, at+1)
		if at >= len(text) || text[at] != ':' {
			return 0, notJSON(text, at)
		}
		if at, _, reason = skipValue(text, skipBlanks(text, at+1), depth); reason != "" {
			return 0, reason
		}
		at = skipBlanks(text, at)
		switch {
		case at < len(text) && text[at] == '}':
			return at + 1, ""
		case at >= len(text) || text[at] != ',':
			return 0, notJSON(text, at)
		}
		at = skipBlanks(text, at+1)
	}
}

func skipArray(text []byte, at, depth int) (end int, reason string) {
	if depth > maxDepth {
		return 0, tooDeep
	}
	at = skipBlanks(text, at+1)
	if at < len(text) && text[at] == ']' {
		return at + 1, ""
	}
	for {
		if at, _, reason = skipValue(text, at, depth); reason != "" {
			return 0, reason
		}
		at = skipBlanks(text, at)
		switch {
		case at < len(text) && text[at] == ']':
			return at + 1, ""
		case at >= len(text) || text[at] != ',':
			return 0, notJSON(text, at)
		}
		at = skipBlanks(text, at+1)
	}
}
