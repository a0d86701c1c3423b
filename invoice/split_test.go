package invoice

import (
	"context"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/plan"
)

// TestSplitIsCollected: every part of a very large charge is paid or open, none is left a draft by Stripe's limits,
// and a second post sends nothing.
func TestSplitIsCollected(t *testing.T) {
	s := newShopOf(t, false, seedCatalog(t), "2026-10-01T00:00:00Z")
	s.load("2026-10-05T10:00:00Z", "medium-model", 2_500_010_001)
	held := s.plan().Charges[0]
	_, err := s.runner("run_release").Release(context.Background(), s.plan(), Release{ChargeID: held.ID})
	s.must(err)
	for _, status := range []string{plan.StatusPosted, plan.StatusAlreadyPosted} {
		reports := s.post("run_" + status)
		var sum int64
		for _, report := range reports {
			sum += report.AmountMinor
			if report.Status != status || report.AmountMinor > plan.MaxPartMinor || report.AmountMinor < plan.MaxPartMinor/2 {
				t.Fatalf("%+v", report)
			}
		}
		if len(reports) != 26 || sum != 2_500_000_001 {
			t.Fatalf("%d parts come to %d", len(reports), sum)
		}
	}
	var billed int64
	for _, bill := range s.fake.Invoices() {
		billed += bill.AmountDue
		if bill.Status != "open" && bill.Status != "paid" {
			t.Fatalf("invoice %s is %s", bill.ID, bill.Status)
		}
	}
	if billed != 2_500_000_001 {
		t.Fatalf("%d are due", billed)
	}
}

// TestSplitReachesNobody: the parts of a large charge have invoices of their own also where the customer has a running
// subscription. Where none of those reaches it, the preview holds what post would hold.
func TestSplitReachesNobody(t *testing.T) {
	s := newShopOf(t, true, seedCatalog(t), "2026-10-01T00:00:00Z")
	s.load("2026-10-05T10:00:00Z", "medium-model", 250_010_000)
	release := func() {
		_, err := s.runner("run_release").Release(context.Background(), s.plan(), Release{ChargeID: s.plan().Charges[0].ID})
		s.must(err)
	}
	release()
	if charges := s.plan().Charges; len(charges) != 3 || charges[0].Status != plan.StatusReady {
		t.Fatalf("before anything was seen: %+v", charges)
	}
	before := s.posts()
	for _, report := range s.post("run_1") {
		if report.Status != plan.StatusHeld || !strings.Contains(report.Reason, "no e-mail address") {
			t.Fatalf("%+v", report)
		}
	}
	s.wantSeen(plan.StatusHeld, "no running subscription, no payment method and no e-mail address")
	s.sync()
	s.wantSeen(plan.StatusHeld, "no e-mail address")
	if s.posts() != before {
		t.Fatalf("%d requests were sent", s.posts()-before)
	}
	s.fake.SetEmail("cus_1", "billing@example.com")
	s.sync()
	if charges := s.plan().Charges; len(charges) != 3 || charges[2].Status != plan.StatusReady {
		t.Fatalf("%+v", charges)
	}
	for _, report := range s.post("run_2") {
		if report.Status != plan.StatusPosted {
			t.Fatalf("%+v", report)
		}
	}
}
