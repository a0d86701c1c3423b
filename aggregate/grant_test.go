package aggregate

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/aggregate/usagetest"
	"github.com/creditmill/creditmill/schemas"
)

const granting = `
currency: usd
timezone: UTC
features: [{id: tokens, models: [m]}, {id: images, models: [i]}]
credit_systems:
  - {id: credits, costs: [{effective: 2026-01-01, per_token: {tokens: 1}}]}
  - {id: pictures, costs: [{effective: 2026-01-01, per_token: {images: 10}}]}
products:
  - {id: free, default: true, credits: {system: credits, included: 100, every: month}}
  - id: pro
    price: {amount: "100", every: month}
    credits: {system: credits, included: 1000, every: month, overage: {per_credit: "0.01"}}
  - {id: boundless, price: {amount: "900", every: month},
     credits: {system: credits, included: unlimited, every: month}}
  - {id: capped, price: {amount: "9", every: month},
     credits: {system: credits, included: 100, every: month, hard_cap: true}}
  - {id: roll, price: {amount: "50", every: month},
     credits: {system: credits, included: 200, every: month, rollover: {max: 150, periods: 2}}}
  - {id: short, price: {amount: "50", every: month},
     credits: {system: credits, included: 200, every: month, rollover: {max: 1000, periods: 1}}}
  - {id: rollmore, price: {amount: "80", every: month},
     credits: {system: credits, included: 500, every: month, rollover: {max: 150, periods: 2}}}
`

// given is a grant as a test writes it: credits, from when, until when (empty: never), priority.
type given struct {
	credits, at, expires string
	priority             uint32
	system               string
	// every, until and keeps of one that recurs; revoked is when it was taken back.
	every, until string
	keeps        bool
	revoked      string
}

func (s *store) grant(catalog *schemas.Catalog, customer string, g given) {
	s.T.Helper()
	grant := subscription.Grant{
		CustomerID: customer, CreditSystem: g.system, Credits: credits(g.credits), StartsAt: instant(g.at),
		Priority: g.priority,
	}
	if g.expires != "" {
		grant.ExpiresAt = instant(g.expires)
	}
	if g.system == "" {
		grant.CreditSystem = "credits"
	}
	grant.Every, grant.Keeps = schemas.Interval(g.every), g.keeps
	if g.until != "" {
		grant.Until = instant(g.until)
	}
	stored, added, err := subscription.AddGrant(context.Background(), s.Warehouse, catalog, grant, time.Now())
	s.must(err)
	if !added {
		s.T.Fatalf("grant %+v was there already", g)
	}
	if g.revoked != "" {
		_, revoked, err := subscription.RevokeGrant(context.Background(), s.Warehouse, subscription.Revocation{
			GrantID: stored.ID, At: instant(g.revoked), Reason: "refunded", By: "anna",
		}, time.Now())
		s.must(err)
		if !revoked {
			s.T.Fatalf("grant %+v was taken back already", g)
		}
	}
}

const october, november = "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"

// change and usage are what a case says of a customer: an attach, or a cancel without id, and tokens of one credit.
type (
	change struct{ id, at string }
	usage  struct {
		tokens uint64
		at     string
	}
)

