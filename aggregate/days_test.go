package aggregate

import (
	"testing"
	"time"
)

func TestCuts(t *testing.T) {
	tests := []struct {
		name, zone, at string
		end, first     string
	}{
		{"midnight", "UTC", "2026-10-01T00:00:00Z", "2026-10-01", "2026-10-01"},
		{"just before midnight", "UTC", "2026-09-30T23:59:59.999999999Z", "2026-09-30", "2026-10-01"},
		{"noon", "UTC", "2026-10-01T12:00:00Z", "2026-10-01", "2026-10-02"},
		{"local midnight in summer", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-01", "2026-11-01"},
		{"repeated hour", "America/New_York", "2026-11-01T06:30:00Z", "2026-11-01", "2026-11-02"},
		{"local midnight in winter", "America/New_York", "2026-11-02T05:00:00Z", "2026-11-02", "2026-11-02"},
		{"day without midnight", "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04", "2018-11-04"},
		// On 2018-02-18 at 00:00 it was 23:00 of the 17th again: that day had 25 hours, in one piece.
		{"last hour twice", "America/Sao_Paulo", "2018-02-18T02:00:00Z", "2018-02-17", "2018-02-18"},
		// On 2006-10-29 at 00:01 it was 23:01 of the 28th again: a minute of the 29th came before the rest of the 28th.
		{"put back over midnight", "America/St_Johns", "2006-10-29T02:30:00Z", "2006-10-28", "2006-10-29"},
		{"days that overlap", "America/St_Johns", "2006-10-29T02:45:00Z", "2006-10-28", "2006-10-30"},
		// There was no 30th: that it is on both sides concerns nobody.
		{"a day left out", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31", "2011-12-30"},
	}
	for _, test := range tests {
		loc, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		got := cutAt(instant(test.at), loc)
		if end, first := got.End.date().Format(time.DateOnly), got.First.date().Format(time.DateOnly); end != test.end ||
			first != test.first {
			t.Errorf("%s: days before %s are before it and days from %s on after it, want %s and %s",
				test.name, end, first, test.end, test.first)
		}
	}
}

// TestCutsByTheHour looks at every hour of some years: a day is whole on one side exactly if all its instants are.
func TestCutsByTheHour(t *testing.T) {
	for _, zone := range []string{"America/St_Johns", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for year := 2004; year < 2013; year += 7 {
			for at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == year; at = at.Add(90 * time.Minute) {
				cut := cutAt(at, loc)
				for _, minutes := range []int{-1500, -600, -61, -1, 0, 1, 61, 600, 1500} {
					d := dayOf(at.Add(time.Duration(minutes)*time.Minute), loc)
					if minutes < 0 && d >= cut.First || minutes >= 0 && d < cut.End {
						t.Fatalf("%s, cut at %s: %d minutes off lies on day %s, on the wrong side of %+v",
							zone, at, minutes, d.date().Format(time.DateOnly), cut)
					}
				}
			}
		}
	}
}
