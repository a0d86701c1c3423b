package invoice

import (
	"context"
	"errors"
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
		{"released", "", func(in *Inputs) { in.Releases = releases{id: {10000}} }},
		{"released for less", "above max_charge", func(in *Inputs) { in.Releases = releases{id: {9999}} }},
		{"a credit was released", "above max_charge", func(in *Inputs) { in.Releases = releases{id: {-10000}} }},
		{"no Stripe customer stays", "no Stripe customer", func(in *Inputs) {
			in.Releases, in.StripeCustomers = releases{id: {10000}}, nil
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
	gaps := hourly.missing(from, until, hours("2026-10-01T00:00:00Z", "2026-10-01T03:00:00Z"), time.UTC)
	if len(gaps) != 2 || instant(gaps[0].From)+instant(gaps[0].Until) != "2026-10-01T01:00:00Z2026-10-01T03:00:00Z" ||
		!strings.Contains(gaps[1].Reason, "from 2026-10-01T04:00:00Z to 2026-10-01T05:00:00Z, hourly usage is expected") {
		t.Fatalf("%+v", gaps)
	}
	daily := Expectation{"gateway", schemas.ExpectDaily}
	gaps = daily.missing(utc("2026-09-30T18:30:00Z"), utc("2026-10-03T18:30:00Z"),
		hours("2026-10-01T18:00:00Z", "2026-10-03T00:00:00Z"), kolkata)
	if len(gaps) != 0 {
		t.Fatalf("the hour at 18:00 UTC holds the end of one day there and the start of the next: %+v", gaps)
	}
}

// TestHoldsOnTheEngine: a refused file, a silent source and a large amount hold a charge, each until its own remedy.
func TestHoldsOnTheEngine(t *testing.T) {
	s := newShop(t, true)
	ctx := context.Background()
	change := func(config *Config) {}
	plan := func() Plan {
		t.Helper()
		runner := s.runner("run_plan")
		runner.config.MaxChargeMinor = 5000
		change(&runner.config)
		plan, err := runner.Plan(ctx)
		s.must(err)
		return plan
	}
	assert := func(want string) Plan {
		t.Helper()
		plan := plan()
		if got := plan.Charges[0].HoldReason; !strings.Contains(got, want) || want == "" && got != "" {
			t.Fatalf("held because %q, want %q", got, want)
		}
		return plan
	}
	s.must(s.w.Conn().Exec(ctx, "INSERT INTO loads (load_seq, revision, status, file, started_at) "+
		"VALUES (7, 1, 'aborted', 'october.jsonl', '2026-11-01 00:00:00')"))
	assert("load ld_7 of october.jsonl is aborted")
	s.must(s.w.Conn().Exec(ctx, "INSERT INTO loads (load_seq, revision, status, file, started_at) "+
		"VALUES (8, 1, 'committed', 'october.jsonl', '2026-11-01 01:00:00')"))

	change = func(config *Config) { config.Expected = []Expectation{{"test", schemas.ExpectDaily}} }
	assert("source test has no usage from 2026-10-06T00:00:00Z to 2026-11-01T00:00:00Z")
	change = func(config *Config) {
		config.Expected, config.AcceptGaps = []Expectation{{"test", schemas.ExpectDaily}}, true
	}
	held := assert("$100.00 is above max_charge $50.00; release it")

	runner := s.runner("run_release")
	release := Release{ChargeID: held.Charges[0].ID, Reason: "agreed", By: "ann"}
	if _, err := runner.Release(ctx, held, Release{ChargeID: "oc_other"}); !errors.Is(err, ErrNotReleasable) {
		t.Fatal(err)
	}
	done, err := runner.Release(ctx, held, release)
	s.must(err)
	if len(done.Reasons) != 1 || len(done.Left) != 0 {
		t.Fatalf("%+v", done)
	}
	if _, err := runner.Release(ctx, assert(""), release); !errors.Is(err, ErrNotReleasable) {
		t.Fatal(err)
	}
	var by, reason string
	s.must(s.w.Conn().QueryRow(ctx, "SELECT released_by, reason FROM hold_releases").Scan(&by, &reason))
	if by != "ann" || reason != "agreed" {
		t.Fatalf("released by %s because %s", by, reason)
	}
	// More usage makes it another amount: it is held again.
	s.load("2026-10-20T10:00:00Z", "medium-model", 1)
	assert("$100.01 is above max_charge")
}