// carryCases hold figures worked out by hand: "product start granted used balance billable capped" of each period that
// has usage or goes on. Those that follow periods into winter are seen from January 15, the others from November 15.
var carryCases = []struct {
	name     string
	products []change
	grants   []given
	usage    []usage
	want     string
}{
	{
		"the rest of a top-up is in the next period's granted",
		[]change{{"pro", october}},
		[]given{{credits: "300", at: october, priority: 100}},
		[]usage{{1100, "2026-10-10T00:00:00Z"}, {50, "2026-11-10T00:00:00Z"}},
		"pro 10-01 1300 1100 200 0 0, pro 11-01 1200 50 1150 0 0",
	},
	{
		"a top-up covers what was used too much before it",
		[]change{{"pro", october}},
		[]given{{credits: "300", at: "2026-10-10T12:00:00Z", priority: 100}},
		[]usage{{1500, "2026-10-05T00:00:00Z"}},
		"pro 10-01 1300 1500 -200 200 0, pro 11-01 1000 0 1000 0 0",
	},
	{
		"not what an earlier period used too much",
		[]change{{"pro", october}},
		[]given{{credits: "300", at: november, priority: 100}},
		[]usage{{1200, "2026-10-31T23:59:59.999999999Z"}},
		"pro 10-01 1000 1200 -200 200 0, pro 11-01 1300 0 1300 0 0",
	},
	{
		"unused credits leave granted at the instant they expire",
		nil,
		[]given{{credits: "50", at: october, expires: "2026-10-10T12:00:00Z", priority: 40}},
		[]usage{{20, "2026-10-10T11:59:59.999999999Z"}, {200, "2026-10-10T12:00:00Z"}},
		"free 10-01 120 220 -100 0 100, free 11-01 100 0 100 0 0",
	},
	{
		"expiring where a period ends, they are in its last figures",
		nil,
		[]given{{credits: "50", at: october, expires: november, priority: 100}},
		[]usage{{20, "2026-10-10T00:00:00Z"}},
		"free 10-01 150 20 130 0 0, free 11-01 100 0 100 0 0",
	},
	{
		"what is unused of a revoked grant is gone from that instant on",
		[]change{{"pro", october}},
		[]given{{credits: "300", at: october, priority: 40, revoked: "2026-10-20T00:00:00Z"}},
		[]usage{{100, "2026-10-19T23:59:59.999999999Z"}, {1050, "2026-10-20T00:00:00Z"}},
		"pro 10-01 1100 1150 -50 50 0, pro 11-01 1000 0 1000 0 0",
	},
	{
		"a grant that will be revoked does not burn the sooner for it",
		nil,
		[]given{
			{credits: "50", at: october, priority: 40},
			{credits: "60", at: "2026-10-02T00:00:00Z", priority: 40, revoked: "2026-10-20T00:00:00Z"},
		},
		[]usage{{30, "2026-10-05T00:00:00Z"}},
		"free 10-01 150 30 120 0 0, free 11-01 120 0 120 0 0",
	},
	{
		"a grant by the month expires with the next",
		nil,
		[]given{{credits: "50", at: "2026-10-20T00:00:00Z", priority: 40, every: "month"}},
		[]usage{{30, "2026-10-25T00:00:00Z"}, {10, "2026-11-05T00:00:00Z"}},
		"free 10-01 150 30 120 0 0, free 11-01 120 10 110 0 0",
	},
	{
		"one that keeps adds up, until its end",
		nil,
		[]given{{
			credits: "50", at: "2026-10-20T00:00:00Z", priority: 40, every: "week", until: "2026-11-10T00:00:00Z",
			keeps: true,
		}},
		[]usage{{30, "2026-10-25T00:00:00Z"}},
		"free 10-01 200 30 170 0 0, free 11-01 220 0 220 0 0",
	},
	{
		"revoked, it is given no more",
		nil,
		[]given{{credits: "50", at: october, priority: 40, every: "week", revoked: "2026-10-10T00:00:00Z"}},
		[]usage{{30, "2026-10-09T00:00:00Z"}},
		"free 10-01 130 30 100 0 0, free 11-01 100 0 100 0 0",
	},
	{
		"of equal priority, the sooner to expire goes first",
		nil,
		[]given{
			{credits: "50", at: october, priority: 100},
			{credits: "50", at: october, expires: "2026-10-20T00:00:00Z", priority: 100},
		},
		[]usage{{120, "2026-10-05T00:00:00Z"}},
		"free 10-01 170 120 50 0 0, free 11-01 150 0 150 0 0",
	},
	{
		"priority goes before expiry, and before the allowance",
		nil,
		[]given{
			{credits: "50", at: october, priority: 49},
			{credits: "50", at: october, expires: "2026-10-20T00:00:00Z", priority: 51},
		},
		[]usage{{120, "2026-10-05T00:00:00Z"}},
		"free 10-01 150 120 30 0 0, free 11-01 100 0 100 0 0",
	},
	{
		"a grant that starts when another expires does not save it",
		nil,
		[]given{
			{credits: "10", at: october, expires: "2026-10-20T00:00:00Z", priority: 1},
			{credits: "5", at: "2026-10-20T00:00:00Z", priority: 1},
		},
		[]usage{{4, "2026-10-19T00:00:00Z"}, {104, "2026-10-20T00:00:00Z"}},
		"free 10-01 109 108 1 0 0, free 11-01 100 0 100 0 0",
	},
	{
		"an upgrade keeps grants and takes the allowance",
		[]change{{"pro", "2026-10-10T00:00:00Z"}},
		[]given{{credits: "30", at: "2026-10-05T00:00:00Z", priority: 100}},
		[]usage{{120, "2026-10-06T00:00:00Z"}, {5, "2026-10-10T00:00:00Z"}},
		"free 10-01 130 120 10 0 0, pro 10-10 1010 5 1005 0 0, pro 11-10 1010 0 1010 0 0",
	},
	{
		"a downgrade waits for the period's end and keeps grants",
		[]change{{"pro", "2026-10-05T00:00:00Z"}, {"roll", "2026-10-20T00:00:00Z"}},
		[]given{{credits: "30", at: "2026-10-05T00:00:00Z", priority: 100}},
		[]usage{{1010, "2026-11-04T23:59:59.999999999Z"}, {201, "2026-11-05T00:00:00Z"}},
		"pro 10-05 1030 1010 20 0 0, roll 11-05 220 201 19 0 0",
	},
	{
		"cancelled at once, a calendar period with the default allowance follows",
		[]change{{"pro", "2026-10-05T00:00:00Z"}, {"", "2026-10-20T00:00:00Z"}},
		[]given{{credits: "30", at: "2026-10-20T00:00:00Z", priority: 100}},
		[]usage{{1010, "2026-10-19T23:59:59.999999999Z"}, {110, "2026-10-20T00:00:00Z"}},
		"pro 10-05 1000 1010 -10 10 0, free 10-20 130 110 20 0 0, free 11-01 120 0 120 0 0",
	},
	{
		"without limit nothing is taken from grants",
		[]change{{"boundless", october}, {"", november}},
		[]given{{credits: "10", at: october, priority: 1}},
		[]usage{{500, "2026-10-05T00:00:00Z"}},
		"boundless 10-01 0 500 0 0 0, free 11-01 110 0 110 0 0",
	},
	{
		"rollover goes first, the newest of it stays within the most",
		[]change{{"roll", october}},
		nil,
		[]usage{{100, "2026-10-05T00:00:00Z"}, {50, "2026-11-05T00:00:00Z"}, {340, "2026-12-05T00:00:00Z"}},
		"roll 10-01 200 100 100 0 0, roll 11-01 300 50 250 0 0, roll 12-01 350 340 10 0 0, roll 01-01 210 0 210 0 0",
	},
	{
		"rollover lapses after its periods",
		[]change{{"short", october}},
		nil,
		[]usage{{1, "2026-11-05T00:00:00Z"}},
		"short 11-01 400 1 399 0 0, short 01-01 400 0 400 0 0",
	},
	{
		"rollover of months before the first event",
		[]change{{"roll", "2026-07-01T00:00:00Z"}},
		nil,
		[]usage{{1, "2026-10-05T00:00:00Z"}},
		"roll 10-01 350 1 349 0 0, roll 01-01 350 0 350 0 0",
	},
	{
		"rollover is lost with a change of product",
		[]change{{"roll", "2026-09-01T00:00:00Z"}, {"rollmore", "2026-10-20T00:00:00Z"}},
		nil,
		[]usage{{160, "2026-10-05T00:00:00Z"}, {5, "2026-10-25T00:00:00Z"}},
		"roll 10-01 350 160 190 0 0, rollmore 10-20 500 5 495 0 0, rollmore 12-20 650 0 650 0 0",
	},
	{
		"a grant of priority 10 that expires before the rollover goes before it",
		[]change{{"roll", october}},
		[]given{{credits: "30", at: november, expires: "2026-12-15T00:00:00Z", priority: 10}},
		[]usage{{100, "2026-10-05T00:00:00Z"}, {20, "2026-11-05T00:00:00Z"}, {400, "2026-12-05T00:00:00Z"}},
		"roll 10-01 200 100 100 0 0, roll 11-01 330 20 310 0 0, roll 12-01 360 400 -40 0 40, roll 01-01 200 0 200 0 0",
	},
}

