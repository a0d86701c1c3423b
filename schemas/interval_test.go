package schemas

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// periodTests are worked out by hand.
var periodTests = []struct {
	name     string
	interval Interval
	zone     string
	anchor   string // empty: the calendar's periods
	at       string
	start    string
	end      string
}{
	{"calendar hour", "hour", "UTC", "", "2026-10-01T13:59:59Z", "2026-10-01T13:00:00Z", "2026-10-01T14:00:00Z"},
	{
		"hour of a half-hour zone", "hour", "Asia/Kolkata", "",
		"2026-10-01T13:45:00Z", "2026-10-01T13:30:00Z", "2026-10-01T14:30:00Z",
	},
	{"calendar day", "day", "UTC", "", "2026-10-01T00:00:00Z", "2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z"},
	{
		"last instant of a day", "day", "UTC", "",
		"2026-09-30T23:59:59.999999999Z", "2026-09-30T00:00:00Z", "2026-10-01T00:00:00Z",
	},
	{
		"day west of UTC", "day", "America/New_York", "",
		"2026-10-01T03:59:59Z", "2026-09-30T04:00:00Z", "2026-10-01T04:00:00Z",
	},
	{
		"week from Monday", "week", "UTC", "",
		"2026-10-04T23:00:00Z", "2026-09-28T00:00:00Z", "2026-10-05T00:00:00Z",
	},
	{
		"Monday begins a week", "week", "UTC", "",
		"2026-10-05T00:00:00Z", "2026-10-05T00:00:00Z", "2026-10-12T00:00:00Z",
	},
	{
		"week before 1970", "week", "UTC", "",
		"1969-12-31T00:00:00Z", "1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z",
	},
	{
		"calendar month", "month", "UTC", "",
		"2026-10-31T23:59:59Z", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z",
	},
	{
		"February of a leap year", "month", "UTC", "",
		"2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z",
	},
	{
		"month over the end of summer time", "month", "Europe/Berlin", "",
		"2026-10-15T00:00:00Z", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z",
	},
	{
		"calendar quarter", "quarter", "UTC", "",
		"2026-12-31T23:00:00Z", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z",
	},
	{"calendar year", "year", "UTC", "", "2026-12-31T23:00:00Z", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
	{"year before 1970", "year", "UTC", "", "1969-06-01T00:00:00Z", "1969-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},

	{
		"anchor on the 31st: itself", "month", "UTC", "2026-01-31T00:00:00Z",
		"2026-02-01T00:00:00Z", "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z",
	},
	{
		"anchor on the 31st: the short month's last day", "month", "UTC", "2026-01-31T00:00:00Z",
		"2026-02-28T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z",
	},
	{
		"anchor on the 31st: back to the 31st", "month", "UTC", "2026-01-31T00:00:00Z",
		"2026-04-15T00:00:00Z", "2026-03-31T00:00:00Z", "2026-04-30T00:00:00Z",
	},
	{
		"anchor on the 31st: leap year", "month", "UTC", "2028-01-31T00:00:00Z",
		"2028-02-28T23:00:00Z", "2028-01-31T00:00:00Z", "2028-02-29T00:00:00Z",
	},
	{
		"anchor on Feb 29, a common year", "year", "UTC", "2028-02-29T00:00:00Z",
		"2029-02-28T00:00:00Z", "2029-02-28T00:00:00Z", "2030-02-28T00:00:00Z",
	},
	{
		"anchor on Feb 29, the next leap year", "year", "UTC", "2028-02-29T00:00:00Z",
		"2032-02-29T00:00:00Z", "2032-02-29T00:00:00Z", "2033-02-28T00:00:00Z",
	},
	{
		"anchor on Nov 30, by quarter", "quarter", "UTC", "2026-11-30T00:00:00Z",
		"2027-03-01T00:00:00Z", "2027-02-28T00:00:00Z", "2027-05-30T00:00:00Z",
	},
	{
		"anchor with a time of day", "month", "UTC", "2026-10-15T10:30:00.5Z",
		"2026-11-15T10:30:00.499999999Z", "2026-10-15T10:30:00.5Z", "2026-11-15T10:30:00.5Z",
	},
	{
		"before the anchor", "month", "UTC", "2026-10-31T06:00:00Z",
		"2026-10-01T00:00:00Z", "2026-09-30T06:00:00Z", "2026-10-31T06:00:00Z",
	},
	{
		"anchored week", "week", "UTC", "2026-10-07T06:00:00Z",
		"2026-10-14T05:59:59Z", "2026-10-07T06:00:00Z", "2026-10-14T06:00:00Z",
	},
	{
		"anchored day keeps its wall clock", "day", "Europe/Berlin", "2026-10-24T10:00:00Z",
		"2026-10-25T12:00:00Z", "2026-10-25T11:00:00Z", "2026-10-26T11:00:00Z",
	},
	{
		"anchored month keeps its wall clock", "month", "Europe/Berlin", "2026-10-10T22:00:00Z",
		"2026-11-10T22:59:59Z", "2026-10-10T22:00:00Z", "2026-11-10T23:00:00Z",
	},
	{"once", "once", "UTC", "2026-10-10T22:00:00Z", "2036-01-01T00:00:00Z", "2026-10-10T22:00:00Z", ""},
	{"once of everyone", "once", "UTC", "", "2036-01-01T00:00:00Z", "", ""},

	// São Paulo leapt from Nov 3, 2018, 24:00 to Nov 4, 01:00: the day began at 01:00 = 03:00Z.
	{
		"day without midnight", "day", "America/Sao_Paulo", "",
		"2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z",
	},
	{
		"day before the missing midnight", "day", "America/Sao_Paulo", "",
		"2018-11-04T02:59:59Z", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z",
	},
	// It went back from Feb 18, 2018, 00:00 to Feb 17, 23:00: midnight came once, at 03:00Z.
	{
		"midnight after a repeated hour", "day", "America/Sao_Paulo", "",
		"2018-02-18T02:30:00Z", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z",
	},
	// Cuba showed Nov 1, 2026, 00:00 to 01:00 twice: at 04:00Z first.
	{
		"midnight twice is the first", "month", "America/Havana", "",
		"2026-11-01T05:30:00Z", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z",
	},
	{
		"just before the first of two midnights", "month", "America/Havana", "",
		"2026-11-01T03:59:59Z", "2026-10-01T04:00:00Z", "2026-11-01T04:00:00Z",
	},
	// Berlin shows 02:00 to 03:00 twice on Oct 25, 2026: at 00:00Z and at 01:00Z.
	{
		"anchor in a repeated hour", "day", "Europe/Berlin", "2026-10-20T00:30:00Z",
		"2026-10-25T01:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z",
	},
	{
		"anchor in the second of a repeated hour", "day", "Europe/Berlin", "2026-10-25T01:30:00Z",
		"2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z",
	},
	{
		"a repeated hour is one period", "hour", "Europe/Berlin", "",
		"2026-10-25T01:15:00Z", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z",
	},
	// Berlin leaps from 02:00 to 03:00 on Mar 29, 2026, at 01:00Z.
	{
		"anchor in a missing hour", "day", "Europe/Berlin", "2026-03-20T01:30:00Z",
		"2026-03-29T12:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z",
	},
	{
		"the hour after a missing one", "hour", "Europe/Berlin", "",
		"2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z",
	},
	// Samoa had no Dec 30, 2011.
	{
		"missing day", "day", "Pacific/Apia", "",
		"2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z",
	},
	{
		"day before the missing one", "day", "Pacific/Apia", "",
		"2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z",
	},
}

func TestPeriodAt(t *testing.T) {
	for _, test := range periodTests {
		t.Run(test.name, func(t *testing.T) {
			var anchor *time.Time
			if test.anchor != "" {
				at := instant(t, test.anchor)
				anchor = &at
			}
			got := test.interval.PeriodAt(instant(t, test.at), anchor, zone(t, test.zone))
			want := Period{Start: instant(t, test.start), End: instant(t, test.end)}
			if got != want {
				t.Errorf("got  %s … %s\nwant %s … %s", got.Start, got.End, want.Start, want.End)
			}
			if !got.Contains(instant(t, test.at)) {
				t.Errorf("the period does not hold %s", test.at)
			}
		})
	}
}

func TestStart(t *testing.T) {
	anchor := instant(t, "2026-01-31T08:00:00Z")
	for n, want := range []string{"2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"} {
		if got := IntervalMonth.Start(&anchor, time.UTC, n); !got.Equal(instant(t, want+"T08:00:00Z")) {
			t.Errorf("start of period %d = %s, want %s", n, got, want)
		}
	}
	if got := IntervalWeek.Start(nil, time.UTC, 1); got.Weekday() != time.Monday {
		t.Errorf("a calendar week begins on %s", got.Weekday())
	}
	if got := IntervalOnce.Start(&anchor, time.UTC, 3); got != anchor {
		t.Errorf("once begins at %s", got)
	}
}

// Periods follow each other without gap or overlap, whatever the zone and the anchor.
func TestPeriodsTile(t *testing.T) {
	zones := []string{
		"UTC", "Europe/Berlin", "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia",
		"Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca",
	}
	seconds := rapid.Int64Range(946684800, 2208988800) // 2000 to 2040
	rapid.Check(t, func(t *rapid.T) {
		loc, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		interval := rapid.SampledFrom(Intervals[:len(Intervals)-1]).Draw(t, "interval")
		at := time.Unix(seconds.Draw(t, "at"), 0).UTC()
		var anchor *time.Time
		if rapid.Bool().Draw(t, "anchored") {
			drawn := time.Unix(seconds.Draw(t, "anchor"), 0).UTC()
			anchor = &drawn
		}
		period := interval.PeriodAt(at, anchor, loc)
		if !period.Contains(at) {
			t.Fatalf("%s … %s does not hold %s", period.Start, period.End, at)
		}
		if next := interval.PeriodAt(period.End, anchor, loc); next.Start != period.End {
			t.Fatalf("after %s … %s comes %s … %s", period.Start, period.End, next.Start, next.End)
		}
		before := interval.PeriodAt(period.Start.Add(-1), anchor, loc)
		if before.End != period.Start {
			t.Fatalf("before %s … %s comes %s … %s", period.Start, period.End, before.Start, before.End)
		}
	})
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
