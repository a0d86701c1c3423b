package schemas

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
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

// anyAmounts are quantities of units of tokens and of others, some of them zero.
func anyAmounts(t *rapid.T, label string) Amounts {
	units := rapid.SampledFrom([]string{
		UnitInput, UnitOutput, UnitReasoning, UnitInputAudio, UnitCacheWrite1h, "searches", "images", "zebra_crossings",
	})
	var amounts Amounts
	for range rapid.IntRange(0, 8).Draw(t, label) {
		nanos := rapid.Int64Range(0, 1<<60).Draw(t, "nanos")
		amounts.Add(units.Draw(t, "unit"), decimal.New(nanos, -9))
	}
	return amounts
}

// TestAmountsAdd: amounts stay in their order, no unit twice, and adding does not depend on the order.
func TestAmountsAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyAmounts(t, "a"), anyAmounts(t, "b")
		sum, reversed := AmountsOf(a.ByUnit()), AmountsOf(b.ByUnit())
		sum.AddAll(b)
		reversed.AddAll(a)
		for i, amount := range sum {
			if i > 0 && CompareUnits(sum[i-1].Unit, amount.Unit) >= 0 {
				t.Fatalf("%s stands behind %s", amount.Unit, sum[i-1].Unit)
			}
			want := a.Of(amount.Unit).Add(b.Of(amount.Unit))
			if !amount.Quantity.Equal(want) || !reversed.Of(amount.Unit).Equal(want) {
				t.Fatalf("%s: %s and %s, want %s", amount.Unit, amount.Quantity, reversed.Of(amount.Unit), want)
			}
		}
	})
}

// TestAmountsSplit: tokens and others are all of the amounts, each on its side.
func TestAmountsSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := anyAmounts(t, "amounts")
		tokens, others := amounts.Split()
		if len(tokens)+len(others) != len(amounts) || !tokens.Total().Equal(amounts.Tokens()) {
			t.Fatalf("%v and %v of %v", tokens, others, amounts)
		}
		for _, amount := range tokens {
			if !IsTokens(amount.Unit) {
				t.Fatalf("%s is no token", amount.Unit)
			}
		}
		text, err := json.Marshal(others)
		if err != nil {
			t.Fatal(err)
		}
		var back Others
		if err := json.Unmarshal(text, &back); err != nil || !back.Equal(others) {
			t.Fatalf("%s was read back as %v, %v", text, back, err)
		}
	})
}

// TestUnitNames: which texts name a unit, and the columns and parents of those that have one.
func TestUnitNames(t *testing.T) {
	for name, want := range map[string]bool{
		"searches": true, "a": true, "cache_write_1h": true, strings.Repeat("u", MaxUnitBytes): true,
		"": false, "1h": false, "_a": false, "Searches": false, "a-b": false, "a.b": false, "a b": false, "é": false,
		strings.Repeat("u", MaxUnitBytes+1): false,
	} {
		if IsUnit(name) != want {
			t.Errorf("IsUnit(%q) = %t, want %t", name, !want, want)
		}
	}
	for unit, want := range map[string]string{
		UnitInput: "input_tokens", UnitReasoning: "reasoning_tokens", UnitQuantity: "quantity",
		UnitInputAudio: "units.input_audio", "searches": "units.searches",
	} {
		if got := UnitColumn(unit); got != want {
			t.Errorf("the column of %s is %s, want %s", unit, got, want)
		}
	}
	for _, unit := range TokenUnits {
		parent, ok := ParentUnit(unit)
		if ok && !IsTokens(parent) {
			t.Errorf("%s has the price of %s, which is no token", unit, parent)
		}
		if _, again := ParentUnit(parent); again {
			t.Errorf("%s has the price of %s, which has another's", unit, parent)
		}
	}
	if _, ok := ParentUnit(UnitReasoning); ok {
		t.Error("reasoning has the price of output without inherit: true")
	}
	if unit, nanos := ListedUnit("seconds" + NanoSuffix); unit != "seconds" || !nanos {
		t.Errorf("seconds.nano is %s, %t", unit, nanos)
	}
	if unit, nanos := ListedUnit("seconds"); unit != "seconds" || nanos {
		t.Errorf("seconds is %s, %t", unit, nanos)
	}
}
