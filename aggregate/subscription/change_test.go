package subscription

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

const ladder = `
currency: usd
timezone: Europe/Berlin
features: [{id: tokens, models: [m]}]
credit_systems: [{id: credits, name: Credits, costs: [{effective: 2026-01-01, per_token: {tokens: 1}}]}]
products:
  - {id: free, name: Free, default: true, credits: {system: credits, included: 10, every: month}}
  - {id: small, price: {amount: "10", every: month}, credits: {system: credits, included: 100, every: month}}
  - {id: big, price: {amount: "120", every: year}, credits: {system: credits, included: 200, every: month}}
  - {id: huge, price: {amount: "30", every: month}, credits: {system: credits, included: 300, every: month}}
  - {id: forever, price: {amount: "99", every: month}, credits: {system: credits, included: 1, every: once}}
`

// timetable writes subscriptions as the tests compare them.
func timetable(subscriptions []Subscription) string {
	var parts []string
	for _, s := range subscriptions {
		part := s.Product + " " + s.StartsAt.Format("01-02T15:04") + "/"
		if !s.EndsAt.IsZero() {
			part += s.EndsAt.Format("01-02T15:04")
		}
		if !s.Anchor.Equal(s.StartsAt) {
			part += " anchor " + s.Anchor.Format("01-02T15:04")
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func TestChanges(t *testing.T) {
	tests := []struct {
		name  string
		steps []string // product at time; "cancel" and "cancel!" (at once)
		want  string
		at    string // when the last step takes effect
	}{
		{"first product", []string{"small 2026-10-10T09:00:00Z"}, "small 10-10T09:00/", "2026-10-10T09:00:00Z"},
		{
			"dearer at once",
			[]string{"small 2026-10-10T09:00:00Z", "huge 2026-10-20T00:00:00Z"},
			"small 10-10T09:00/10-20T00:00, huge 10-20T00:00/", "2026-10-20T00:00:00Z",
		},
		{
			"same price per month at once",
			[]string{"small 2026-10-10T09:00:00Z", "big 2026-10-20T00:00:00Z"},
			"small 10-10T09:00/10-20T00:00, big 10-20T00:00/", "2026-10-20T00:00:00Z",
		},
		{
			"cheaper at the period's end, an hour later by UTC after the clock went back",
			[]string{"huge 2026-10-10T09:00:00Z", "small 2026-10-20T00:00:00Z"},
			"huge 10-10T09:00/11-10T10:00, small 11-10T10:00/ anchor 10-10T09:00", "2026-11-10T10:00:00Z",
		},
		{
			"cheaper at the instant a period begins waits for its end",
			[]string{"huge 2026-10-10T09:00:00Z", "small 2026-11-10T10:00:00Z"},
			"huge 10-10T09:00/12-10T10:00, small 12-10T10:00/ anchor 10-10T09:00", "2026-12-10T10:00:00Z",
		},
		{
			"held product changes nothing",
			[]string{"small 2026-10-10T09:00:00Z", "small 2026-10-20T00:00:00Z"},
			"small 10-10T09:00/", "2026-10-10T09:00:00Z",
		},
		{
			"held product undoes a downgrade",
			[]string{"huge 2026-10-10T09:00:00Z", "small 2026-10-20T00:00:00Z", "huge 2026-10-21T00:00:00Z"},
			"huge 10-10T09:00/", "2026-10-10T09:00:00Z",
		},
		{
			"second downgrade replaces the first",
			[]string{"huge 2026-10-10T09:00:00Z", "small 2026-10-20T00:00:00Z", "big 2026-10-21T00:00:00Z"},
			"huge 10-10T09:00/11-10T10:00, big 11-10T10:00/ anchor 10-10T09:00", "2026-11-10T10:00:00Z",
		},
		{
			"the same downgrade twice",
			[]string{"huge 2026-10-10T09:00:00Z", "small 2026-10-20T00:00:00Z", "small 2026-10-21T00:00:00Z"},
			"huge 10-10T09:00/11-10T10:00, small 11-10T10:00/ anchor 10-10T09:00", "2026-11-10T10:00:00Z",
		},
		{
			"dearer replaces a downgrade",
			[]string{"small 2026-10-10T09:00:00Z", "cancel 2026-10-20T00:00:00Z", "huge 2026-10-21T00:00:00Z"},
			"small 10-10T09:00/10-21T00:00, huge 10-21T00:00/", "2026-10-21T00:00:00Z",
		},
		{
			"dearer at the instant of the start",
			[]string{"small 2026-10-10T09:00:00Z", "huge 2026-10-10T09:00:00Z"},
			"huge 10-10T09:00/", "2026-10-10T09:00:00Z",
		},
		{
			"cancel",
			[]string{"small 2026-10-10T09:00:00Z", "cancel 2026-10-20T00:00:00Z"},
			"small 10-10T09:00/11-10T10:00", "2026-11-10T10:00:00Z",
		},
		{
			"cancel twice",
			[]string{"small 2026-10-10T09:00:00Z", "cancel 2026-10-20T00:00:00Z", "cancel 2026-10-21T00:00:00Z"},
			"small 10-10T09:00/11-10T10:00", "2026-11-10T10:00:00Z",
		},
		{
			"cancel at once",
			[]string{"small 2026-10-10T09:00:00Z", "cancel! 2026-10-20T00:00:00Z"},
			"small 10-10T09:00/10-20T00:00", "2026-10-20T00:00:00Z",
		},
		{
			"the default product is a cancel",
			[]string{"small 2026-10-10T09:00:00Z", "free 2026-10-20T00:00:00Z"},
			"small 10-10T09:00/11-10T10:00", "2026-11-10T10:00:00Z",
		},
		{
			"cancel takes a pending downgrade back",
			[]string{"huge 2026-10-10T09:00:00Z", "small 2026-10-20T00:00:00Z", "cancel 2026-10-21T00:00:00Z"},
			"huge 10-10T09:00/11-10T10:00", "2026-11-10T10:00:00Z",
		},
		{"again after a cancel", []string{
			"small 2026-10-10T09:00:00Z", "cancel! 2026-10-20T00:00:00Z",
			"small 2026-10-25T00:00:00Z",
		}, "small 10-10T09:00/10-20T00:00, small 10-25T00:00/", "2026-10-25T00:00:00Z"},
		{
			"replaces an upgrade for a later time",
			[]string{"small 2026-10-10T09:00:00Z", "huge 2026-11-01T00:00:00Z", "cancel 2026-10-20T00:00:00Z"},
			"small 10-10T09:00/11-10T10:00", "2026-11-10T10:00:00Z",
		},
		{
			"reaches back as given",
			[]string{"small 2026-10-10T09:00:00Z", "huge 2026-10-10T09:30:00Z"},
			"small 10-10T09:00/10-10T09:30, huge 10-10T09:30/", "2026-10-10T09:30:00Z",
		},
	}
	s := newStore(t)
	catalog := mustCatalog(t, ladder)
	for _, test := range tests {
		var last ChangeResult
		for _, step := range test.steps {
			product, at, _ := strings.Cut(step, " ")
			change := Change{CustomerID: test.name, Product: product, At: instant(at), Catalog: catalog}
			if strings.HasPrefix(product, "cancel") {
				change.Product, change.Now = "", product == "cancel!"
			}
			var err error
			last, err = Attach(context.Background(), s.Warehouse, change, time.Now())
			s.must(err)
		}
		held, err := Of(context.Background(), s.Warehouse, []string{test.name})
		s.must(err)
		if got := timetable(held); got != test.want || !last.EffectiveAt.Equal(instant(test.at)) {
			t.Errorf("%s: %s, effective %s, want %s", test.name, got, last.EffectiveAt, test.want)
		}
	}
}

func TestChangesThatAreRefused(t *testing.T) {
	catalog := mustCatalog(t, ladder)
	imported := []Subscription{{Product: "small", StartsAt: instant("2026-12-01T00:00:00Z"), Origin: OriginImport}}
	endless := []Subscription{{Product: "forever", StartsAt: instant("2026-10-01T00:00:00Z"), Origin: OriginAttach}}
	tests := []struct {
		name    string
		held    []Subscription
		product string
		want    string
	}{
		{"unknown product", nil, "medium", `unknown product "medium"; the catalog has free, small, big, huge, forever`},
		{"before an import", imported, "big", "small from 2026-12-01T00:00:00Z by import"},
		{"end of what never ends", endless, "free", "cancel --now"},
	}
	for _, test := range tests {
		change := Change{CustomerID: "c", Product: test.product, At: instant("2026-10-10T00:00:00Z"), Catalog: catalog}
		_, _, err := change.plan(test.held)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	change := Change{Product: "medium", Catalog: catalog}
	if _, _, err := change.plan(nil); !errors.Is(err, ErrUnknownProduct) {
		t.Errorf("unknown product: %v", err)
	}
}
