package schemas

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestHoursChange: between two changes of the hours no minute differs, through changes of the clock.
func TestHoursChange(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"} {
		for _, hours := range []Hours{{From: 90, To: 150}, {From: 1350, To: 360}, {From: 0, To: 720}, {From: 149, To: 0}} {
			hours.Zone = zone
			for _, day := range []string{"2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"} {
				from, err := time.Parse(time.DateOnly, day)
				if err != nil {
					t.Fatal(err)
				}
				from = from.Add(-12 * time.Hour)
				to := from.Add(48 * time.Hour)
				changes := hours.Changes(from, to)
				if !changes[0].Equal(from) {
					t.Fatalf("%s: the first change is %s, want the beginning %s", hours, changes[0], from)
				}
				last := 0
				for at := from; at.Before(to); at = at.Add(time.Minute) {
					for last+1 < len(changes) && !changes[last+1].After(at) {
						last++
					}
					if hours.Hold(at) != hours.Hold(changes[last]) {
						t.Fatalf("%s: at %s it is %t, at the change before it, %s, %t", hours, at, hours.Hold(at), changes[last],
							hours.Hold(changes[last]))
					}
				}
			}
		}
	}
}

// TestCircumstancesAreRead: what is written behind a list of units reads back, whatever the values are.
func TestCircumstancesAreRead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		written := Dimensions(rapid.MapOf(rapid.StringMatching("[a-z][a-z0-9_]{0,5}"), rapid.String()).Draw(rt, "dimensions"))
		list := "input,output.nano"
		if text := FormatDimensions(written); text != "" {
			list += "?" + text
		}
		list += "#context>5=1,16:30-00:30 Asia/Kathmandu=0"
		units, circumstances := SplitUnits(list)
		read := ParseCircumstances(circumstances)
		if units != "input,output.nano" || !maps.Equal(read.Dimensions, written) {
			rt.Fatalf("%q: %q, %v, want %v", list, units, read.Dimensions, written)
		}
		if len(read.Tests) != 2 || !read.Tests["context>5"] || read.Tests["16:30-00:30 Asia/Kathmandu"] {
			rt.Fatalf("%q: tests %v", list, read.Tests)
		}
	})
}

// TestWhen: which price holds, and which entry gave it.
func TestWhen(t *testing.T) {
	costs := whenCosts(t, `
            input: 5
            output: 30
            cache_write: 6
            when:
              - {tier: [batch, flex], input: 2.5, output: 15}
              - {context_over: 272000, input: 10}
              - {geo: us, times: 1.1}
              - {tier: [null], cache_write: 7}`)
	for _, test := range []struct{ under, unit, cost, entry string }{
		{"?tier=priority", UnitInput, "5", ""},
		{"?tier=batch", UnitInput, "2.5", "when 1: tier batch, flex"},
		{"?tier=flex#context>272000=1", UnitInput, "2.5", "when 1: tier batch, flex"},
		{"#context>272000=1", UnitInput, "10", "when 2: context over 272000"},
		{"?geo=us&tier=batch", UnitOutput, "16.5", "when 1: tier batch, flex × 1.1 (when 3: geo us)"},
		{"?geo=us&tier=a", UnitInput, "5.5", "base × 1.1 (when 3: geo us)"},
		{"?tier=batch", UnitOutputAudio, "15", "when 1: tier batch, flex"},
		{"", UnitCacheWrite1h, "7", "when 4: tier none"},
		{"?tier=batch", UnitCacheWrite1h, "6", ""},
	} {
		under := costs.Under(ParseCircumstances(test.under))
		cost, priced := under.Of(test.unit)
		if !priced || cost.String() != test.cost || under.EntryOf(test.unit) != test.entry {
			t.Errorf("%s %s: %s by %q, want %s by %q", test.unit, test.under, cost, under.EntryOf(test.unit), test.cost,
				test.entry)
		}
	}
	if _, priced := costs.Under(Circumstances{}).Of(UnitReasoning); priced {
		t.Error("reasoning has a price")
	}
}

func whenCosts(t *testing.T, mapping string) UnitCosts {
	t.Helper()
	catalog, problems := ParseCatalog("catalog.yaml", []byte(fmt.Sprintf(whenCatalog, "per_token", mapping)))
	if catalog == nil {
		t.Fatal(problems)
	}
	return catalog.CreditSystems[0].Costs[0].ByFeature["large"]
}

const whenCatalog = `
currency: usd
features: [{id: large, models: [gpt-large]}]
credit_systems:
  - id: credits
    costs:
      - effective: 2026-01-01
        %s:
          large: %s
products: [{id: free, default: true, credits: {system: credits, included: 0, every: month}}]
`

