package subscription

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

const withAddOns = ladder + `
  - {id: extra, add_on: true, credits: {system: credits, included: 50, every: month}}
  - {id: boost, add_on: true, credits: {system: credits, included: 5, every: week}}
`

// TestAttachAddOn: an add-on begins, ends and is taken up again beside the product, which stays as it is.
func TestAttachAddOn(t *testing.T) {
	s := newStore(t)
	catalog := mustCatalog(t, withAddOns)
	s.attach(catalog, "a", "big", "2026-10-01T10:00:00Z")
	s.attach(catalog, "a", "extra", "2026-10-05T10:00:00Z")
	s.attach(catalog, "a", "boost", "2026-10-06T10:00:00Z")
	s.attach(catalog, "a", "extra", "2026-10-07T10:00:00Z")
	cancel := func(product, at string, now bool) error {
		_, err := Attach(context.Background(), s.Warehouse, Change{
			CustomerID: "a", Product: product, Cancel: true, Now: now, At: instant(at), Catalog: catalog,
		}, time.Now())
		return err
	}
	s.must(cancel("extra", "2026-10-20T10:00:00Z", false))
	s.must(cancel("boost", "2026-10-21T10:00:00Z", true))
	if err := cancel("boost", "2026-10-22T10:00:00Z", false); !errors.Is(err, errNotHeld) {
		t.Errorf("cancelled twice: %v", err)
	}
	held, err := All(context.Background(), s.Warehouse)
	s.must(err)
	want := "big 10-01T10:00/, extra 10-05T10:00/11-05T11:00, boost 10-06T10:00/10-21T10:00"
	if got := timetable(held); got != want {
		t.Errorf("subscriptions %s, want %s", got, want)
	}
	customers, err := Customers(context.Background(), s.Warehouse, catalog, instant("2026-10-20T00:00:00Z"))
	s.must(err)
	if c := customers[0]; c.Product != "big" || !slices.Equal(c.AddOns, []string{"boost", "extra"}) {
		t.Errorf("%+v", c)
	}
	s.attach(catalog, "a", "extra", "2026-10-25T10:00:00Z")
	held, err = All(context.Background(), s.Warehouse)
	s.must(err)
	if got := timetable(held[1:2]); got != "extra 10-05T10:00/" {
		t.Errorf("taken up again: %s", got)
	}
}

// TestKeepAddOns: a closed stretch keeps the credits that an add-on gave, and the whole of them where it is gone.
func TestKeepAddOns(t *testing.T) {
	october := schemas.Period{Start: instant("2026-10-01T00:00:00Z"), End: instant("2026-11-01T00:00:00Z")}
	s := Subscription{
		CustomerID: "a", Product: "extra", StartsAt: instant("2026-10-10T00:00:00Z"), Anchor: instant("2026-10-10T00:00:00Z"),
	}
	catalog := mustCatalog(t, withAddOns)
	before := Given(nil, []Subscription{s}, catalog, october.End)
	closed := Span{Period: october}.Close("a", catalog, before)
	closed.Catalog = catalog
	kept := func(now []Grant) Grant {
		t.Helper()
		all := KeepAddOns("a", now, []*Closed{&closed})
		if len(all) != 1 {
			t.Fatalf("%+v", all)
		}
		return all[0].AfterClosed(&closed)
	}
	dearer := slices.Clone(before)
	dearer[0].Credits = credits("70")
	dearer[0].ID = addOnID("extra", dearer[0])
	got := kept(dearer)
	if !got.Credits.Equal(credits("50")) || !got.StartsAt.Equal(s.StartsAt) || !got.RevokedAt.IsZero() {
		t.Errorf("other credits: %+v", got)
	}
	if got = kept(nil); !got.Credits.Equal(credits("50")) || !got.RevokedAt.Equal(october.End) {
		t.Errorf("gone: %+v", got)
	}
	s.EndsAt = instant("2026-10-20T00:00:00Z")
	if got = kept(Given(nil, []Subscription{s}, catalog, october.End)); !got.RevokedAt.Equal(october.End) {
		t.Errorf("cancelled for closed time: %+v", got)
	}
}
