package aggregate

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

const trialled = `
currency: usd
timezone: America/New_York
features: [{id: tokens, models: [m]}]
credit_systems: [{id: credits, costs: [{effective: 2026-01-01, per_token: {tokens: 1}}]}]
products:
  - {id: free, default: true, credits: {system: credits, included: 10, every: month}}
  - {id: small, price: {amount: "10", every: month}, credits: {system: credits, included: 100, every: month}}
  - id: pro
    price: {amount: "100", every: month}
    trial: {days: 14}
    credits: {system: credits, included: 1000, every: month, overage: {per_credit: "0.01"}}
`

// TestTrial walks a customer through a trial: overage in it is capped, and the periods are counted from its end.
func TestTrial(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, trialled)
	s.attach(catalog, "a", "pro", "2026-10-25T12:00:00Z") // 8 o'clock; the clock goes back on November 1
	s.load(
		use("a", "2026-10-25T11:59:59.999999999Z", "m", 5), use("a", "2026-10-25T12:00:00Z", "m", 1500),
		use("a", "2026-11-08T12:59:59.999999999Z", "m", 1), use("a", "2026-11-08T13:00:00Z", "m", 1200),
	)
	s.run(catalog, "2026-10-30T00:00:00Z")
	for _, at := range []time.Time{{}, instant("2026-10-30T00:00:00Z")} { // from the stored run, and computed
		answer, err := s.aggregator().Entitled(context.Background(), EntitledQuery{
			CustomerID: "a", Feature: "m", Pool: schemas.PoolInput, Required: credits("1"), AsOf: at, Catalog: catalog,
		})
		s.must(err)
		if answer.Allowed || answer.OverageAllowed || !answer.Balance.Trial {
			t.Errorf("in the trial: %+v", answer)
		}
	}
	s.run(catalog, "2026-11-10T00:00:00Z")
	if answer := s.entitled("a", "m", 1); !answer.Allowed || !answer.OverageAllowed || answer.Balance.Trial {
		t.Errorf("after the trial: %+v", answer)
	}
	want := strings.Join([]string{
		"a free credits 2026-10-01T04:00:00Z 2026-10-25T12:00:00Z granted 10 used 5 balance 5 billable 0 capped 0",
		"a pro credits 2026-10-25T12:00:00Z 2026-11-08T13:00:00Z granted 1000 used 1501 balance -501 billable 0 capped 501",
		"a pro credits 2026-11-08T13:00:00Z 2026-12-08T13:00:00Z granted 1000 used 1200 balance -200 billable 200 capped 0",
	}, "\n")
	if got := figures(s.replay(catalog, "2026-11-10T00:00:00Z")); got != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
}

func TestTrialTimelines(t *testing.T) {
	const start = "2026-10-25T12:00:00Z"
	tests := []struct {
		name    string
		changes []string
		want    string
		asOf    string
	}{
		{
			"the anchor is the trial's end",
			[]string{"pro " + start},
			"free 10 10-20T00:00/10-25T12:00, pro 1000 10-25T12:00/11-08T13:00, pro 1000 11-08T13:00/12-08T13:00",
			"2026-11-10T00:00:00Z",
		},
		{
			"a downgrade in the trial waits for its end",
			[]string{"pro " + start, "small 2026-10-30T00:00:00Z"},
			"free 10 10-20T00:00/10-25T12:00, pro 1000 10-25T12:00/11-08T13:00, small 100 11-08T13:00/12-08T13:00",
			"2026-11-10T00:00:00Z",
		},
		{
			"a downgrade keeps the days of the periods",
			[]string{"pro " + start, "small 2026-11-10T00:00:00Z"},
			"free 10 10-20T00:00/10-25T12:00, pro 1000 10-25T12:00/11-08T13:00, pro 1000 11-08T13:00/12-08T13:00, " +
				"small 100 12-08T13:00/01-08T13:00",
			"2026-12-10T00:00:00Z",
		},
		{
			"a cancel in the trial",
			[]string{"pro " + start, " 2026-10-30T00:00:00Z"},
			"free 10 10-20T00:00/10-25T12:00, pro 1000 10-25T12:00/11-08T13:00, free 10 11-08T13:00/12-01T05:00",
			"2026-11-10T00:00:00Z",
		},
		{
			"a second subscription has no trial",
			[]string{"pro " + start, " 2026-10-30T00:00:00Z", "pro 2026-11-20T00:00:00Z"},
			"free 10 10-20T00:00/10-25T12:00, pro 1000 10-25T12:00/11-08T13:00, free 10 11-08T13:00/11-20T00:00, " +
				"pro 1000 11-20T00:00/12-20T00:00",
			"2026-11-25T00:00:00Z",
		},
	}
	catalog := mustCatalog(t, trialled)
	s := newStore(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, change := range test.changes {
				product, at, _ := strings.Cut(change, " ")
				s.attach(catalog, test.name, product, at)
			}
			held, err := readSubscriptions(context.Background(), s.Warehouse, []string{test.name})
			s.must(err)
			laidOut, err := segments(held, catalog)
			s.must(err)
			laidOut[0].from = instant("2026-10-20T00:00:00Z") // so that the first period is in the picture alone
			periods := spans(laidOut, instant("2026-10-21T00:00:00Z"), instant(test.asOf), catalog.Timezone)
			var got []string
			for _, s := range periods {
				const layout = "01-02T15:04"
				got = append(got, strings.Join([]string{
					s.product.ID, s.terms.Credits.Included.String(), s.Start.Format(layout) + "/" + s.End.Format(layout),
				}, " "))
				if selling := s.terms.Credits.Overage != nil; s.product.ID == "pro" && selling == s.trial {
					t.Errorf("trial %t sells overage: %t", s.trial, selling)
				}
			}
			if text := strings.Join(got, ", "); text != test.want {
				t.Errorf("%s, want\n%s", text, test.want)
			}
		})
	}
}

func TestImportedTrial(t *testing.T) {
	catalog := mustCatalog(t, trialled)
	tests := []struct{ name, start, anchor, trialEnd, periodEnd string }{
		{
			"an anchor of its own is kept", "2026-10-05T04:00:00Z", "2026-10-01T04:00:00Z",
			"2026-10-19T04:00:00Z", "2026-11-01T04:00:00Z",
		},
		{
			"Stripe's trial of 14 times 24 hours", "2026-10-25T12:00:00Z", "2026-11-08T12:00:00Z",
			"2026-11-08T12:00:00Z", "2026-12-08T12:00:00Z",
		},
	}
	for _, test := range tests {
		laidOut, err := segments([]Subscription{
			{CustomerID: "a", Product: "pro", StartsAt: instant(test.start), Anchor: instant(test.anchor)},
		}, catalog)
		if err != nil {
			t.Fatal(err)
		}
		periods := spans(laidOut, instant(test.start), instant(test.trialEnd), catalog.Timezone)
		if len(periods) != 2 || !periods[0].trial || !periods[0].End.Equal(instant(test.trialEnd)) ||
			!periods[1].End.Equal(instant(test.periodEnd)) {
			t.Errorf("%s: %+v", test.name, periods)
		}
	}
}
