package plan

import (
	"fmt"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// Expectation says that a source has usage in every hour (schemas.ExpectHourly) or day (schemas.ExpectDaily).
type Expectation struct {
	Source string
	Every  string
}

// Missing joins the hours or days in [from, until) without usage to gaps.
func (e Expectation) Missing(from, until time.Time, covered []time.Time, zone *time.Location) []Gap {
	every := schemas.IntervalHour
	if e.Every == schemas.ExpectDaily {
		every = schemas.IntervalDay
	}
	seen := map[time.Time]bool{}
	for _, hour := range covered {
		seen[every.PeriodAt(hour, nil, zone).Start] = true
		// An hour of UTC may reach into the next hour or day of a zone that is not whole hours away.
		seen[every.PeriodAt(hour.Add(time.Hour-1), nil, zone).Start] = true
	}
	var gaps []Gap
	for at := every.PeriodAt(from, nil, zone); at.Start.Before(until); at = every.PeriodAt(at.End, nil, zone) {
		if seen[at.Start] {
			continue
		}
		if last := len(gaps) - 1; last >= 0 && gaps[last].Until.Equal(at.Start) {
			gaps[last].Until = at.End
			continue
		}
		gaps = append(gaps, Gap{From: at.Start, Until: at.End})
	}
	for i, gap := range gaps {
		gaps[i].Reason = fmt.Sprintf("source %s has no usage from %s to %s, %s usage is expected: load it, or give "+
			"--accept-gaps", e.Source, gap.From.UTC().Format(time.RFC3339), gap.Until.UTC().Format(time.RFC3339), e.Every)
	}
	return gaps
}
