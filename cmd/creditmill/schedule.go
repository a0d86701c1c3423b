package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// parseSchedule reads a cron expression. It refuses what the library panics at, as TZ=UTC alone, takes for once a
// second, as @every -1h, or never starts, as 30 February.
func parseSchedule(text string) (schedule cron.Schedule, err error) {
	wrong := fmt.Errorf("want a cron expression such as \"15 2 * * *\", not %q", text)
	defer func() {
		if recover() != nil {
			schedule, err = nil, wrong
		}
	}()
	if schedule, err = cron.ParseStandard(text); err != nil {
		return nil, wrong
	}
	if _, every, repeats := strings.Cut(text, "@every "); repeats {
		if pause, err := time.ParseDuration(every); err != nil || pause < time.Second {
			return nil, fmt.Errorf("want a time from 1s after @every, not %q", every)
		}
	}
	if schedule.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("%q never comes: want a cron expression such as \"15 2 * * *\"", text)
	}
	return schedule, nil
}
