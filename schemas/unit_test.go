package schemas

import (
	"encoding/json"
	"testing"

	"github.com/shopspring/decimal"
)

// TestAmountsJSON holds what readers and the ledger get: the tokens of old always, others where there are any, and
// exact numbers, which are read back as they were.
func TestAmountsJSON(t *testing.T) {
	number := decimal.RequireFromString
	var amounts Amounts
	for unit, quantity := range map[string]string{
		"searches": "2", "input": "9223372036854775808", "seconds": "12.500000001", "input_audio": "7", "output": "0",
		"cache_write_1h": "0", "images": "170141183460469231731687303715884105728",
	} {
		amounts.Add(unit, number(quantity))
	}
	tokens, others := AmountsOf(amounts.ByUnit()).Split()
	for _, test := range []struct {
		name string
		of   any
		want string
	}{
		{"tokens", tokens, `{"input":9223372036854775808,"cached_input":0,"cache_write":0,"output":0,"reasoning":0,` +
			`"input_audio":7}`},
		{"others", others, `{"images":170141183460469231731687303715884105728,"searches":2,"seconds":12.500000001}`},
		{"no tokens", Tokens{}, `{"input":0,"cached_input":0,"cache_write":0,"output":0,"reasoning":0}`},
		{"left out", struct {
			Units Others `json:"units,omitempty"`
		}{}, `{}`},
	} {
		text, err := json.Marshal(test.of)
		if err != nil || string(text) != test.want {
			t.Errorf("%s: %s, %v; want %s", test.name, text, err, test.want)
		}
	}
	text, err := json.Marshal(others)
	if err != nil {
		t.Fatal(err)
	}
	var again Others
	if err := json.Unmarshal(text, &again); err != nil || !again.Equal(others) {
		t.Errorf("read back %v, %v; want %v", again, err, others)
	}
	if got := others.String(); got != "images 170141183460469231731687303715884105728; searches 2; seconds 12.500000001" {
		t.Error(got)
	}
	for _, bad := range []string{`{"images":"x"}`, `[1]`} {
		if err := json.Unmarshal([]byte(bad), &again); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}
