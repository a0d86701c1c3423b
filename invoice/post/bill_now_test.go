package post

import (
	"context"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// TestDraftLeftBehind: a renewal takes the item of a charge right before the charge's invoice is made, which then takes
// what else is pending for the subscription. Whoever made it is killed; nothing stays on a draft that nobody finalizes.
func TestDraftLeftBehind(t *testing.T) {
	for _, test := range []struct {
		name, second string
		// ended: another run brings the first charge to its end meanwhile.
		ended bool
	}{
		{"the other charge is billed at once, the first has ended", plan.ModeBillNow, true},
		{"the other charge is billed at once", plan.ModeBillNow, false},
		{"the other charge is left to the next invoice", plan.ModeSubscription, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.Sub = b.Fake.AddSubscription("cus_1", "price_pro", b.Clock.Now().AddDate(0, -1, 0).Add(time.Minute))
			first := b.charge(plan.ModeBillNow, 10000)
			second := b.charge(test.second, 777)
			second.ID, second.Kind = "oc_second", plan.KindAdjustment
			second = b.frozen(second)
			p := b.poster("late")
			sent := 0
			atSend := func() { // the second request, for the invoice, is about to leave
				b.Clock.Advance(90 * time.Second)
				if test.ended {
					b.post("other", first)
				}
				other := b.poster("killed")
				killNth(other, "S10", 0, func() { _, _ = other.postCharge(context.Background(), second) })
			}
			killNth(p, "S9", 1, func() {
				kill := p.at
				p.at = func(step string) {
					if step == "S8" {
						sent++
						if sent == 2 {
							atSend()
						}
					}
					kill(step)
				}
				_, _ = p.postCharge(context.Background(), first)
			})
			drafts := 0
			for _, bill := range b.Fake.Invoices() {
				if bill.Metadata[stripe.MetadataBillID] == first.ID && bill.Status == "draft" && bill.Total == 777 {
					drafts++
				}
			}
			if drafts != 1 {
				t.Fatalf("the history went another way: %+v", b.Fake.Invoices())
			}
			b.Clock.Advance(24 * time.Hour)
			b.post("next", first, second)
			for _, charge := range []plan.FrozenCharge{first, second} {
				items := b.Items(charge.ID)
				if len(items) != 1 || items[0].Invoice == nil || items[0].Amount != charge.AmountMinor {
					t.Fatalf("%s: %+v", charge.ID, items)
				}
				for _, bill := range b.Fake.Invoices() {
					if bill.ID == *items[0].Invoice && bill.Status != "paid" {
						t.Errorf("%s is on %s, which is %s", charge.ID, bill.ID, bill.Status)
					}
				}
			}
			sentBefore := b.Posts()
			for _, report := range b.post("again", first, second) {
				if report.Status != plan.StatusAlreadyPosted || b.Posts() != sentBefore {
					t.Errorf("%+v", report)
				}
			}
		})
	}
}

// TestLookedAtItem: a run that is suspended after it saw its item pending makes no invoice when it wakes up.
func TestLookedAtItem(t *testing.T) {
	b := newBench(t)
	charge := b.charge(plan.ModeBillNow, 10000)
	p := b.poster("suspended")
	passes := 0
	p.at = func(step string) {
		if step == "S3" {
			passes++
			if passes == 2 { // of the invoice
				b.Clock.Advance(30 * time.Hour)
			}
		}
	}
	sent := b.Posts() + 1
	if report, err := p.postCharge(context.Background(), charge); err != nil || report.Status != plan.StatusOpen ||
		b.Posts() != sent {
		t.Fatalf("%v, %+v, %d requests", err, report, b.Posts())
	}
	b.post("next", charge)
	b.assertOnce(charge)
}

// TestRestoredWhilePaused: Stripe has a charge that a restored ledger does not know or knows in part, and by now its
// subscription is paused: it is found all the same, and no person is told that it can be waived.
func TestRestoredWhilePaused(t *testing.T) {
	for _, test := range []struct {
		name, mode string
		// itemKnown: the item was found again before.
		itemKnown bool
	}{
		{"left to the next invoice", plan.ModeSubscription, false},
		{"billed at once", plan.ModeBillNow, false},
		{"billed at once, its item known", plan.ModeBillNow, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			charge := b.charge(test.mode, 10000)
			b.post("first", charge)
			b.events.truncate(0)
			if test.itemKnown {
				p := b.poster("killed")
				killNth(p, "S3", 1, func() { _, _ = p.postCharge(context.Background(), charge) })
			}
			b.Clock.Advance(24 * time.Hour)
			b.Request("POST", "/v1/subscriptions/"+b.Sub, "pause_collection[behavior]=void")
			if why, err := b.poster("resolve").settleable(context.Background(), charge, b.events.rows); err == nil {
				t.Fatalf("it can be settled by hand: %s", why)
			}
			b.post("next", charge)
			b.assertOnce(charge)
		})
	}
}

// TestBillNow: the subscription's invoice is made at once; a renewal that is faster has the item, and nothing is made.
func TestBillNow(t *testing.T) {
	b := newBench(t)
	charge := b.charge(plan.ModeBillNow, 10000)
	p := b.poster("slow")
	killNth(p, "S10", 0, func() { _, _ = p.Post(context.Background(), []plan.FrozenCharge{charge}, nil) })
	b.Fake.Advance(32 * 24 * time.Hour)
	if report := b.post("next", charge)[0]; report.Status != plan.StatusPosted {
		t.Fatalf("%+v", report)
	}
	sent := b.Posts()
	if report := b.post("again", charge)[0]; report.Status != plan.StatusAlreadyPosted || b.Posts() != sent {
		t.Fatalf("%+v", report)
	}
	if len(b.Items(charge.ID)) != 1 || b.bill() != "" {
		t.Fatalf("%d items, invoice %q beside the renewal's", len(b.Items(charge.ID)), b.bill())
	}
}
