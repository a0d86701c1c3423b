package schemas

import (
	"fmt"
	"time"
	_ "time/tzdata" // timezones are known on a machine without a database of them, too
)

// The instants that a person may write lie in [1970, 2200), which every column of the warehouse holds.
const (
	firstYear = 1970
	lastYear  = 2199
)

// Never stands for an open end where there has to be one: after every instant that is taken.
var Never = time.Date(lastYear+1, 1, 1, 0, 0, 0, 0, time.UTC)

// Earlier is the earlier of two instants.
func Earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Later is the later of two instants.
func Later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// ParseTime reads an instant as a person writes it in a catalog or on the command line: RFC 3339 with an offset, or a
// bare date, which is midnight in loc. The result is in UTC.
func ParseTime(text string, loc *time.Location) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err == nil {
		t = firstInstant(t, loc)
	} else if t, err = time.Parse(time.RFC3339Nano, text); err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time: write 2026-10-01 or 2026-10-01T00:00:00Z", text)
	}
	t = t.UTC()
	if t.Year() < firstYear || t.Year() > lastYear {
		return time.Time{}, fmt.Errorf("%q is not a time between the years %d and %d", text, firstYear, lastYear)
	}
	return t, nil
}
