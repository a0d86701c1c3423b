package ingest

import (
	"flag"
	"fmt"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/warehouse/warehousetest"
	"github.com/google/go-cmp/cmp"
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
		count, reason := parseCount(value{kindNumber, []byte(text)})
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
		got, reason := cache.parse(value{kindString, []byte(text)}, "rfc3339", nil)
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
	text := func(time string) value { return value{kindText, []byte(time)} }
	tests := []struct {
		name     string
		found    value
		layout   string
		location *time.Location
		want     string // or the reason
	}{
		{"unix", value{kindNumber, []byte("1790812800")}, "unix", nil, "2026-10-01T00:00:00Z"},
		{
			"unix with a fraction",
			value{kindText, []byte(" 1790812800.000000001 ")},
			"unix", nil,
			"2026-10-01T00:00:00.000000001Z",
		},
		{"unix in exponents", value{kindNumber, []byte("1.7908128e9")}, "unix", nil, "2026-10-01T00:00:00Z"},
		{"unix_ms", value{kindNumber, []byte("1790812800267")}, "unix_ms", nil, "2026-10-01T00:00:00.267Z"},
		{"unix_us as string", value{kindString, []byte("1790812800267001")}, "unix_us", nil, "2026-10-01T00:00:00.267001Z"},
		{"not a number", value{kindString, []byte("now")}, "unix", nil, `is not a Unix time: "now"`},
		{"declared timezone", value{kindString, []byte("2026-10-01T00:00:00")}, "rfc3339", saoPaulo, "2026-10-01T03:00:00Z"},
		{"an offset wins", value{kindString, []byte("2026-10-01T00:00:00Z")}, "rfc3339", saoPaulo, "2026-10-01T00:00:00Z"},
		{"Go layout", value{kindText, []byte("01.10.2026 05:00")}, "02.01.2006 15:04", nil, "2026-10-01T05:00:00Z"},
		{
			"Go layout, timezone",
			value{kindText, []byte("01.10.2026 05:00")},
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
			value{kindText, []byte("05:00:60")},
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
		whole := idRuns{}
		part := idRuns{}
		seen := map[string]bool{}
		twice := false
		for _, id := range ids {
			twice = twice || seen[id]
			seen[id] = true
			part.observe([]byte(id))
			if rapid.Bool().Draw(t, "cut") {
				whole.add(&part)
				part = idRuns{}
			}
		}
		whole.add(&part)
		sorted := append([]string(nil), ids...)
		sort.Strings(sorted)
		if string(whole.small) != sorted[0] || string(whole.large) != sorted[len(sorted)-1] {
			t.Fatalf("%v: smallest %s, largest %s", ids, whole.small, whole.large)
		}
		if whole.disjoint() && twice {
			t.Fatalf("%v were taken for unique: %v", ids, whole.runs)
		}
		if sort.StringsAreSorted(ids) && !twice && !whole.disjoint() {
			t.Fatalf("%v ascend and were not taken for unique: %v", ids, whole.runs)
		}
	})
}

// TestAnySplit: however events are spread over files and in whatever order these are loaded and withdrawn, the
// identities that count are those of the committed loads, each once, and nothing but them.
func TestAnySplit(t *testing.T) {
	fewChecks(t, 6) // each loads and withdraws several files
	rapid.Check(t, func(r *rapid.T) {
		w := warehousetest.New(t)
		files := rapid.IntRange(1, 4).Draw(r, "files")
		var inputs []Input
		var contents [][]string // identities by load
		rows := 0
		for file := range files {
			ids := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}), 1, 8).Draw(r, "ids")
			lines := []string{fmt.Sprintf(`{"file":%d}`, file)} // a reject, and no two contents are equal
			for _, id := range ids {
				lines = append(lines, event(id, "acme", rapid.IntRange(1, 2).Draw(r, "tokens")))
			}
			rows += len(ids)
			inputs = append(inputs, write(t, "f.jsonl", lines...))
			contents = append(contents, ids)
		}
		cut := rapid.IntRange(0, files).Draw(r, "cut") // two commands
		results := append(mustLoad(t, w, inputs[:cut]...), mustLoad(t, w, inputs[cut:]...)...)
		for _, result := range results {
			if result.RowsRead != result.RowsLoaded+result.RowsDuplicate+result.RowsConflict+result.RowsRejected {
				r.Fatalf("not conserved: %+v", result)
			}
		}
		check := func() {
			want := map[string]bool{}
			for _, ids := range contents {
				for _, id := range ids {
					want[id] = true
				}
			}
			got := map[string]bool{}
			for _, line := range visible(t, w) {
				id, _, _ := strings.Cut(line, " ")
				if got[id] {
					r.Fatalf("%s counts twice: %v", id, visible(t, w))
				}
				got[id] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				r.Fatalf("identities that count (-want +got):\n%s", diff)
			}
		}
		check()
		if n := number(t, w, "SELECT count() FROM usage_events") + number(t, w,
			"SELECT count() FROM duplicate_events"); n != uint64(rows) {
			r.Fatalf("%d rows are stored, want %d", n, rows)
		}
		for _, load := range rapid.Permutation([]int{0, 1, 2, 3}[:files]).Draw(r, "withdrawn") {
			withdraw(t, w, uint64(load+1))
			contents[load] = nil
			check()
		}
	})
}

// fewChecks lowers the number of checks of a slow property, unless the command line asks for one.
func fewChecks(t *testing.T, checks int) {
	t.Helper()
	setting := flag.Lookup("rapid.checks")
	before := setting.Value.String()
	if before != setting.DefValue {
		return
	}
	if err := setting.Value.Set(strconv.Itoa(checks)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := setting.Value.Set(before); err != nil {
			t.Error(err)
		}
	})
}
