package invoice

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestSplit: a released amount above Stripe's limit is in parts that are within it and add up, each with an id of its
// own and an invoice of its own; the first has the id that was released.
func TestSplit(t *testing.T) {
	catalog := seedCatalog(t)
	// 10,000 are included; 250,000,001 credits of two features beyond are $2,500,000.01.
	in := seedInputs(t, proOctober(catalog, "acme", "0", "125010001", "125000000"))
	held := mustPlan(t, in).Charges
	if len(held) != 1 || held[0].Status != StatusHeld || held[0].AmountMinor != 250000001 {
		t.Fatalf("%+v", held)
	}
	in.Releases = releases{held[0].ID: {250000001}}
	parts := mustPlan(t, in).Charges
	var sum int64
	exact := number("0")
	ids, perFeature := map[string]bool{}, map[string]int64{}
	for _, part := range parts {
		if part.AmountMinor > MaxChargeMinor || part.Status != StatusReady || !part.split {
			t.Fatalf("%+v", part)
		}
		sum, exact, ids[part.ID] = sum+part.AmountMinor, exact.Add(part.AmountExact), true
		for _, line := range part.Lines {
			perFeature[line.FeatureID] += line.AmountMinor
		}
	}
	for _, line := range held[0].Lines {
		if perFeature[line.FeatureID] != line.AmountMinor {
			t.Errorf("%s comes to %d in parts, to %d in whole", line.FeatureID, perFeature[line.FeatureID], line.AmountMinor)
		}
	}
	if len(parts) != 3 || len(ids) != 3 || sum != 250000001 || !exact.Equal(held[0].AmountExact) || !ids[held[0].ID] {
		t.Fatalf("%d parts of %d come to %d, exactly %s", len(parts), len(ids), sum, exact)
	}
	if charges := mustPlan(t, Inputs{
		AsOf: in.AsOf, Catalog: in.Catalog, StripeAccount: in.StripeAccount, Periods: in.Periods,
		StripeCustomers: in.StripeCustomers, Frozen: posted(mustPlan(t, in), StatePosted),
	}).Charges; len(charges) != 3 {
		t.Fatalf("once posted, the parts bring %d charges", len(charges))
	}

	b := newBench(t)
	b.fake.SetEmail("cus_1", "billing@example.com")
	for _, part := range parts {
		chosen, reason, err := b.poster("run").choose(context.Background(), part, b.sub, Policy{DaysUntilDue: 30})
		if err != nil || reason != "" || chosen.mode != ModeInvoice {
			t.Fatalf("%+v, %q, %v", chosen, reason, err)
		}
	}
}

// TestBillNow: the subscription's invoice is made at once; a renewal that is faster has the item, and nothing is made.
func TestBillNow(t *testing.T) {
	b := newBench(t)
	charge := b.charge(ModeBillNow, 10000)
	p := b.poster("slow")
	killNth(p, "S10", 0, func() { _, _ = p.post(context.Background(), []FrozenCharge{charge}) })
	b.fake.Advance(32 * 24 * time.Hour)
	if report := b.post("next", charge)[0]; report.Status != StatusPosted {
		t.Fatalf("%+v", report)
	}
	sent := b.posts()
	if report := b.post("again", charge)[0]; report.Status != StatusAlreadyPosted || b.posts() != sent {
		t.Fatalf("%+v", report)
	}
	if len(b.items(charge.ID)) != 1 || b.bill() != "" {
		t.Fatalf("%d items, invoice %q beside the renewal's", len(b.items(charge.ID)), b.bill())
	}
}

// TestSplitIsCollected: every part of a very large charge is paid or open, none is left a draft by Stripe's limits,
// and a second post sends nothing.
func TestSplitIsCollected(t *testing.T) {
	s := newShopOf(t, false, seedCatalog(t), "2026-10-01T00:00:00Z")
	s.load("2026-10-05T10:00:00Z", "medium-model", 2_500_010_001)
	held := s.plan().Charges[0]
	_, err := s.runner("run_release").Release(context.Background(), s.plan(), Release{ChargeID: held.ID})
	s.must(err)
	for _, status := range []string{StatusPosted, StatusAlreadyPosted} {
		reports := s.post("run_" + status)
		var sum int64
		for _, report := range reports {
			sum += report.AmountMinor
			if report.Status != status || report.AmountMinor > MaxPartMinor || report.AmountMinor < MaxPartMinor/2 {
				t.Fatalf("%+v", report)
			}
		}
		if len(reports) != 26 || sum != 2_500_000_001 {
			t.Fatalf("%d parts come to %d", len(reports), sum)
		}
	}
	var billed int64
	for _, bill := range s.fake.Invoices() {
		if billed += bill.AmountDue; bill.Status != "open" && bill.Status != "paid" {
			t.Fatalf("invoice %s is %s", bill.ID, bill.Status)
		}
	}
	if billed != 2_500_000_001 {
		t.Fatalf("%d are due", billed)
	}
}

// TestSplitNearTheLimit: an amount that leaves no room for the base price is in parts; one that does is not.
func TestSplitNearTheLimit(t *testing.T) {
	for amount, parts := range map[string]int{"97000000": 1, "97000001": 2, "99999999": 2} {
		charges := mustPlan(t, seedInputs(t, proOctober(seedCatalog(t), "acme", "0", amount, "10000"))).Charges
		if len(charges) != parts || charges[0].Status != StatusReady {
			t.Errorf("%s is in %d parts, %+v", amount, len(charges), charges[0])
		}
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
	if charges := s.plan().Charges; len(charges) != 3 || charges[0].Status != StatusReady {
		t.Fatalf("before anything was seen: %+v", charges)
	}
	before := s.posts()
	for _, report := range s.post("run_1") {
		if report.Status != StatusHeld || !strings.Contains(report.Reason, "no e-mail address") {
			t.Fatalf("%+v", report)
		}
	}
	s.wantSeen(StatusHeld, "no running subscription, no payment method and no e-mail address")
	s.sync()
	s.wantSeen(StatusHeld, "no e-mail address")
	if s.posts() != before {
		t.Fatalf("%d requests were sent", s.posts()-before)
	}
	s.fake.SetEmail("cus_1", "billing@example.com")
	s.sync()
	if charges := s.plan().Charges; len(charges) != 3 || charges[2].Status != StatusReady {
		t.Fatalf("%+v", charges)
	}
	for _, report := range s.post("run_2") {
		if report.Status != StatusPosted {
			t.Fatalf("%+v", report)
		}
	}
}
