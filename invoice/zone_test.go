package invoice

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/schemas"
)

// zonedUsage is usage at an instant; day is the one on which it falls in the zone, empty after the period.
type zonedUsage struct {
	at     string
	tokens uint64
	day    string
}

// TestClockChange charges an October in which the clocks of the accounting calendar change: an hour twice, an hour
// never, half an hour never. Every event is on its local day, in the plan as in what is frozen, and later usage in the
// night of the change is an adjustment of the same days.
func TestClockChange(t *testing.T) {
	tests := []struct {
		zone, start, end, night string
		usage                   []zonedUsage
	}{
		{"Europe/Berlin", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z", "2026-10-25T01:45:00Z", []zonedUsage{
			{"2026-10-24T21:59:59Z", 4000, "2026-10-24"},
			{"2026-10-24T22:00:00Z", 3000, "2026-10-25"},
			{"2026-10-25T00:30:00Z", 2000, "2026-10-25"}, // 02:30
			{"2026-10-25T01:30:00Z", 1000, "2026-10-25"}, // 02:30 again
			{"2026-10-25T22:59:59Z", 500, "2026-10-25"},
			{"2026-10-25T23:00:00Z", 250, "2026-10-26"},
			{"2026-10-31T22:59:59Z", 125, "2026-10-31"},
			{"2026-10-31T23:00:00Z", 60, ""},
		}},
		{"Australia/Sydney", "2026-09-30T14:00:00Z", "2026-10-31T13:00:00Z", "2026-10-03T16:01:00Z", []zonedUsage{
			{"2026-10-03T13:59:59Z", 4000, "2026-10-03"},
			{"2026-10-03T14:00:00Z", 3000, "2026-10-04"},
			{"2026-10-03T15:59:59Z", 2000, "2026-10-04"}, // 01:59:59
			{"2026-10-03T16:00:00Z", 1000, "2026-10-04"}, // 03:00
			{"2026-10-04T12:59:59Z", 500, "2026-10-04"},
			{"2026-10-04T13:00:00Z", 250, "2026-10-05"},
			{"2026-10-31T12:59:59Z", 125, "2026-10-31"},
			{"2026-10-31T13:00:00Z", 60, ""},
		}},
		{"Australia/Lord_Howe", "2026-09-30T13:30:00Z", "2026-10-31T13:00:00Z", "2026-10-03T15:31:00Z", []zonedUsage{
			{"2026-10-03T13:29:59Z", 4000, "2026-10-03"},
			{"2026-10-03T13:30:00Z", 3000, "2026-10-04"},
			{"2026-10-03T15:29:59Z", 2000, "2026-10-04"}, // 01:59:59
			{"2026-10-03T15:30:00Z", 1000, "2026-10-04"}, // 02:30
			{"2026-10-04T12:59:59Z", 500, "2026-10-04"},
			{"2026-10-04T13:00:00Z", 250, "2026-10-05"},
			{"2026-10-31T12:59:59Z", 125, "2026-10-31"},
			{"2026-10-31T13:00:00Z", 60, ""},
		}},
	}
	for _, test := range tests {
		t.Run(test.zone, func(t *testing.T) {
			catalog := zonedCatalog(t, test.zone)
			s := newShopOf(t, true, catalog, test.start)
			var want []string // days and their credits
			byDay := map[string]uint64{}
			for _, used := range test.usage {
				s.load(used.at, "medium-model", used.tokens)
				byDay[used.day] += used.tokens
			}
			delete(byDay, "")
			for _, day := range slices.Sorted(maps.Keys(byDay)) {
				want = append(want, fmt.Sprint(day, " ", byDay[day]))
			}
			s.wantDays(want)
			report := s.post("run_1")[0]
			if report.Status != plan.StatusPosted || report.AmountMinor != 875 {
				t.Fatalf("%+v", report)
			}
			s.wantItem(0, 875, "Pro: 875 credits over the allowance, 1–31 Oct 2026", test.start, test.end)
			s.wantFrozenDays(report.ChargeID, want)

			s.load(test.night, "medium-model", 100)
			reports := s.post("run_2")
			if len(reports) != 2 || reports[0].Status != plan.StatusAlreadyPosted || reports[1].Status != plan.StatusPosted {
				t.Fatalf("%+v", reports)
			}
			s.wantItem(1, 100, "Pro: adjustment for 1–31 Oct 2026", test.start, test.end)
			s.wantFrozenDays(report.ChargeID, want)
			check, err := ledger.VerifyPlans(context.Background(), s.w,
				aggregate.New(aggregate.Config{Warehouse: s.w, Now: time.Now}), func(string, uint64) {})
			s.must(err)
			if check.LookedAt != 2 || len(check.Problems) != 0 {
				t.Fatalf("%+v", check)
			}
		})
	}
}

// zonedCatalog is the seed's with another calendar.
func zonedCatalog(t *testing.T, zone string) *schemas.Catalog {
	t.Helper()
	text := strings.Replace(string(seedCatalog(t).Text), "timezone: UTC", "timezone: "+zone, 1)
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(text))
	if catalog == nil || catalog.Timezone.String() != zone {
		t.Fatal(problems)
	}
	return catalog
}

// wantDays compares the spend by day of the only charge of the plan as it would be now.
func (s *shop) wantDays(want []string) {
	s.t.Helper()
	runner := s.runner("run_days")
	plan, err := runner.Plan(context.Background())
	s.must(err)
	var got []string
	for charge, err := range runner.Days(context.Background(), plan) {
		s.must(err)
		for _, day := range charge.Days {
			got = append(got, day.Day.Format(time.DateOnly)+" "+day.Credits.String())
		}
	}
	if len(plan.Charges) != 1 || !slices.Equal(got, want) {
		s.t.Fatalf("%d charges, days %v, want %v", len(plan.Charges), got, want)
	}
}

// wantFrozenDays compares the days by which a frozen charge is explained.
func (s *shop) wantFrozenDays(chargeID string, want []string) {
	s.t.Helper()
	explained, err := s.explain(chargeID)
	s.must(err)
	var got []string
	for _, day := range explained.Lines[0].Days {
		got = append(got, day.Day+" "+day.Tokens.String())
	}
	if !explained.Frozen || len(explained.Lines) != 1 || !slices.Equal(got, want) {
		s.t.Fatalf("frozen %t, days %v, want %v", explained.Frozen, got, want)
	}
}

// wantItem compares the nth item at Stripe.
func (s *shop) wantItem(n int, amountMinor int64, description, start, end string) {
	s.t.Helper()
	items := s.fake.Items()
	if len(items) != n+1 {
		s.t.Fatalf("Stripe holds %d items, want %d", len(items), n+1)
	}
	item := items[n]
	if item.Amount != amountMinor || *item.Description != description ||
		item.Metadata[stripe.MetadataPeriod] != "2026-10-01/2026-11-01" || item.Period.Start != utc(start).Unix() ||
		item.Period.End != utc(end).Unix() {
		s.t.Fatalf("Stripe holds %+v of %s", item, *item.Description)
	}
}