// TestGrantsAndRollover gives each case a customer of its own.
func TestGrantsAndRollover(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, granting)
	var events []usagetest.Event
	for _, test := range carryCases {
		for _, p := range test.products {
			asked := subscription.Change{
				CustomerID: test.name, Product: p.id, At: instant(p.at), Now: p.id == "", Catalog: catalog,
			}
			_, err := subscription.Attach(context.Background(), s.Warehouse, asked, time.Now())
			s.must(err)
		}
		for _, g := range test.grants {
			s.grant(catalog, test.name, g)
		}
		for _, u := range test.usage {
			events = append(events, use(test.name, u.at, "m", u.tokens))
		}
	}
	s.load(events...)
	for _, from := range []string{"raw events", "the rollup"} {
		rows := map[string][]string{}
		asOf := map[bool]string{true: "2027-01-15T00:00:00Z", false: "2026-11-15T00:00:00Z"}
		for _, test := range carryCases {
			late := strings.Contains(test.want, "01-01") || strings.Contains(test.want, "12-20")
			for _, b := range s.replay(catalog, asOf[late]) {
				if b.CustomerID == test.name {
					rows[test.name] = append(rows[test.name], strings.Join([]string{
						b.Product, b.Period.Start.Format("01-02"), b.Granted.String(), b.Used.String(), b.Balance.String(),
						b.Billable.String(), b.Capped.String(),
					}, " "))
				}
			}
			if got := strings.Join(rows[test.name], ", "); got != test.want {
				t.Errorf("%s, from %s:\n%s, want\n%s", test.name, from, got, test.want)
			}
		}
		s.must(s.aggregator().RollUp(context.Background(), catalog))
	}
}

