package schemas

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Visible is a text from outside as it may be shown on one line of a terminal: what a reader cannot see, or what a
// terminal obeys, is written as an escape. Line breaks and tabs are, too: a name must not look like another row.
func Visible(text string) string {
	if !strings.ContainsFunc(text, isUnseenOrBroken) {
		return text
	}
	shown, _ := AppendVisible(nil, []byte(text), false)
	return string(shown)
}

func isUnseenOrBroken(r rune) bool { return r == utf8.RuneError || isUnseen(r) }

// AppendVisible is Visible for a stream: the line breaks and tabs of output stay where lines is set. Escapes are those
// of JSON, so that a JSON document stays one. It returns the bytes at the end that may be the beginning of a character.
func AppendVisible(shown, text []byte, lines bool) (_, rest []byte) {
	from := 0 // what stands before it is in shown
	for at := 0; at < len(text); {
		if b := text[at]; b < utf8.RuneSelf {
			if b >= ' ' && b != 0x7f || lines && (b == '\n' || b == '\t') {
				at++
				continue
			}
		} else if lines && !utf8.FullRune(text[at:]) {
			return append(shown, text[from:at]...), text[at:]
		}
		r, size := utf8.DecodeRune(text[at:])
		broken := r == utf8.RuneError && size == 1
		if !broken && !isUnseen(r) {
			at += size
			continue
		}
		shown = append(shown, text[from:at]...)
		if broken {
			shown = fmt.Appendf(shown, `\x%02x`, text[at])
		} else {
			shown = appendEscape(shown, r)
		}
		at += size
		from = at
	}
	return append(shown, text[from:]...), nil
}

func appendEscape(shown []byte, r rune) []byte {
	switch r {
	case '\n':
		return append(shown, `\n`...)
	case '\t':
		return append(shown, `\t`...)
	case '\r':
		return append(shown, `\r`...)
	}
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		return fmt.Appendf(shown, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(shown, `\u%04x`, r)
}
