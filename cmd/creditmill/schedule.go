package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// longestPause is the most that @every takes: whoever writes more has mistaken the unit.
const longestPause = 366 * 24 * time.Hour

// parseSchedule reads a cron expression. It refuses what the library panics at, as TZ=UTC alone, takes for UTC, as an
// empty TZ=, takes for once a second, as @every -1h, or never starts, as 30 February.
func parseSchedule(text string) (schedule cron.Schedule, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("want a cron expression such as \"15 2 * * *\"; remove the line for no schedule")
	}
	wrong := fmt.Errorf("want a cron expression such as \"15 2 * * *\", not %q", text)
	defer func() {
		if recover() != nil {
			schedule, err = nil, wrong
		}
	}()
	if zone, rest, named := cutZone(text); named {
		if _, err := time.LoadLocation(zone); zone == "" || err != nil {
			return nil, fmt.Errorf("want a timezone such as Europe/Berlin before %q, not %q; without TZ= it is the catalog's",
				rest, zone)
		}
	}
	if schedule, err = cron.ParseStandard(text); err != nil {
		return nil, wrong
	}
	if _, every, repeats := strings.Cut(text, "@every "); repeats {
		if pause, err := time.ParseDuration(every); err != nil || pause < time.Second || pause > longestPause {
			return nil, fmt.Errorf("want a time from 1s to %.0fh after @every, not %q", longestPause.Hours(), every)
		}
	}
	if schedule.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("%q never comes: want a cron expression such as \"15 2 * * *\"", text)
	}
	return schedule, nil
}

// cutZone cuts off the timezone that a cron expression may begin with.
func cutZone(text string) (zone, rest string, named bool) {
	for _, prefix := range []string{"TZ=", "CRON_TZ="} {
		if behind, found := strings.CutPrefix(text, prefix); found {
			zone, rest, _ = strings.Cut(behind, " ")
			return zone, strings.TrimSpace(rest), true
		}
	}
	return "", "", false
}
