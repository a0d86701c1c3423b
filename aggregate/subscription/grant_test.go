package subscription

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
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
`

func TestAddGrant(t *testing.T) {
	s := newStore(t)
	ctx := context.Background()
	catalog := mustCatalog(t, granting)
	grant := Grant{
		CustomerID: "a", Credits: credits("5.50"), StartsAt: instant("2026-10-01T00:00:00Z"), Reason: "it's \\ one",
	}
	add := func(change func(*Grant)) (Grant, bool, error) {
		changed := grant
		change(&changed)
		return AddGrant(ctx, s.Warehouse, catalog, changed, time.Now())
	}
	first, added, err := add(func(*Grant) {})
	if err != nil || !added || first.CreditSystem != "credits" || !strings.HasPrefix(first.ID, "gr_") {
		t.Fatalf("%+v, %v, %v", first, added, err)
	}
	again, added, err := add(func(g *Grant) { g.Credits = credits("5.5"); g.CreditSystem = "credits" })
	if err != nil || added || again.ID != first.ID || !again.Credits.Equal(first.Credits) {
		t.Errorf("again: %+v, %v, %v", again, added, err)
	}
	if _, added, err = add(func(g *Grant) { g.ID = "mine" }); err != nil || !added {
		t.Errorf("another id: %v, %v", added, err)
	}
	_, _, err = add(func(g *Grant) { g.ID, g.Credits = "mine", credits("6") })
	if !errors.Is(err, ErrGrantDiffers) {
		t.Errorf("an id used twice: %v", err)
	}
	wrong := map[string]func(*Grant){
		"above zero":             func(g *Grant) { g.Credits = decimal.Zero },
		"expire after":           func(g *Grant) { g.ExpiresAt = g.StartsAt },
		"unknown credit system":  func(g *Grant) { g.CreditSystem = "picture" },
		"from 2000 on":           func(g *Grant) { g.StartsAt = instant("1999-12-31T23:59:59Z") },
		"id must be at most":     func(g *Grant) { g.ID = strings.Repeat("x", 257) },
		"reason must be at most": func(g *Grant) { g.Reason = strings.Repeat("x", 1001) },
		"digits":                 func(g *Grant) { g.Credits = credits("0.0000000000000000001") },
	}
	for message, change := range wrong {
		if _, _, err := add(change); !errors.Is(err, ErrInvalidGrant) || !strings.Contains(err.Error(), message) {
			t.Errorf("want %q, have %v", message, err)
		}
	}
	stored, err := Grants(ctx, s.Warehouse, []string{"a"})
	if err != nil || len(stored) != 2 {
		t.Errorf("stored %+v, %v", stored, err)
	}
}