// TestWhenMistakes: each mistake in `when` is told.
func TestWhenMistakes(t *testing.T) {
	for _, test := range []struct{ key, entry, want string }{
		{"per_token", "{tier: batch}", "needs the price of a unit, or times"},
		{"per_token", "{input: 2}", "needs a condition"},
		{"per_token", "{context_over: 1.5, input: 2}", "a whole number of tokens"},
		{"per_token", "{context_over: 9223372036854775808, input: 2}", "at most 9223372036854775807"},
		{"per_token", "{contxt_over: 5, input: 2}", `unknown unit "contxt_over" (did you mean "context_over"?)`},
		{"per_token", `{betweenn: ["16:30", "00:30"], input: 2}`, `unknown field "betweenn" (did you mean "between"?)`},
		{"per_token", `{between: ["16:30"], input: 2}`, "two times of day"},
		{"per_token", `{between: ["16:30", "16:30"], input: 2}`, "begins and ends at the same time"},
		{"per_token", `{between: ["24:30", "16:30"], input: 2}`, `"24:30" is no time of day`},
		{"per_token", `{timezone: UTC, tier: a, input: 2}`, "timezone is that of between"},
		{"per_token", `{between: ["1:00", "2:00"], timezone: Mars, input: 2}`, `unknown timezone "Mars"`},
		{"per_token", "{tier: [], input: 2}", "takes a value or a list of values"},
		{"per_token", "{tier: {a: 1}, input: 2}", "takes a value or a list of values"},
		{"per_token", "{Tier: a, input: 2}", `"Tier" is no dimension`},
		{"per_token", "{tier: a, searches: 2}", `unknown unit "searches"`},
		{"per_token", "{tier: a, input: -2}", "is negative"},
		{"per_token", "{tier: a, times: -2}", "is negative"},
		{"per_token", "{tier: a, times: 1.0000000000000000001}", "18"},
		{"per_token", "{tier: a, times: 1.00000000000000001}", "more than 18 digits after the point"},
		{"per_unit", "{tier: a, input: 2}", "input counts tokens"},
		{"per_unit", "{tier: a, times: 1.000001}", "more than 9 digits after the point"},
		{"per_unit", "{tier: a, context_ovr: 5, searches: 2}", `unknown unit "context_ovr" (did you mean "context_over"?)`},
		{"per_unit", "{tier: a, tiems: 5}", `unknown unit "tiems" (did you mean "times"?)`},
		{"per_unit", "{tier: a, serches: 5}", `unknown unit "serches" (did you mean "searches"?)`},
		{"per_unit", "{tier: a, imput: 5}", `unknown unit "imput" (did you mean "input"?)`},
		{"per_token", "{tier: 1, input: 2}", "takes it in quotes"},
		{"per_token", `{tier: " batch", input: 2}`, "no row has such a value"},
		{"per_unit", `{tier: a, pages: "2"}`, "needs the price of a unit, or times"},
	} {
		base := "{input: 0.01, output: 0.01, cached_input: 1, cache_write: 1, reasoning: 1, when: [%s]}"
		if test.key == "per_unit" {
			base = "{searches: 0.0001, when: [%s]}"
		}
		_, problems := ParseCatalog("catalog.yaml", []byte(fmt.Sprintf(whenCatalog, test.key, fmt.Sprintf(base, test.entry))))
		if err := problems.Err(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.entry, err, test.want)
		}
	}
}

// TestHoursWithin holds the answer against looking at every minute.
func TestHoursWithin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(name string) Hours {
			from := rapid.IntRange(0, minutesPerDay-1).Draw(rt, name+" from")
			long := rapid.IntRange(1, minutesPerDay-1).Draw(rt, name+" long")
			return Hours{From: from, To: (from + long) % minutesPerDay, Zone: "UTC"}
		}
		inner, outer := draw("inner"), draw("outer")
		want := true
		for minute := range minutesPerDay {
			at := time.Date(2026, 10, 1, 0, minute, 0, 0, time.UTC)
			want = want && (!inner.Hold(at) || outer.Hold(at))
		}
		if got := inner.within(outer); got != want {
			rt.Fatalf("%s within %s: %t", inner, outer, got)
		}
	})
}

// TestDimensionsReadBack: whatever a log says, what is stored of its dimensions is read as it was.
func TestDimensionsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dimensions := Dimensions{}
		for range rapid.IntRange(0, 4).Draw(t, "count") {
			name := rapid.StringMatching(`[a-z][a-z0-9_]{0,7}`).Draw(t, "name")
			dimensions[name] = rapid.StringOfN(rapid.RuneFrom([]rune("aZ09 &=?#%,+.;é😀\t\x00")), 0, 12, -1).Draw(t, "value")
		}
		text := FormatDimensions(dimensions)
		if strings.ContainsAny(text, "?#,") {
			t.Fatalf("%q holds what parts a list of units from what is behind it", text)
		}
		back := ParseDimensions(text)
		if len(back) != len(dimensions) || !maps.Equal(back, dimensions) && len(dimensions) > 0 {
			t.Fatalf("%v was read back as %v from %q", dimensions, back, text)
		}
		list := "input,output"
		if text != "" {
			list += "?" + text
		}
		units, behind := SplitUnits(list + "#context>272000=1,hours=0")
		if units != "input,output" {
			t.Fatalf("the units of %q are %q", list, units)
		}
		under := ParseCircumstances(behind)
		if !maps.Equal(under.Dimensions, back) || !under.Tests["context>272000"] || under.Tests["hours"] {
			t.Fatalf("%q was read as %+v", behind, under)
		}
	})
}

// TestMinutes: a time of day has an hour and two digits of minutes; 24:00 is midnight.
func TestMinutes(t *testing.T) {
	for text, want := range map[string]int{
		"00:00": 0, "0:00": 0, "16:30": 990, "23:59": 1439, "24:00": 0,
		"": -1, "16": -1, "16:3": -1, "16:300": -1, "16:60": -1, "24:01": -1, "25:00": -1, "-1:00": -1, "a:00": -1,
		"1:b0": -1,
	} {
		got, ok := parseMinutes(text)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("parseMinutes(%q) = %d, want %d", text, got, want)
		}
	}
}
