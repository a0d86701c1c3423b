package schemas

import (
	"slices"
	"time"
)

// Interval is how often a price is due or an allowance is renewed.
type Interval string

// The intervals. IntervalOnce is one period that never ends.
const (
	IntervalHour    Interval = "hour"
	IntervalDay     Interval = "day"
	IntervalWeek    Interval = "week"
	IntervalMonth   Interval = "month"
	IntervalQuarter Interval = "quarter"
	IntervalYear    Interval = "year"
	IntervalOnce    Interval = "once"
)

// Intervals are all of them, shortest first.
var Intervals = []Interval{
	IntervalHour, IntervalDay, IntervalWeek, IntervalMonth, IntervalQuarter, IntervalYear, IntervalOnce,
}

// LongerThan says whether one lasts longer than another.
func (i Interval) LongerThan(other Interval) bool {
	return slices.Index(Intervals, i) > slices.Index(Intervals, other)
}

// Period is the half-open span [Start, End) in UTC. The zero End means that it never ends, the zero Start that it
// always was.
type Period struct{ Start, End time.Time }

// Contains says whether t is in the period.
func (p Period) Contains(t time.Time) bool {
	return !t.Before(p.Start) && (p.End.IsZero() || t.Before(p.End))
}

// Overlaps says whether some instant lies in both. The zero Start of a period is before every other.
func (p Period) Overlaps(other Period) bool {
	return (p.End.IsZero() || other.Start.Before(p.End)) && (other.End.IsZero() || p.Start.Before(other.End))
}

// PeriodAt returns the period that holds t. With an anchor, periods are counted from it in the wall clock of loc, a day
// that a month lacks becoming its last one: Jan 31 → Feb 28 → Mar 31. Without one they are the calendar's: hours, days,
// weeks from Monday, months, quarters and years of loc. A boundary that falls into a gap of the clock moves forward to
// the gap's end; one that the clock shows twice is the first of the two, unless it is the anchor itself.
func (i Interval) PeriodAt(t time.Time, anchor *time.Time, loc *time.Location) Period {
	if i == IntervalOnce {
		if anchor == nil {
			return Period{}
		}
		return Period{Start: anchor.UTC()}
	}
	count := i.countFrom(anchor, loc)
	n := count.estimate(t)
	for count.boundary(n).After(t) {
		n--
	}
	for !count.boundary(n + 1).After(t) {
		n++
	}
	return Period{Start: count.boundary(n), End: count.boundary(n + 1)}
}

// Start returns the start of the nth period after the one that begins at the anchor; n may be negative. Without an
// anchor the count begins with 1970, weeks with its first Monday. For IntervalOnce it is the anchor.
func (i Interval) Start(anchor *time.Time, loc *time.Location, n int) time.Time {
	if i == IntervalOnce {
		return i.PeriodAt(time.Time{}, anchor, loc).Start
	}
	return i.countFrom(anchor, loc).boundary(n)
}

// periodCount numbers the boundaries of periods.
type periodCount struct {
	interval Interval
	anchor   *time.Time
	from     time.Time // what the clock shows at boundary 0, written as if it were UTC
	loc      *time.Location
}

func (i Interval) countFrom(anchor *time.Time, loc *time.Location) periodCount {
	count := periodCount{interval: i, anchor: anchor, loc: loc}
	switch {
	case anchor != nil:
		count.from = wallClock(*anchor, loc)
	case i == IntervalWeek:
		count.from = time.Date(1970, 1, 5, 0, 0, 0, 0, time.UTC)
	default:
		count.from = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return count
}

// estimate is the number of a boundary near t; it is off by one or two at most.
func (c periodCount) estimate(t time.Time) int {
	at := wallClock(t, c.loc)
	months := (at.Year()-c.from.Year())*12 + int(at.Month()) - int(c.from.Month())
	seconds := at.Unix() - c.from.Unix()
	switch c.interval {
	case IntervalHour:
		return int(seconds / 3600)
	case IntervalDay:
		return int(seconds / 86400)
	case IntervalWeek:
		return int(seconds / (7 * 86400))
	case IntervalQuarter:
		return months / 3
	case IntervalYear:
		return months / 12
	default:
		return months
	}
}

// boundary is the instant at which period n begins.
func (c periodCount) boundary(n int) time.Time {
	if n == 0 && c.anchor != nil {
		return c.anchor.UTC()
	}
	var wall time.Time
	switch c.interval {
	case IntervalHour:
		wall = time.Unix(c.from.Unix()+int64(n)*3600, int64(c.from.Nanosecond())).UTC()
	case IntervalDay:
		wall = c.from.AddDate(0, 0, n)
	case IntervalWeek:
		wall = c.from.AddDate(0, 0, 7*n)
	case IntervalQuarter:
		wall = addMonths(c.from, 3*n)
	case IntervalYear:
		wall = addMonths(c.from, 12*n)
	default:
		wall = addMonths(c.from, n)
	}
	return firstInstant(wall, c.loc)
}

// addMonths keeps the day, or takes the month's last one where it has no such day.
func addMonths(from time.Time, months int) time.Time {
	first := time.Date(from.Year(), from.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	lastDay := first.AddDate(0, 1, -1).Day()
	return time.Date(first.Year(), first.Month(), min(from.Day(), lastDay),
		from.Hour(), from.Minute(), from.Second(), from.Nanosecond(), time.UTC)
}

// wallClock is what a clock in loc shows at t, written as if it were UTC, so that it can be reckoned with.
func wallClock(t time.Time, loc *time.Location) time.Time {
	local := t.In(loc)
	return time.Date(local.Year(), local.Month(), local.Day(),
		local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC)
}

// firstInstant is the first instant at which a clock in loc shows wall, or if it leaps over it, the first one after.
func firstInstant(wall time.Time, loc *time.Location) time.Time {
	t := time.Date(wall.Year(), wall.Month(), wall.Day(),
		wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), loc)
	zoneStart, zoneEnd := t.ZoneBounds()
	switch shown := wallClock(t, loc); {
	case shown.After(wall):
		return zoneStart.UTC() // a gap, seen from behind it
	case shown.Before(wall):
		return zoneEnd.UTC() // a gap, seen from before it
	}
	if zoneStart.IsZero() {
		return t.UTC()
	}
	_, offset := t.Zone()
	_, offsetBefore := zoneStart.Add(-time.Nanosecond).Zone()
	earlier := t.Add(time.Duration(offset-offsetBefore) * time.Second)
	if earlier.Before(t) && earlier.Before(zoneStart) {
		return earlier.UTC()
	}
	return t.UTC()
}
