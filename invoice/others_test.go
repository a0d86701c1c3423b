package invoice

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// byHand makes items and invoices of the customer as a person does, with metadata of another kind at most, on a
// subscription that no charge is for.
func (b *bench) byHand(count int, subscription string) {
	b.t.Helper()
	for n := range count {
		item := fmt.Sprintf("customer=cus_1&currency=usd&amount=%d&subscription=%s", n+1, subscription)
		bill := "customer=cus_1&currency=usd&pending_invoice_items_behavior=exclude"
		if n%3 == 1 {
			item += "&metadata[order]=17"
			bill += "&metadata[order]=17"
		}
		b.request("POST", "/v1/invoiceitems", item)
		b.request("POST", "/v1/invoices", bill)
	}
}

// TestItemsByHand: among pages of items and invoices without metadata of ours a charge is found wherever it stands, and
// where it is not it is posted once. None of the others is taken for it.
func TestItemsByHand(t *testing.T) {
	for _, mode := range []string{ModeSubscription, ModeBillNow, ModeInvoice, ModeDraft} {
		for _, newer := range []int{0, 99, 100, 130} {
			b := newBench(t)
			charge := b.charge(mode, 10000)
			other := b.fake.AddSubscription("cus_1", "price_pro", b.clock.now().Add(-24*time.Hour))
			b.byHand(120, other)
			if report := b.post("first", charge)[0]; report.Status != StatusPosted || report.AmountMinor != 10000 {
				t.Fatalf("%s: %+v", mode, report)
			}
			b.byHand(newer, other)
			b.events.truncate(0) // a ledger that knows nothing
			b.clock.advance(48 * time.Hour)
			sent := b.posts()
			report := b.post("second", charge)[0]
			if report.Status != StatusPosted || report.StripeID != b.items(charge.ID)[0].ID || b.posts() != sent {
				t.Fatalf("%s, %d newer ones: %+v, %d requests", mode, newer, report, b.posts()-sent)
			}
			b.assertOnce(charge)
			if items := len(b.fake.Items()); items != 120+newer+1 {
				t.Fatalf("%s: Stripe holds %d items", mode, items)
			}
		}
	}
}

// TestReconcileAmongOthers: what persons bill by hand is none of reconcile's business.
func TestReconcileAmongOthers(t *testing.T) {
	s := newShop(t, true)
	b := &bench{t: t, fake: s.fake}
	subscription := s.fake.Subscriptions()[0].ID
	b.byHand(105, subscription)
	s.post("run_1")
	b.byHand(105, subscription)
	found, err := s.runner("run_2").Reconcile(context.Background())
	s.must(err)
	want := Balance{PlannedMinor: 10000, AckedMinor: 10000, PostedMinor: 10000}
	if found.Counts[ClassMatched] != 1 || len(found.Findings) != 0 || found.Balances["usd"] != want {
		t.Fatalf("%+v", found)
	}
}
