package sync

import (
	"testing"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// TestCutoff: midnight before Stripe's period ends.
func TestCutoff(t *testing.T) {
	for anchor, want := range map[string]string{
		"2026-11-02T03:00:00Z": "2026-11-02T00:00:00Z", "2026-11-02T02:59:59Z": "2026-11-01T00:00:00Z",
		"2026-11-02T23:00:00Z": "2026-11-02T00:00:00Z", "2026-01-31T14:00:00Z": "2026-01-31T00:00:00Z",
		"2026-01-31T01:00:00Z": "2026-01-27T00:00:00Z", "2026-03-01T01:00:00Z": "2026-02-28T00:00:00Z",
	} {
		if got := instant(cutoff(at(anchor), time.UTC)); got != want {
			t.Errorf("for Stripe's %s the cut-off is %s, want %s", anchor, got, want)
		}
	}
}

// TestCutoffInTime: in every month of two years, wherever the cycle begins and whatever the timezone's clock does, ours
// ends two hours before Stripe's at least, and not more than five days. Stripe counts months in UTC.
func TestCutoffInTime(t *testing.T) {
	for _, name := range []string{"UTC", "America/New_York", "Asia/Tokyo", "Asia/Kolkata"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for anchor := at("2026-01-01T00:30:00Z"); anchor.Year() == 2026; anchor = anchor.Add(7 * time.Hour) {
			from := cutoff(anchor, zone)
			stripe := schemas.IntervalMonth.PeriodAt(anchor, &anchor, time.UTC)
			for range 24 {
				stripe = schemas.IntervalMonth.PeriodAt(stripe.End, &anchor, time.UTC)
				ours := schemas.IntervalMonth.PeriodAt(stripe.End.Add(-5*24*time.Hour), &from, zone)
				if lead := stripe.End.Sub(ours.End); lead < 2*time.Hour || lead > 5*24*time.Hour {
					t.Fatalf("%s: Stripe's cycle from %s ends %s, ours from %s ends %s", name, anchor, stripe.End, from, ours.End)
				}
			}
		}
	}
}

func at(text string) time.Time {
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return parsed.UTC()
}
