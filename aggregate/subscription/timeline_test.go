package subscription

import (
	"context"
	"strings"
	"testing"
	"time"
)

const termsCatalog = `
currency: usd
timezone: America/New_York
features: [{id: tokens, models: [m]}]
credit_systems: [{id: credits, name: Credits, costs: [{effective: 2026-01-01, per_token: {tokens: 1}}]}]
products:
  - {id: free, name: Free, default: true, credits: {system: credits, included: 10, every: month}}
  - {id: weekly, name: Weekly, price: {amount: "9", every: month}, credits: {system: credits, included: 1, every: week}}
  - {id: once, name: Once, price: {amount: "9", every: month}, credits: {system: credits, included: 7, every: once}}
  - id: changing
    name: Changing
    versions:
      - effective: 2026-01-01
        price: {amount: "10", every: month}
        credits: {system: credits, included: 100, every: quarter}
      - effective: 2026-11-20
        price: {amount: "12", every: month}
        credits: {system: credits, included: 50, every: month}
`

func TestTimelines(t *testing.T) {
	const from, to = "2026-10-12T00:00:00Z", "2026-11-12T00:00:00Z"
	at := func(text string) time.Time {
		if text == "" {
			return time.Time{}
		}
		return instant(text)
	}
	subscription := func(product, starts, ends, anchor string) Subscription {
		return Subscription{
			CustomerID: "c", Product: product, StartsAt: at(starts), EndsAt: at(ends), Anchor: at(anchor),
		}
	}
	tests := []struct {
		name          string
		subscriptions []Subscription
		first, last   string
		want          string
	}{
		{
			"none: calendar months of the timezone", nil, from, to,
			"free 10 10-01T04:00/11-01T04:00, free 10 11-01T04:00/12-01T05:00",
		},
		{
			"at the instant a period begins", nil, "2026-11-01T04:00:00Z", "2026-11-01T04:00:00Z",
			"free 10 11-01T04:00/12-01T05:00",
		},
		{
			"cut on both sides, full allowance",
			[]Subscription{subscription("weekly", "2026-10-14T16:00:00Z", "2026-10-30T00:00:00Z", "2026-10-14T16:00:00Z")},
			from, to,
			"free 10 10-01T04:00/10-14T16:00, weekly 1 10-14T16:00/10-21T16:00, weekly 1 10-21T16:00/10-28T16:00, " +
				"weekly 1 10-28T16:00/10-30T00:00, free 10 10-30T00:00/11-01T04:00, free 10 11-01T04:00/12-01T05:00",
		},
		{
			"anchor before the start",
			[]Subscription{subscription("weekly", "2026-10-14T16:00:00Z", "", "2026-10-05T16:00:00Z")},
			"2026-10-15T00:00:00Z",
			"2026-10-20T00:00:00Z", "weekly 1 10-14T16:00/10-19T16:00, weekly 1 10-19T16:00/10-26T16:00",
		},
		{
			"an anchored hour stays by the wall clock",
			[]Subscription{subscription("weekly", "2026-10-28T16:00:00Z", "", "2026-10-28T16:00:00Z")},
			"2026-10-30T00:00:00Z",
			"2026-11-05T00:00:00Z", "weekly 1 10-28T16:00/11-04T17:00, weekly 1 11-04T17:00/11-11T17:00",
		},
		{
			"once begins with the subscription",
			[]Subscription{subscription("once", "2026-10-14T16:00:00Z", "", "2026-09-01T00:00:00Z")},
			"2026-10-20T00:00:00Z", to, "once 7 10-14T16:00/",
		},
		{
			"once ends with it",
			[]Subscription{subscription("once", "2026-10-14T16:00:00Z", "2026-11-01T00:00:00Z", "2026-10-14T16:00:00Z")},
			"2026-10-20T00:00:00Z", "2026-10-20T00:00:00Z", "once 7 10-14T16:00/11-01T00:00",
		},
		{
			"a running period keeps its terms",
			[]Subscription{subscription("changing", "2026-10-31T12:00:00Z", "", "2026-10-31T12:00:00Z")},
			"2026-11-25T00:00:00Z",
			"2027-03-05T00:00:00Z", "changing 100 10-31T12:00/01-31T13:00, changing 50 01-31T13:00/02-28T13:00, " +
				"changing 50 02-28T13:00/03-31T12:00",
		},
		{
			"the first terms are older",
			[]Subscription{subscription("changing", "2026-03-31T12:00:00Z", "", "2026-03-31T12:00:00Z")},
			"2027-02-01T00:00:00Z", "2027-02-01T00:00:00Z", "changing 50 01-31T13:00/02-28T13:00",
		},
	}
	catalog := mustCatalog(t, termsCatalog)
	for _, test := range tests {
		laidOut, err := segments(test.subscriptions, catalog)
		if err != nil {
			t.Fatal(err)
		}
		got := laid(spans(laidOut, instant(test.first), instant(test.last), catalog.Timezone))
		if got != test.want {
			t.Errorf("%s:\n%s, want\n%s", test.name, got, test.want)
		}
	}
	_, err := segments([]Subscription{subscription("gone", from, "", from)}, catalog)
	if err == nil || !strings.Contains(err.Error(), `no product "gone"`) {
		t.Errorf("a product that the catalog lacks: %v", err)
	}
}

// laid writes spans as the tests compare them.
func laid(spans []Span) string {
	const layout = "01-02T15:04"
	var parts []string
	for _, s := range spans {
		end := ""
		if !s.End.IsZero() {
			end = s.End.Format(layout)
		}
		parts = append(parts, s.Product.ID+" "+s.Terms.Credits.Included.String()+" "+s.Start.Format(layout)+"/"+end)
	}
	return strings.Join(parts, ", ")
}

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
			held, err := Of(context.Background(), s.Warehouse, []string{test.name})
			s.must(err)
			laidOut, err := segments(held, catalog)
			s.must(err)
			laidOut[0].from = instant("2026-10-20T00:00:00Z") // so that the first period is in the picture alone
			periods := spans(laidOut, instant("2026-10-21T00:00:00Z"), instant(test.asOf), catalog.Timezone)
			var got []string
			for _, s := range periods {
				const layout = "01-02T15:04"
				got = append(got, strings.Join([]string{
					s.Product.ID, s.Terms.Credits.Included.String(), s.Start.Format(layout) + "/" + s.End.Format(layout),
				}, " "))
				if selling := s.Terms.Credits.Overage != nil; s.Product.ID == "pro" && selling == s.Trial {
					t.Errorf("trial %t sells overage: %t", s.Trial, selling)
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
		if len(periods) != 2 || !periods[0].Trial || !periods[0].End.Equal(instant(test.trialEnd)) ||
			!periods[1].End.Equal(instant(test.periodEnd)) {
			t.Errorf("%s: %+v", test.name, periods)
		}
	}
}
