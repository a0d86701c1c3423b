package aggregate

import (
	"time"

	"github.com/creditmill/creditmill/schemas"
)

const secondsPerDay = 86400

// lastDay is the last one that the type Date can hold.
var lastDay = day(65535)

// day numbers a date from 1970-01-01 on, as a clock in some location shows it.
type day int

func dayOf(t time.Time, loc *time.Location) day {
	_, offset := t.In(loc).Zone()
	seconds := t.Unix() + int64(offset)
	if seconds < 0 {
		seconds -= secondsPerDay - 1
	}
	return day(seconds / secondsPerDay)
}

// midnight is the day's start by UTC.
func (d day) midnight() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// date is the day as the warehouse takes it: it has none before 1970, and no later one than lastDay.
func (d day) date() time.Time { return max(0, min(d, lastDay)).midnight() }

// span is the first instant at which a clock in loc shows the day and the one after the last. Where the clock is put
// back over midnight, instants of another day lie in between. A day that the clock leaps over has the zero span.
func (d day) span(loc *time.Location) (start, end time.Time) {
	const farthestOffset = 16 * time.Hour
	at := d.midnight().Add(-farthestOffset)
	last := (d + 1).midnight().Add(farthestOffset)
	for !at.IsZero() && at.Before(last) {
		local := at.In(loc)
		_, offset := local.Zone()
		_, next := local.ZoneBounds()
		from := schemas.Later(d.midnight().Add(-time.Duration(offset)*time.Second), at)
		to := (d + 1).midnight().Add(-time.Duration(offset) * time.Second)
		if !next.IsZero() {
			to = schemas.Earlier(to, next)
		}
		if from.Before(to) {
			if start.IsZero() {
				start = from
			}
			end = to
		}
		at = next
	}
	return start, end
}

// cut is an instant at which a slice begins or ends, and what that means for days: those before End lie wholly before
// the instant, those from First on wholly at or after it, and those in between partly on both sides.
type cut struct {
	At         time.Time
	End, First day
}

func cutAt(t time.Time, loc *time.Location) cut {
	here := dayOf(t, loc)
	result := cut{At: t, End: here + 2, First: here - 1}
	for d := here - 1; d <= here+1; d++ {
		start, end := d.span(loc)
		if start.IsZero() {
			continue
		}
		if end.After(t) { // not wholly before
			result.End = min(result.End, d)
		}
		if start.Before(t) { // not wholly at or after
			result.First = max(result.First, d+1)
		}
	}
	return result
}

// splitDays are the days that lie partly on both sides.
func (c cut) splitDays() []time.Time {
	days := []time.Time{}
	for d := c.End; d < c.First; d++ {
		days = append(days, d.date())
	}
	return days
}

// cuts remembers the cuts of a location: many customers share them.
type cuts struct {
	loc   *time.Location
	known map[time.Time]cut
}

func newCuts(loc *time.Location) *cuts { return &cuts{loc: loc, known: map[time.Time]cut{}} }

func (c *cuts) at(t time.Time) cut {
	t = t.UTC()
	known, ok := c.known[t]
	if !ok {
		known = cutAt(t, c.loc)
		c.known[t] = known
	}
	return known
}