// TestGrantsOfAnotherSystem holds that usage the product has no credits for draws on grants, and the rest is capped.
func TestGrantsOfAnotherSystem(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, granting)
	s.grant(catalog, "a", given{credits: "25", at: "2026-10-02T00:00:00Z", priority: 100, system: "pictures"})
	s.grant(catalog, "b", given{credits: "0.5", at: "2026-09-02T00:00:00Z", priority: 100, system: "pictures"})
	s.load(use("a", "2026-10-05T00:00:00Z", "i", 4), use("a", "2026-10-05T00:00:00Z", "m", 1))
	s.run(catalog, "2026-10-06T00:00:00Z")
	const october = " 2026-10-01T00:00:00Z 2026-11-01T00:00:00Z"
	want := strings.Join([]string{
		"a free credits" + october + " granted 100 used 1 balance 99 billable 0 capped 0",
		"a free pictures" + october + " granted 25 used 40 balance -15 billable 0 capped 15",
		"b free credits" + october + " granted 100 used 0 balance 100 billable 0 capped 0",
		"b free pictures" + october + " granted 0.5 used 0 balance 0.5 billable 0 capped 0",
	}, "\n")
	current, err := s.aggregator().Balances(context.Background(), nil)
	s.must(err)
	if got := figures(current.Balances); got != want {
		t.Errorf("stored\n%s, want\n%s", got, want)
	}
}

// TestEntitledWithGrants asks before and after a top-up, of the stored run and of a computation.
func TestEntitledWithGrants(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, granting)
	const october = "2026-10-01T00:00:00Z"
	s.attach(catalog, "capped", "capped", october)
	s.attach(catalog, "pro", "pro", october)
	s.load(use("capped", "2026-10-05T00:00:00Z", "m", 100), use("pro", "2026-10-05T00:00:00Z", "m", 1100))
	s.grant(catalog, "capped", given{credits: "50", at: "2026-10-10T00:00:00Z", priority: 100})
	s.grant(catalog, "new", given{
		credits: "50", at: "2026-10-10T00:00:00Z", expires: "2026-10-11T00:00:00Z", priority: 100,
	})
	s.grant(catalog, "painter", given{credits: "50", at: october, priority: 100, system: "pictures"})
	tests := []struct {
		at, customer, feature string
		required              int64
		allowed               bool
		reason                string
	}{
		{"2026-10-09T23:59:59.999999999Z", "capped", "m", 1, false, "hard cap"},
		{"2026-10-10T00:00:00Z", "capped", "m", 50, true, ""},
		{"2026-10-10T00:00:00Z", "capped", "m", 51, false, "51 credits needed, 50 left"},
		{"2026-10-10T00:00:00Z", "new", "m", 150, true, ""},
		{"2026-10-10T00:00:00Z", "new", "m", 151, false, "150 left"},
		{"2026-10-11T00:00:00Z", "new", "m", 101, false, "100 left"},
		{"2026-10-11T00:00:00Z", "pro", "m", 1_000_000, true, ""},
		{"2026-10-11T00:00:00Z", "pro", "i", 1, false, "no credits of pictures"},
		{"2026-10-11T00:00:00Z", "painter", "i", 5, true, ""},
		{"2026-10-11T00:00:00Z", "painter", "i", 6, false, "60 credits needed, 50 left"},
	}
	for _, test := range tests {
		s.run(catalog, test.at)
		for _, at := range []time.Time{{}, instant(test.at)} {
			answer, err := s.aggregator().Entitled(context.Background(), EntitledQuery{
				CustomerID: test.customer, Feature: test.feature, Required: decimal.NewFromInt(test.required), AsOf: at,
				Catalog: catalog,
			})
			s.must(err)
			if answer.Allowed != test.allowed || !strings.Contains(answer.Reason, test.reason) {
				t.Errorf("%+v: allowed %v, %s", test, answer.Allowed, answer.Reason)
			}
		}
	}
}

// TestRolloverOfTheDefaultProduct holds that a customer has nothing to carry over from before it existed.
func TestRolloverOfTheDefaultProduct(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, strings.Replace(granting, "included: 100, every: month}}",
		"included: 100, every: month, rollover: {max: 500, periods: 2}}}", 1))
	s.load(use("early", "2026-10-05T00:00:00Z", "m", 30), use("late", "2026-11-05T00:00:00Z", "m", 20))
	s.grant(catalog, "granted", given{credits: "1", at: "2026-10-31T23:59:59Z", priority: 100})
	var got []string
	for _, b := range s.replay(catalog, "2026-12-05T00:00:00Z") {
		got = append(got, b.CustomerID+" "+b.Period.Start.Format("01-02")+" "+b.Granted.String())
	}
	want := "early 10-01 100, early 12-01 270, granted 12-01 301, late 11-01 100, late 12-01 180"
	if strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
}
