package post

import (
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
)

// TestItemsByHand: among pages of items and invoices without metadata of ours a charge is found wherever it stands, and
// where it is not it is posted once. None of the others is taken for it.
func TestItemsByHand(t *testing.T) {
	for _, mode := range modes {
		for _, newer := range []int{0, 99, 100, 130} {
			b := newBench(t)
			charge := b.charge(mode, 10000)
			other := b.Fake.AddSubscription("cus_1", "price_pro", b.Clock.Now().Add(-24*time.Hour))
			b.ByHand(120, other)
			if report := b.post("first", charge)[0]; report.Status != plan.StatusPosted || report.AmountMinor != 10000 {
				t.Fatalf("%s: %+v", mode, report)
			}
			b.ByHand(newer, other)
			b.events.truncate(0) // a ledger that knows nothing
			b.Clock.Advance(48 * time.Hour)
			sent := b.Posts()
			report := b.post("second", charge)[0]
			if report.Status != plan.StatusPosted || report.StripeID != b.Items(charge.ID)[0].ID || b.Posts() != sent {
				t.Fatalf("%s, %d newer ones: %+v, %d requests", mode, newer, report, b.Posts()-sent)
			}
			b.assertOnce(charge)
			if items := len(b.Fake.Items()); items != 120+newer+1 {
				t.Fatalf("%s: Stripe holds %d items", mode, items)
			}
		}
	}
}
