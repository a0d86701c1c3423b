package main

import (
	"math/big"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

func TestSQLValues(t *testing.T) {
	instant := time.Date(2026, 10, 1, 0, 0, 0, 267e6, time.UTC)
	half := []decimal.Decimal{decimal.RequireFromString("0.5")}
	huge, _ := new(big.Int).SetString("340282366920938463463374607431768211455", 10)
	three := uint8(3)
	for name, test := range map[string]struct {
		column     string
		value      any
		text, json string
	}{
		"number":           {"UInt64", uint64(1 << 63), "9223372036854775808", "9223372036854775808"},
		"large number":     {"UInt128", huge, huge.String(), huge.String()},
		"large, by value":  {"UInt128", *huge, huge.String(), huge.String()},
		"decimal":          {"Decimal(76, 18)", decimal.RequireFromString("10000.9"), "10000.9", `"10000.9"`},
		"null":             {"Nullable(UInt8)", (*uint8)(nil), "NULL", "null"},
		"not null":         {"Nullable(UInt8)", &three, "3", "3"},
		"null large":       {"Nullable(UInt128)", (*big.Int)(nil), "NULL", "null"},
		"text":             {"String", "a <b> \"c\"", `a <b> "c"`, `"a <b> \"c\""`},
		"time":             {"DateTime64(3, 'UTC')", instant, "2026-10-01T00:00:00.267Z", `"2026-10-01T00:00:00.267Z"`},
		"date":             {"Date", instant, "2026-10-01", `"2026-10-01"`},
		"numbers":          {"Array(UInt8)", []uint8{1, 2}, "[1,2]", "[1,2]"},
		"decimals":         {"Array(Decimal(9, 1))", half, `["0.5"]`, `["0.5"]`},
		"no elements":      {"Array(String)", []string{}, "[]", "[]"},
		"elements or null": {"Array(Nullable(UInt8))", []*uint8{nil, &three}, "[null,3]", "[null,3]"},
		"yes":              {"Bool", true, "true", "true"},
	} {
		value := newSQLValue(test.column, test.value)
		if got := sqlText(value, "NULL"); got != test.text {
			t.Errorf("%s: text %s, want %s", name, got, test.text)
		}
		got, err := sqlJSON(value)
		if err != nil || string(got) != test.json {
			t.Errorf("%s: JSON %s (%v), want %s", name, got, err, test.json)
		}
	}
}
