package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzSkipValue: our check of JSON and Go's agree, but for depth and half surrogate pairs, which Go replaces.
func FuzzSkipValue(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[1,2.5e-3,"a\u00e9\n",true,false,null,{"a":[]}]`, `"\x"`, `01`, `-`,
		`{"a":1,}`, `[1 2]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		start := SkipBlanks(data, 0)
		end, reason := SkipValue(data, start)
		if reason == "" && SkipBlanks(data, end) != len(data) {
			reason = "more"
		}
		if strings.Contains(reason, "surrogate") || !utf8.Valid(data) {
			return
		}
		if (reason == "") != json.Valid(data) {
			t.Fatalf("%q: we say %q, Go says valid: %v", data, reason, json.Valid(data))
		}
	})
}
