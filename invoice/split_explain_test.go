package invoice

import (
	"context"
	"fmt"
	"testing"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// TestExplainParts: each part of a charge above Stripe's limit is explained by the whole, in the preview and once
// posted; a line whose share is nothing is in it, too.
func TestExplainParts(t *testing.T) {
	s := newShop(t, false)
	s.load("2026-10-06T10:00:00Z", "large-model", 50_000_000)
	s.load("2026-10-07T10:00:00Z", "small-model", 1)
	held := s.plan().Charges[0]
	_, err := s.runner("run_release").Release(context.Background(), s.plan(), Release{ChargeID: held.ID})
	s.must(err)
	parts := s.plan().Charges
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	for _, frozen := range []bool{false, true} {
		for _, part := range parts {
			e, err := s.explain(part.ID)
			s.must(err)
			if e.ID != part.ID || e.Frozen != frozen || len(e.Parts) != 3 || e.AmountMinor != held.AmountMinor ||
				len(e.Lines) != 3 || e.Granted.String() != "10000" || !e.AmountExact.Equal(held.AmountExact) {
				t.Fatalf("%s%+v", outline(e), e)
			}
		}
		if !frozen {
			s.post("run_parts")
		}
	}
	// Usage that comes later is an adjustment of all three.
	s.load("2026-10-20T10:00:00Z", "medium-model", 100)
	charges := s.plan().Charges
	e, err := s.explain(charges[len(charges)-1].ID)
	s.must(err)
	if len(e.Before) != 3 || len(e.Parts) != 0 || e.AmountMinor != 100 || e.TotalMinor != held.AmountMinor+100 {
		t.Fatalf("%+v", e)
	}
}

// TestExplainChangedSince: a posted charge is explained to the last digit although its subscription, the loads and the
// balances are others now.
func TestExplainChangedSince(t *testing.T) {
	s := newShop(t, true)
	charge := s.plan().Charges[0]
	s.post("run_1")
	ctx := context.Background()
	stored, err := subscription.All(ctx, s.w)
	s.must(err)
	stored[0].EndsAt = utc("2026-10-10T00:00:00Z")
	s.must(subscription.StoreSync(ctx, s.w, subscription.Sync{Subscriptions: stored}, utc("2026-11-03T00:00:00Z")))
	s.must(s.w.Conn().Exec(ctx, "INSERT INTO loads SELECT * REPLACE (2 AS revision, 'withdrawn' AS status) "+
		"FROM loads FINAL WHERE load_seq = 1"))
	s.load("2026-10-21T10:00:00Z", "large-model", 5)
	e, err := s.explain(charge.ID)
	s.must(err)
	if e.Granted == nil || e.Granted.String() != "10000" || e.Overage.String() != "10000" || e.PerCredit == nil ||
		fmt.Sprint(e.Loads[0].Status) != "withdrawn" || e.TotalMinor != 10000 {
		t.Fatalf("%s%+v", outline(e), e)
	}
}
