package main

import (
	"strings"
	"testing"
)

func TestSchedulesThatTheLibraryDoesNotRefuse(t *testing.T) {
	for _, text := range []string{
		" ", "TZ=UTC", "CRON_TZ=", "CRON_TZ=UTC", "TZ= ", "TZ=Nowhere/At 0 1 * * *", "@every 0s", "@every -1h", "@every 1ms",
		"", "TZ= 1 1 1 1 1", "CRON_TZ= @daily", "CRON_TZ=Nowhere/City 0 1 * * *", "TZ=../etc/passwd 0 1 * * *",
		"@every 1ns", "@every 1000000h", "TZ=UTC @every 9000h", "@reboot", "0 0 31 4,6,9,11 *",
		"*/99999999999999999999 * * * *", "TZ=UTC @every 0s", "@every", "*/0 * * * *", "0 0 30 2 *", "@", "* * * * * *",
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
	for _, text := range []string{"schedule:\n", "schedule: {}\n", "schedule: {invoice: }\n"} {
		var to string
		problems := readSettings("c.yaml", []byte(text), map[string]setting{"schedule.invoice": cronSetting(&to, "when")})
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), "c.yaml:1:") {
			t.Errorf("%q: %v, want one problem in line 1", text, problems)
		}
	}
}
