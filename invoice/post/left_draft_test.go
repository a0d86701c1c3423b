package post

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
)

// TestDraftOfEarlierTiming: a run is killed before it finalizes the invoice that it made; a backup is restored, and the
// timing is changed, so that the charge is frozen anew as one that is left to the next invoice. The draft is finalized,
// also when that run is killed.
func TestDraftOfEarlierTiming(t *testing.T) {
	for _, test := range []struct {
		name string
		// killed is the step of the next run at which it is killed, too, at the nth pass.
		killed string
		nth    int
	}{
		{"billed at once", "", 0},
		{"billed at once, killed before it is finalized", "S6", 0},
		{"billed at once, killed after it is finalized", "S9", 0},
		{"billed at once, killed before the item is written down", "S11", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			first := b.charge(plan.ModeBillNow, 10000)
			p := b.poster("killed")
			killNth(p, "S10", 1, func() { _, _ = p.postCharge(context.Background(), first) })
			if bill := made(t, b, first); bill.Status != "draft" || bill.Total != 10000 {
				t.Fatalf("the history went another way: %+v", bill)
			}
			b.events.truncate(0)
			b.Clock.Advance(24 * time.Hour)
			charge := b.charge(plan.ModeSubscription, 10000)
			if test.killed != "" {
				next := b.poster("killed too")
				killNth(next, test.killed, test.nth, func() { _, _ = next.postCharge(context.Background(), charge) })
				b.Clock.Advance(24 * time.Hour)
			}
			report := b.post("next", charge)[0]
			draft := made(t, b, charge)
			if draft.Status != "paid" {
				t.Fatalf("%+v; the invoice is %s", report, draft.Status)
			}
			if report.Status != plan.StatusPosted || made(t, b, charge).Status != "paid" || len(b.Items(charge.ID)) != 1 {
				t.Fatalf("%+v; %+v", report, made(t, b, charge))
			}
			if again := b.post("again", charge)[0]; again.Status != plan.StatusAlreadyPosted {
				t.Fatalf("%+v", again)
			}
		})
	}
}

// made is the one invoice that was made for a charge.
func made(t *testing.T, b *bench, charge plan.FrozenCharge) stripefake.Invoice {
	t.Helper()
	own := slices.DeleteFunc(b.Fake.Invoices(), func(bill stripefake.Invoice) bool {
		return bill.Metadata[stripe.MetadataBillID] != charge.ID
	})
	if len(own) != 1 {
		t.Fatalf("%d invoices: %+v", len(own), own)
	}
	return own[0]
}
