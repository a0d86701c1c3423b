package post

import (
	"context"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/plan"
)

// TestChoose: how a charge reaches its customer, by the state of the subscription, whether it is known here or found
// at Stripe.
func TestChoose(t *testing.T) {
	tests := []struct {
		status, mode, held string
	}{
		{status: "active", mode: plan.ModeSubscription},
		{status: "trialing", mode: plan.ModeSubscription},
		{status: "past_due", mode: plan.ModeSubscription},
		{status: "unpaid", held: " is unpaid"},
		{status: "incomplete", held: " is incomplete"},
		{status: "paused", held: " is paused"},
		{status: "incomplete_expired", mode: plan.ModeInvoice},
		{status: "canceled", mode: plan.ModeInvoice},
	}
	for _, test := range tests {
		for _, known := range []bool{true, false} {
			b := newBench(t)
			b.Fake.SetEmail("cus_1", "billing@example.com")
			b.Fake.SetStatus(b.Sub, test.status)
			subscription := ""
			if known {
				subscription = b.Sub
			}
			charge := b.charge(plan.ModeSubscription, 10000).Charge
			got, why, err := b.poster("run").choose(context.Background(), charge, subscription, Policy{DaysUntilDue: 30})
			held := test.held != ""
			if err != nil || got.mode != test.mode || !strings.HasSuffix(why.reason, test.held) || (why.reason != "") != held {
				t.Errorf("%s, known %t: mode %q, reason %q, %v, want %q and %q",
					test.status, known, got.mode, why.reason, err, test.mode, test.held)
			}
			if on := map[bool]string{true: b.Sub}[test.mode == plan.ModeSubscription]; got.subscription != on {
				t.Errorf("%s, known %t: on subscription %q, want %q", test.status, known, got.subscription, on)
			}
		}
	}
}

// TestStateSinceFrozen: a subscription turns into one that takes no item after the charge was frozen for it. The
// charge is held, nothing is announced or sent, and it is posted once the subscription takes items again.
func TestStateSinceFrozen(t *testing.T) {
	for status, want := range map[string]string{
		"unpaid": "is unpaid", "incomplete": "is incomplete", "incomplete_expired": "is incomplete_expired since the charge",
		"canceled": "is canceled since the charge",
	} {
		for _, mode := range []string{plan.ModeSubscription, plan.ModeBillNow} {
			b := newBench(t)
			charge := b.charge(mode, 10000)
			b.Fake.SetStatus(b.Sub, status)
			report := b.post("first", charge)[0]
			if report.Status != plan.StatusHeld || !strings.Contains(report.Reason, "subscription "+b.Sub+" "+want) {
				t.Fatalf("%s: %+v", status, report)
			}
			if len(b.events.rows) != 0 || b.Posts() != 0 {
				t.Fatalf("%s: %d events, %d requests", status, len(b.events.rows), b.Posts())
			}
			b.Fake.SetStatus(b.Sub, "active")
			if report := b.post("second", charge)[0]; report.Status != plan.StatusPosted {
				t.Fatalf("%s: %+v", status, report)
			}
			b.assertOnce(charge)
		}
	}
}

// TestCurrencySinceFrozen: an item of another currency than its subscription's would be pending forever.
func TestCurrencySinceFrozen(t *testing.T) {
	b := newBench(t)
	charge := b.charge(plan.ModeSubscription, 10000)
	b.Fake.AddPrice("price_euro", "eur", 9000)
	b.Request("POST", "/v1/subscriptions/"+b.Sub, "items[0][price]=price_euro")
	sent := b.Posts()
	report := b.post("first", charge)[0]
	want := "subscription " + b.Sub + " is in eur since the charge was frozen in usd"
	if report.Status != plan.StatusHeld || !strings.HasPrefix(report.Reason, want+"; ") || b.Posts() != sent ||
		len(b.Items(charge.ID)) != 0 {
		t.Fatalf("%+v, %d requests", report, b.Posts()-sent)
	}
	b.Request("POST", "/v1/subscriptions/"+b.Sub, "items[0][price]=price_pro")
	b.post("second", charge)
	b.assertOnce(charge)
}

// TestPartsStandAlone: each part of an amount above Stripe's limit has an invoice of its own.
func TestPartsStandAlone(t *testing.T) {
	b := newBench(t)
	b.Fake.SetEmail("cus_1", "billing@example.com")
	part := b.charge(plan.ModeInvoice, plan.MaxPartMinor).Charge
	part.Split = true
	chosen, why, err := b.poster("run").choose(context.Background(), part, b.Sub, Policy{DaysUntilDue: 30})
	if err != nil || why != (obstacle{}) || chosen.mode != plan.ModeInvoice {
		t.Fatalf("%+v, %+v, %v", chosen, why, err)
	}
}
