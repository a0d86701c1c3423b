package aggregate

import (
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/schemas"
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
func laid(spans []span) string {
	const layout = "01-02T15:04"
	var parts []string
	for _, s := range spans {
		end := ""
		if !s.End.IsZero() {
			end = s.End.Format(layout)
		}
		parts = append(parts, s.product.ID+" "+s.terms.Credits.Included.String()+" "+s.Start.Format(layout)+"/"+end)
	}
	return strings.Join(parts, ", ")
}

func TestBurnOrder(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 10, day, 0, 0, 0, 0, time.UTC) }
	buckets := []bucket{
		{priority: 100, since: at(1), left: credits("1")},
		{priority: 100, expires: at(20), since: at(9), left: credits("2")},
		{priority: 100, expires: at(10), since: at(9), left: credits("3")},
		{priority: 100, expires: at(10), since: at(8), left: credits("4")},
		{priority: 50, since: at(9), left: credits("5.5")},
	}
	sortBuckets(buckets)
	uncovered := burn(buckets, credits("10"))
	var left []string
	for _, b := range buckets {
		left = append(left, b.left.String())
	}
	if got := strings.Join(left, " "); got != "0 0 2.5 2 1" || !uncovered.IsZero() {
		t.Errorf("left %s, uncovered %s", got, uncovered)
	}
	if uncovered = burn(buckets, credits("6")); !uncovered.Equal(credits("0.5")) {
		t.Errorf("uncovered %s", uncovered)
	}
}

func TestQueryWants(t *testing.T) {
	q := Query{AsOf: instant("2026-11-01T00:00:00Z"), From: instant("2026-09-01T00:00:00Z"), EndedOnly: true}
	tests := []struct {
		start, end string
		used, want bool
	}{
		{"2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", true, true},
		{"2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", false, false},
		{"2026-10-01T00:00:00Z", "2026-11-01T00:00:00.000000001Z", true, false},
		{"2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z", true, false},
	}
	for _, test := range tests {
		period := span{Period: schemas.Period{Start: instant(test.start), End: instant(test.end)}}
		if got := q.wants(period, test.used); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}
