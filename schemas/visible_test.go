package schemas_test

import (
	"encoding/json"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/schemas"
)

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"":     "",
		"acme": "acme",
		"Café 株式会社 €7 ─ 🚀 C:\\logs": "Café 株式会社 €7 ─ 🚀 C:\\logs",
		"\x1b[31mred\x07":        `\u001b[31mred\u0007`,
		"a\nb\tc\rd\x7f\x00":     `a\nb\tc\rd\u007f\u0000`,
		"\u009b31m\u0085":        `\u009b31m\u0085`,
		"\x9b31m \xff":           `\x9b31m \xff`,
		"\u202egpj\u2069\u200f":  `\u202egpj\u2069\u200f`,
		"ze\u200bro\ufeff\u00ad": `ze\u200bro\ufeff\u00ad`,
		"a\u2028b\u2029":         `a\u2028b\u2029`,
		"tag\U000e0041":          `tag\udb40\udc41`,
		"\ufffd stays":           "\ufffd stays",
		"half \xe2\x80":          `half \xe2\x80`,
	} {
		if got := schemas.Visible(text); got != want {
			t.Errorf("Visible(%q) = %q, want %q", text, got, want)
		}
	}
}

// What is written in pieces is written as in one, no control byte is left, and JSON says the same as before.
func TestAppendVisible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.SliceOf(rapid.Byte()),
			rapid.Map(rapid.StringOf(rapid.RuneFrom(nil, unicode.Cc, unicode.Cf, unicode.Zs, unicode.Han)),
				func(s string) []byte { return []byte(s) }),
		).Draw(t, "text")
		whole, rest := schemas.AppendVisible(nil, text, true)
		whole, _ = schemas.AppendVisible(whole, rest, false)
		var pieces, left []byte
		for at := 0; at < len(text); {
			size := rapid.IntRange(1, len(text)-at).Draw(t, "size")
			pieces, left = schemas.AppendVisible(pieces, append(left, text[at:at+size]...), true)
			at += size
		}
		pieces, _ = schemas.AppendVisible(pieces, left, false)
		if string(pieces) != string(whole) {
			t.Fatalf("in pieces %q, in one %q", pieces, whole)
		}
		for _, r := range string(whole) {
			if r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || !utf8.Valid(whole) {
				t.Fatalf("%q holds %q", whole, r)
			}
		}
		document, err := json.Marshal(string(text))
		if err != nil {
			t.Fatal(err)
		}
		shown, _ := schemas.AppendVisible(nil, document, true)
		var before, after string
		if err := json.Unmarshal(document, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(shown, &after); err != nil || after != before {
			t.Fatalf("%q became %q: %v", before, after, err)
		}
	})
}
