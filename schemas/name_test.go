package schemas_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/schemas"
)

func TestNameProblem(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"ASCII":               {"acme", ""},
		"ASCII of many bytes": {"cus_0123456789/prod:eu-west+7@example.com", ""},
		"a blank inside":      {"Acme Corp", ""},
		"other scripts":       {"株式会社 山田", ""},
		"accents":             {"Café", ""},
		"an emoji":            {"acme🚀", ""},
		"empty":               {"", "is empty"},
		"a blank alone":       {" ", "is blank"},
		"blanks alone":        {"\u00a0\u3000 ", "is blank"},
		"a blank before":      {" acme", "has a blank at its beginning"},
		"a blank behind":      {"acme ", "has a blank at its end"},
		"behind many bytes":   {"acme-and-its-daughters ", "has a blank at its end"},
		"a hard blank":        {"acme\u00a0", "has a blank at its end"},
		"a wide blank":        {"\u3000acme", "has a blank at its beginning"},
		"a tab":               {"acme\t", "has the invisible character U+0009"},
		"a tab alone":         {"\t", "has the invisible character U+0009"},
		"a line break":        {"acme\nother", "has the invisible character U+000A"},
		"NUL":                 {"acme\x00", "has the invisible character U+0000"},
		"ESC in many bytes":   {"acme-and-its-\x1bdaughters", "has the invisible character U+001B"},
		"DEL":                 {"ac\x7fme", "has the invisible character U+007F"},
		"C1":                  {"acme\u009b31m", "has the invisible character U+009B"},
		"next line":           {"acme\u0085", "has the invisible character U+0085"},
		"zero width":          {"ac\u200bme", "has the invisible character U+200B"},
		"a joiner":            {"acme\u200d", "has the invisible character U+200D"},
		"a BOM":               {"\ufeffacme", "has the invisible character U+FEFF"},
		"a soft hyphen":       {"ac\u00adme", "has the invisible character U+00AD"},
		"bidi":                {"acme\u202e", "has the invisible character U+202E"},
		"an isolate":          {"\u2066acme\u2069", "has the invisible character U+2066"},
		"a line separator":    {"acme\u2028", "has the invisible character U+2028"},
		"a tag":               {"acme\U000e0041", "has the invisible character U+E0041"},
		"a noncharacter":      {"acme\uffff", "has the invisible character U+FFFF"},
		"one of others":       {"acme\ufdd0", "has the invisible character U+FDD0"},
		"a letter of nothing": {"acme\u3164", "has the invisible character U+3164"},
		"half a surrogate":    {"acme\xed\xa0\x80", "is not valid UTF-8"},
		"no UTF-8":            {"acme\xff", "is not valid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := schemas.NameProblem([]byte(test.text)); got != test.want {
				t.Errorf("NameProblem(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}
}

// The quick look at eight bytes at once says the same as a look at each.
func TestNameProblemOfASCII(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.ByteRange(0x1e, 0x81), 1, 40).Draw(t, "text")
		want := strings.TrimSpace(string(text)) == string(text)
		for _, b := range text {
			want = want && b >= 0x20 && b < 0x7f
		}
		if got := schemas.IsPlainName(text); got != want {
			t.Errorf("IsPlainName(%q) = %v, want %v", text, got, want)
		}
	})
}

func BenchmarkIsPlainName(b *testing.B) {
	text := []byte("evt_0123456789abcdef0123456789abcdef")
	for b.Loop() {
		if !schemas.IsPlainName(text) {
			b.Fatal("an id is no name")
		}
	}
}
