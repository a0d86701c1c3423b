package sync

import (
	"time"

	"github.com/creditmill/creditmill/schemas"
)

const (
	// cutoffLead is how long before Stripe's period ends ours does at the least: time to load, aggregate and post.
	cutoffLead = 2 * time.Hour
	// clockChange is by how much a timezone's clock may be changed meanwhile.
	clockChange = time.Hour
	// cutoffMost is how much earlier it may be, where the calendars of the timezone and of Stripe part.
	cutoffMost = 5 * 24 * time.Hour
	// cutoffMonths are looked at: a leap year is among them.
	cutoffMonths = 48
	// everyMonthHas is a day before which no calendar clamps.
	everyMonthHas = 27
)

// cutoff is the last midnight of the catalog's timezone that is cutoffLead before an anchor, and from which the ends
// of our periods stay as early in all months: those of the 29th to the 31st are moved to the end of a shorter month,
// by the timezone's calendar here and by that of UTC at Stripe.
func cutoff(anchor time.Time, zone *time.Location) time.Time {
	at := schemas.IntervalDay.PeriodAt(anchor.Add(-cutoffLead-clockChange), nil, zone).Start
	for anchor.Sub(at) < cutoffMost && !inTime(at, anchor, zone) {
		at = schemas.IntervalDay.PeriodAt(at.Add(-clockChange), nil, zone).Start
	}
	return at
}

// inTime says whether periods from at end before Stripe's in all months.
func inTime(at, anchor time.Time, zone *time.Location) bool {
	local, there := at.In(zone), anchor.UTC()
	if local.Day() <= everyMonthHas && there.Day() <= everyMonthHas && local.Month() == there.Month() {
		return true
	}
	end := anchor
	for range cutoffMonths {
		end = schemas.IntervalMonth.PeriodAt(end, &anchor, time.UTC).End
		ours := schemas.IntervalMonth.PeriodAt(end.Add(-cutoffLead), &at, zone).Start
		if end.Sub(ours) > cutoffMost {
			return false // the next one of ours comes too late
		}
	}
	return true
}
