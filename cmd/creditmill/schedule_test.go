package main

import (
	"strings"
	"testing"
)

func TestSchedulesThatTheLibraryDoesNotRefuse(t *testing.T) {
	for _, text := range []string{
		" ", "TZ=UTC", "CRON_TZ=", "CRON_TZ=UTC", "TZ= ", "TZ=Nowhere/At 0 1 * * *", "@every 0s", "@every -1h", "@every 1ms",
		"TZ=UTC @every 0s", "@every", "*/0 * * * *", "0 0 30 2 *", "@", "* * * * * *",
	} {
		var to string
		problems := readSettings("c.yaml", []byte("schedule: {invoice: \""+text+"\"}\n"),
			map[string]setting{"schedule.invoice": cronSetting(&to, "when")})
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), "c.yaml:1:21: ") {
			t.Errorf("%q: %v, want one problem at 1:21", text, problems)
		}
	}
	for _, text := range []string{"15 2 * * *", "@daily", "@every 1s", "TZ=Europe/Berlin 0 6 1 * *", "0 0 29 2 *"} {
		if _, err := parseSchedule(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
