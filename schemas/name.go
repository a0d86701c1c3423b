package schemas

import (
	"encoding/binary"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// NameProblem says why a text cannot name a customer, an event, a model or a feature: "" if it can. Names are compared
// byte by byte, so what a person cannot see or tell apart would be another customer in silence: blanks around a name,
// control and format characters (zero-width, bidi, a BOM), line separators, noncharacters. The text itself is not in
// the answer, since it may be a secret key. Length is for the caller to check.
func NameProblem(text []byte) string {
	if isPlainASCII(text) {
		return ""
	}
	switch {
	case len(text) == 0:
		return "is empty"
	case !utf8.Valid(text):
		return "is not valid UTF-8"
	}
	blank := true
	for _, r := range string(text) {
		if isUnseen(r) {
			return fmt.Sprintf("has the invisible character U+%04X", r)
		}
		blank = blank && unicode.IsSpace(r)
	}
	first, _ := utf8.DecodeRune(text)
	last, _ := utf8.DecodeLastRune(text)
	switch {
	case blank:
		return "is blank"
	case unicode.IsSpace(first):
		return "has a blank at its beginning"
	case unicode.IsSpace(last):
		return "has a blank at its end"
	}
	return ""
}

// isUnseen tells the characters that no name needs and no reader sees. A line break, a tab and the like are control
// characters.
func isUnseen(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r < ' ' || r == 0x7f
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
		return true
	case unicode.Is(unicode.Noncharacter_Code_Point, r):
		return true
	}
	// A joiner and letters without a shape: as blank as a blank, though not of its class.
	return r == 0x034f || r == 0x115f || r == 0x1160 || r == 0x17b4 || r == 0x17b5 || r == 0x2800 || r == 0x3164 ||
		r == 0xffa0
}

// isPlainASCII tells that a name is not empty, ASCII, and without blanks around it and control characters. Nearly all
// names are, so this is quick: eight bytes are looked at at once.
func isPlainASCII(text []byte) bool {
	n := len(text)
	if n == 0 || text[0] == ' ' || text[n-1] == ' ' {
		return false
	}
	const lanes, high = 0x0101010101010101, 0x8080808080808080
	if n < 8 {
		for _, b := range text {
			if b-' ' > '~'-' ' {
				return false
			}
		}
		return true
	}
	// A lane's high bit is set by a byte above 0x7f, by the borrow of one below 0x20, or by the carry of 0x7f.
	strange := uint64(0)
	for at := 0; at+8 <= n; at += 8 {
		word := binary.LittleEndian.Uint64(text[at:])
		strange |= word | (word - lanes*' ') | (word + lanes)
	}
	word := binary.LittleEndian.Uint64(text[n-8:])
	strange |= word | (word - lanes*' ') | (word + lanes)
	return strange&high == 0
}

// IsPlainName tells that NameProblem finds nothing, for callers that look at very many names.
func IsPlainName(text []byte) bool { return isPlainASCII(text) || NameProblem(text) == "" }
