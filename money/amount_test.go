package money

import (
	"errors"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

func TestParse(t *testing.T) {
	tests := []struct{ text, want, err string }{
		{"0.1", "0.1", ""},
		{"1e-3", "0.001", ""},
		{"1.50E+2", "150", ""},
		{".5", "0.5", ""},
		{"-7.", "-7", ""},
		{"+3", "3", ""},
		{"0.000000000000000001", "0.000000000000000001", ""},
		{"0.1000000000000000000000", "0.1", ""},
		{"0.0000000000000000001", "", "19 digits after the point"},
		{strings.Repeat("9", 58), strings.Repeat("9", 58), ""},
		{strings.Repeat("9", 59), "", "59 digits before the point"},
		{"1e58", "", "59 digits before the point"},
		{"1e999999999", "", "does not fit"},
		{"1e-99999999999999999999", "", "does not fit"},
		{strings.Repeat("1", 1000), "", "1000 characters"},
		{"", "", "not a decimal"},
		{"--1", "", "not a decimal"},
		{"1_000", "", "not a decimal"},
		{"0x10", "", "not a decimal"},
		{"NaN", "", "not a decimal"},
		{"1e", "", "not a decimal"},
		{"1e+-1", "", "not a decimal"},
		{" 1", "", "not a decimal"},
		{"1.2.3", "", "not a decimal"},
		{".", "", "not a decimal"},
	}
	for _, test := range tests {
		got, err := Parse(test.text)
		switch {
		case test.err == "" && (err != nil || got.String() != test.want):
			t.Errorf("Parse(%q) = %s, %v; want %s", test.text, got, err, test.want)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("Parse(%q) = %s, %v; want an error with %q", test.text, got, err, test.err)
		}
	}
}

func TestCheckWrapsErrOverflow(t *testing.T) {
	if err := Check(decimal.New(1, -19)); !errors.Is(err, ErrOverflow) {
		t.Errorf("19 places: %v", err)
	}
	if err := Check(decimal.New(1, 1<<30)); !errors.Is(err, ErrOverflow) {
		t.Errorf("a great power of ten: %v", err)
	}
	if err := Check(decimal.New(0, -1000)); err != nil {
		t.Errorf("zero: %v", err)
	}
}

func TestCeilUnits(t *testing.T) {
	tests := []struct {
		credits string
		unit    int64
		want    string
	}{
		{"0", 1, "0"},
		{"0.9", 1, "1"},
		{"1", 1, "1"},
		{"10000", 1000, "10000"},
		{"10000.000000000000000001", 1000, "11000"},
		{"1", 1000, "1000"},
		{"7", 0, "7"},
		{"123456789012345678901234567890.1", 10, "123456789012345678901234567900"},
	}
	for _, test := range tests {
		if got := CeilUnits(decimal.RequireFromString(test.credits), test.unit).String(); got != test.want {
			t.Errorf("CeilUnits(%s, %d) = %s, want %s", test.credits, test.unit, got, test.want)
		}
	}
}
