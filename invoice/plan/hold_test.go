package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// TestReleases: a release is good for the amount that was looked at, and for the hold that a person may end.
func TestReleases(t *testing.T) {
	catalog := seedCatalog(t)
	held := func(in Inputs, change func(in *Inputs)) string {
		t.Helper()
		in.MaxChargeMinor = 5000
		if change != nil {
			change(&in)
		}
		return mustPlan(t, in).Charges[0].HoldReason
	}
	in := seedInputs(t, proOctober(catalog, "acme", "0", "20000", "0"))
	id := mustPlan(t, in).Charges[0].ID
	for _, test := range []struct {
		name, want string
		change     func(in *Inputs)
	}{
		{"above max_charge", "above max_charge", nil},
		{"released", "", func(in *Inputs) { in.Releases = Releases{id: {10000}} }},
		{"released for less", "above max_charge", func(in *Inputs) { in.Releases = Releases{id: {9999}} }},
		{"a credit was released", "above max_charge", func(in *Inputs) { in.Releases = Releases{id: {-10000}} }},
		{"no Stripe customer stays", "no Stripe customer", func(in *Inputs) {
			in.Releases, in.StripeCustomers = Releases{id: {10000}}, nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := held(in, test.change)
			if !strings.Contains(got, test.want) || test.want == "" && got != "" {
				t.Fatalf("held because %q, want %q", got, test.want)
			}
		})
	}
}

// TestAnomaly: spend far above the median of a customer's earlier periods is held, once three of them are known.
func TestAnomaly(t *testing.T) {
	catalog := seedCatalog(t)
	for _, test := range []struct {
		name    string
		earlier []string
		factor  string
		held    bool
	}{
		{"ten times the usual", []string{"1900", "2000", "2100", "50"}, "10", true},
		{"not quite", []string{"2000", "2001", "2001", "2002"}, "10", false},
		{"two periods tell nothing", []string{"1", "1"}, "10", false},
		{"no factor", []string{"1", "1", "1"}, "0", false},
		{"long ago", []string{"1", "1", "1", "20000", "20000", "20000", "20000", "20000", "20000"}, "2", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := seedInputs(t)
			for i, used := range test.earlier {
				balance := proOctober(catalog, "acme", "0", used, "0")
				balance.Period.Start = balance.Period.Start.AddDate(0, i-len(test.earlier), 0)
				balance.Period.End = balance.Period.End.AddDate(0, i-len(test.earlier), 0)
				in.Periods = append(in.Periods, balance)
			}
			in.Periods = append(in.Periods, proOctober(catalog, "acme", "0", "20005", "0"))
			in.AnomalyFactor = number(test.factor)
			charges := mustPlan(t, in).Charges
			charge := charges[len(charges)-1]
			if strings.Contains(charge.HoldReason, "anomaly_factor") != test.held {
				t.Fatalf("%s: %s", charge.Status, charge.HoldReason)
			}
		})
	}
}

// TestMissingHours joins hours and days without usage; days are those of the catalog's timezone.
func TestMissingHours(t *testing.T) {
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	hours := func(texts ...string) (all []time.Time) {
		for _, text := range texts {
			all = append(all, utc(text))
		}
		return all
	}
	from, until := utc("2026-10-01T00:00:00Z"), utc("2026-10-01T05:00:00Z")
	hourly := Expectation{"gateway", schemas.ExpectHourly}
	gaps := hourly.Missing(from, until, hours("2026-10-01T00:00:00Z", "2026-10-01T03:00:00Z"), time.UTC)
	if len(gaps) != 2 || !gaps[0].From.Equal(from.Add(time.Hour)) || !gaps[0].Until.Equal(from.Add(3*time.Hour)) ||
		!strings.Contains(gaps[1].Reason, "from 2026-10-01T04:00:00Z to 2026-10-01T05:00:00Z, hourly usage is expected") {
		t.Fatalf("%+v", gaps)
	}
	daily := Expectation{"gateway", schemas.ExpectDaily}
	gaps = daily.Missing(utc("2026-09-30T18:30:00Z"), utc("2026-10-03T18:30:00Z"),
		hours("2026-10-01T18:00:00Z", "2026-10-03T00:00:00Z"), kolkata)
	if len(gaps) != 0 {
		t.Fatalf("the hour at 18:00 UTC holds the end of one day there and the start of the next: %+v", gaps)
	}
}
