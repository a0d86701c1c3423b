package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
)

// wordedCatalog has a product without words of its own and one with them.
const wordedCatalog = `currency: usd
timezone: Europe/Berlin
features: [{id: chat, models: [m]}, {id: search, models: [n]}]
credit_systems: [{id: c, name: AI tokens, costs: [{effective: 2026-01-01, per_token: {chat: 1, search: 1}}]}]
products:
  - {id: free, default: true, credits: {system: c, included: 5, every: month}}
  - {id: pro, name: Pro plan, credits: {system: c, included: 5, every: month}}
  - id: team
    line_template: "{product}/{customer}: {credits} {unit} for {feature}, {period_start} to {period_end}"
    adjustment_template: "Later: {credits} {unit}, {period}"
    metadata: {cost_center: "4711", order: A-1}
    credits: {system: c, included: 5, every: month}
`

// TestLineOfCharge: what a customer reads on the invoice.
func TestLineOfCharge(t *testing.T) {
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(wordedCatalog))
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	for _, test := range []struct{ name, product, kind, credits, start, end, want string }{
		{
			"a month", "pro", plan.KindOverage, "10000", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z",
			"Pro plan: 10,000 credits over the allowance, 1–31 Oct 2026",
		},
		{
			"one credit of an anchored month", "pro", plan.KindOverage, "1", "2026-10-14T22:00:00Z", "2026-11-14T23:00:00Z",
			"Pro plan: 1 credit over the allowance, 15 Oct–14 Nov 2026",
		},
		{
			"over the end of a year", "pro", plan.KindOverage, "1234567.5", "2026-12-14T23:00:00Z", "2027-01-14T23:00:00Z",
			"Pro plan: 1,234,567.5 credits over the allowance, 15 Dec 2026–14 Jan 2027",
		},
		{
			"a day on which the clocks change", "pro", plan.KindOverage, "2", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z",
			"Pro plan: 2 credits over the allowance, 29 Mar 2026",
		},
		{
			"an hour", "pro", plan.KindOverage, "2", "2026-10-05T11:00:00Z", "2026-10-05T12:00:00Z",
			"Pro plan: 2 credits over the allowance, 5 Oct 2026, 13:00–14:00",
		},
		{
			"a month from noon to noon", "pro", plan.KindOverage, "2", "2026-10-03T10:00:00Z", "2026-11-03T11:00:00Z",
			"Pro plan: 2 credits over the allowance, 3 Oct–3 Nov 2026",
		},
		{
			"an adjustment", "pro", plan.KindAdjustment, "-5", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z",
			"Pro plan: adjustment for 1–31 Oct 2026",
		},
		{
			"in words of its own", "team", plan.KindOverage, "10000", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z",
			"team/acme: 10,000 AI tokens for chat, search, 2026-10-01 to 2026-10-31",
		},
		{
			"an adjustment in words of its own", "team", plan.KindAdjustment, "-5000", "2026-09-30T22:00:00Z",
			"2026-10-31T23:00:00Z", "Later: -5,000 AI tokens, 1–31 Oct 2026",
		},
		{
			"a product that is gone", "gone", plan.KindOverage, "3", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z",
			"gone: 3 credits over the allowance, 1–31 Oct 2026",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			charge := plan.Charge{
				CustomerID: "acme", Product: test.product, CreditSystem: "c", Kind: test.kind,
				BilledCredits: decimal.RequireFromString(test.credits), PeriodStart: at(t, test.start), PeriodEnd: at(t, test.end),
				Lines: []plan.Line{{FeatureID: "chat"}, {FeatureID: "search"}},
			}
			if got := (plan.Wording{Catalog: catalog}).Line(charge); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestMetadataOfCharge: a product's metadata is added to ours and never takes its place.
func TestMetadataOfCharge(t *testing.T) {
	catalog, _ := schemas.ParseCatalog("catalog.yaml", []byte(wordedCatalog))
	words := plan.Wording{Catalog: catalog}
	got := words.Metadata(plan.Charge{Product: "team"}, map[string]string{"charge_id": "oc_1", "order": "ours"})
	if len(got) != 3 || got["cost_center"] != "4711" || got["order"] != "ours" || got["charge_id"] != "oc_1" {
		t.Errorf("%v", got)
	}
	if again := words.Metadata(plan.Charge{Product: "team"}, nil); again["order"] != "A-1" {
		t.Errorf("the catalog's metadata was changed: %v", again)
	}
	if got := words.Metadata(plan.Charge{Product: "pro"}, map[string]string{"charge_id": "oc_1"}); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// TestShorten cuts between characters.
func TestShorten(t *testing.T) {
	if got := plan.Shorten(strings.Repeat("é", 1501), 1500); got != strings.Repeat("é", 1499)+"…" {
		t.Errorf("%d bytes", len(got))
	}
	if got := plan.Shorten("é", 1); got != "é" {
		t.Error(got)
	}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return instant
}
