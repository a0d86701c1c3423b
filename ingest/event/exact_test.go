package event

import (
	"math/big"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestCountsAreExact compares token counts with exact rational arithmetic.
func TestCountsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%s is no number", text)
		}
		count, reason := parseCount(Value{KindNumber, []byte(text)})
		valid := exact.IsInt() && exact.Sign() >= 0 && exact.Num().IsInt64()
		if valid != (reason == "") {
			t.Fatalf("%s: %d, %q", text, count, reason)
		}
		if valid && exact.Num().Cmp(new(big.Int).SetUint64(count)) != 0 {
			t.Fatalf("%s was read as %d", text, count)
		}
	})
}

// TestTimesAgree compares the parser of RFC 3339 with Go's.
func TestTimesAgree(t *testing.T) {
	var cache dayCache
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(19|20|21)[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]`+
			`(\.[0-9]{1,9})?`+
			`(Z|[+-][01][0-9]:[0-5][0-9])`).Draw(t, "time")
		want, err := time.Parse(time.RFC3339Nano, text)
		valid := err == nil && want.UTC().Year() >= 2000 && want.UTC().Year() < 2100
		got, reason := cache.parse(Value{KindString, []byte(text)}, "rfc3339", nil)
		if valid != (reason == "") {
			t.Fatalf("%s: %q, Go says %v", text, reason, err)
		}
		if valid && got != want.UnixNano() {
			t.Fatalf("%s was read as %v", text, time.Unix(0, got).UTC())
		}
	})
}

func TestTimeLayouts(t *testing.T) {
	saoPaulo, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const zoned = "2006-01-02 15:04:05 MST"
	text := func(time string) Value { return Value{KindText, []byte(time)} }
	tests := []struct {
		name     string
		found    Value
		layout   string
		location *time.Location
		want     string // or the reason
	}{
		{"unix", Value{KindNumber, []byte("1790812800")}, "unix", nil, "2026-10-01T00:00:00Z"},
		{
			"unix with a fraction",
			Value{KindText, []byte(" 1790812800.000000001 ")},
			"unix", nil,
			"2026-10-01T00:00:00.000000001Z",
		},
		{"unix in exponents", Value{KindNumber, []byte("1.7908128e9")}, "unix", nil, "2026-10-01T00:00:00Z"},
		{"unix_ms", Value{KindNumber, []byte("1790812800267")}, "unix_ms", nil, "2026-10-01T00:00:00.267Z"},
		{"unix_us as string", Value{KindString, []byte("1790812800267001")}, "unix_us", nil, "2026-10-01T00:00:00.267001Z"},
		{"not a number", Value{KindString, []byte("now")}, "unix", nil, `is not a Unix time: "now"`},
		{"declared timezone", Value{KindString, []byte("2026-10-01T00:00:00")}, "rfc3339", saoPaulo, "2026-10-01T03:00:00Z"},
		{"an offset wins", Value{KindString, []byte("2026-10-01T00:00:00Z")}, "rfc3339", saoPaulo, "2026-10-01T00:00:00Z"},
		{"Go layout", Value{KindText, []byte("01.10.2026 05:00")}, "02.01.2006 15:04", nil, "2026-10-01T05:00:00Z"},
		{
			"Go layout, timezone",
			Value{KindText, []byte("01.10.2026 05:00")},
			"02.01.2006 15:04", saoPaulo,
			"2026-10-01T08:00:00Z",
		},
		{"offset without a colon", text("2026-10-05T14:00:00.123+0200"), "rfc3339", nil, "2026-10-05T12:00:00.123Z"},
		{"offset of hours", text("2026-10-05 07:00:00-05"), "rfc3339", nil, "2026-10-05T12:00:00Z"},
		{"offset behind a blank", text("2026-10-05 14:00:00 +02:00"), "rfc3339", nil, "2026-10-05T12:00:00Z"},
		{"UTC in letters", text("2026-10-05 12:00:00.123456 UTC"), "rfc3339", nil, "2026-10-05T12:00:00.123456Z"},
		{"UTC wins over the timezone", text("2026-10-05 12:00:00 UTC"), "rfc3339", saoPaulo, "2026-10-05T12:00:00Z"},
		{"comma before the fraction", text("2026-10-05T12:00:00,5Z"), "rfc3339", nil, "2026-10-05T12:00:00.5Z"},
		{
			"another zone in letters", text("2026-10-05 12:00:00 CEST"), "rfc3339", nil,
			notRFC3339 + `"2026-10-05 12:00:00 CEST"`,
		},
		{"offset of three digits", text("2026-10-05T12:00:00+020"), "rfc3339", nil, notRFC3339 + `"2026-10-05T12:00:00+020"`},
		{"offset beyond a day", text("2026-10-05T12:00:00+2400"), "rfc3339", nil, notRFC3339 + `"2026-10-05T12:00:00+2400"`},
		{"abbreviation of the timezone", text("2026-10-05 12:00:00 CEST"), zoned, berlin, "2026-10-05T10:00:00Z"},
		{"its other one", text("2026-12-05 12:00:00 CET"), zoned, berlin, "2026-12-05T11:00:00Z"},
		{
			"abbreviation of another timezone", text("2026-10-05 12:00:00 PDT"), zoned, berlin,
			`has the zone "PDT", which is none of Europe/Berlin: "2026-10-05 12:00:00 PDT"`,
		},
		{
			"abbreviation without a timezone", text("2026-10-05 12:00:00 CEST"), zoned, nil,
			`has the zone "CEST", which is none of UTC: "2026-10-05 12:00:00 CEST"`,
		},
		{"UTC as abbreviation", text("2026-10-05 12:00:00 UTC"), zoned, berlin, "2026-10-05T12:00:00Z"},
		{"GMT", text("2026-10-05 12:00:00 GMT"), zoned, berlin, "2026-10-05T12:00:00Z"},
		{
			"GMT and hours", text("2026-10-05 12:00:00 GMT+3"), zoned, berlin,
			`has the zone "GMT+3", which is none of Europe/Berlin: "2026-10-05 12:00:00 GMT+3"`,
		},
		{
			"offset beside an abbreviation", text("2026-10-05 12:00:00 -0700 PDT"), "2006-01-02 15:04:05 -0700 MST", nil,
			"2026-10-05T19:00:00Z",
		},
		{
			"Go layout, second 60",
			Value{KindText, []byte("05:00:60")},
			"15:04:05", nil,
			`is not a time like "15:04:05": "05:00:60"`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var cache dayCache
			instant, got := cache.parse(test.found, test.layout, test.location)
			if got == "" {
				got = time.Unix(0, instant).UTC().Format(time.RFC3339Nano)
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestRunsProveUniqueness: whenever the runs of ids are disjoint, no id is repeated, however the rows fall into
// blocks.
func TestRunsProveUniqueness(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(rapid.StringMatching(`[a-d]{1,3}`), 1, 20).Draw(t, "ids")
		whole := IDRuns{}
		part := IDRuns{}
		seen := map[string]bool{}
		twice := false
		for _, id := range ids {
			twice = twice || seen[id]
			seen[id] = true
			part.observe([]byte(id))
			if rapid.Bool().Draw(t, "cut") {
				whole.add(&part)
				part = IDRuns{}
			}
		}
		whole.add(&part)
		sorted := append([]string(nil), ids...)
		sort.Strings(sorted)
		if string(whole.Small) != sorted[0] || string(whole.Large) != sorted[len(sorted)-1] {
			t.Fatalf("%v: smallest %s, largest %s", ids, whole.Small, whole.Large)
		}
		if whole.Disjoint() && twice {
			t.Fatalf("%v were taken for unique: %v", ids, whole.runs)
		}
		if sort.StringsAreSorted(ids) && !twice && !whole.Disjoint() {
			t.Fatalf("%v ascend and were not taken for unique: %v", ids, whole.runs)
		}
	})
}

// TestGroupedThousands: a count of a CSV file that may have its thousands set apart is refused.
func TestGroupedThousands(t *testing.T) {
	for text, want := range map[string]uint64{
		"12.0": 12, "12.00": 12, "12.0000": 12, "1234.000": 1234, "0.000": 0, "1e3": 1000, "12000": 12000,
		"12.000": 0, "1.000": 0, "999.999": 0, "1.234.567": 0, "12,000": 0, "1'000": 0, "1 000": 0, "1\u00a0000": 0,
	} {
		count, reason := parseCount(Value{KindText, []byte(text)})
		if refused := want == 0 && text != "0.000"; refused != (reason != "") || count != want {
			t.Errorf("%q: %d, %q; want %d", text, count, reason, want)
		}
	}
	if count, reason := parseCount(Value{KindNumber, []byte("12.000")}); count != 12 || reason != "" {
		t.Errorf("a number of JSON: %d, %q", count, reason)
	}
	if _, reason := parseCount(Value{KindText, []byte("12.000")}); !strings.Contains(reason, "number of thousands") {
		t.Errorf("the reason is %q", reason)
	}
}

// TestRoundedTimes: a Unix time that a spreadsheet has shortened is refused.
func TestRoundedTimes(t *testing.T) {
	for _, kind := range []Kind{KindText, KindString} {
		if at, reason := parseUnix(Value{kind, []byte("1.79084E+12")}, 6); reason != `"1.79084E+12"`+rounded {
			t.Errorf("a time: %d, %q", at, reason)
		}
	}
}

// TestCountedTimes: where a time like 2026-10-01T00:00:00Z is wanted, a number is told with the layout that it would be
// a time in, if there is one.
func TestCountedTimes(t *testing.T) {
	for _, test := range []struct {
		name string
		text string
		want string
	}{
		{"seconds", "1790812800", ", which would be a time in seconds: declare layout: unix"},
		{"seconds with a fraction", "1790812800.5", ", which would be a time in seconds: declare layout: unix"},
		{"milliseconds", "1790812800123", ", which would be a time in milliseconds: declare layout: unix_ms"},
		{"blanks around", " 1790812800123 ", ", which would be a time in milliseconds: declare layout: unix_ms"},
		{"microseconds", "1790812800123456", ", which would be a time in microseconds: declare layout: unix_us"},
		{"nanoseconds", "1790812800123456789", ", which would be a time in nanoseconds: declare layout: unix_ns"},
		{"exponent", "1.7908128e9", ", which would be a time in seconds: declare layout: unix"},
		{"the first second", "946684800", ", which would be a time in seconds: declare layout: unix"},
		{"before 2000", "946684799", ""},
		{"negative", "-1790812800", ""},
		{"small", "12", ""},
		{"a date", "2026-10-01", ""},
		{"words", "yesterday", ""},
		{"nothing", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := likelyUnit([]byte(test.text)); got != test.want {
				t.Errorf("likelyUnit(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}
}
