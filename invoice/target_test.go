package invoice

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
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
			got, reason, err := b.poster("run").choose(context.Background(), charge, subscription, Policy{DaysUntilDue: 30})
			held := test.held != ""
			if err != nil || got.mode != test.mode || !strings.HasSuffix(reason, test.held) || (reason != "") != held {
				t.Errorf("%s, known %t: mode %q, reason %q, %v, want %q and %q",
					test.status, known, got.mode, reason, err, test.mode, test.held)
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

// TestOtherCurrency: a customer whose subscription is in another currency gets an invoice of its own in the charge's.
func TestOtherCurrency(t *testing.T) {
	s := newShop(t, true)
	s.fake.AddPrice("price_euro", "eur", 9000)
	s.fake.SetEmail("cus_1", "billing@example.com")
	b := &stripetest.Bench{T: t, Fake: s.fake}
	b.Request("POST", "/v1/subscriptions/"+s.fake.Subscriptions()[0].ID, "items[0][price]=price_euro")
	for run, want := range []string{plan.StatusPosted, plan.StatusAlreadyPosted} {
		if report := s.post("run")[0]; report.Status != want || report.AmountMinor != 10000 {
			t.Fatalf("run %d: %+v", run, report)
		}
	}
	s.assertAmounts(10000)
	item := s.fake.Items()[0]
	bills := s.fake.Invoices()
	bill := bills[len(bills)-1]
	if item.Currency != "usd" || item.Subscription != nil || item.Invoice == nil || *item.Invoice != bill.ID ||
		bill.Currency != "usd" || bill.Total != 10000 || bill.Status != "open" || bill.CollectionMethod != "send_invoice" {
		t.Fatalf("item %+v on invoice %+v", item, bill)
	}
}

// TestNotCollected: what a plan cannot know yet, since no sync has seen it, Stripe is asked before anything is
// frozen.
func TestNotCollected(t *testing.T) {
	for _, status := range []string{"unpaid", "incomplete"} {
		s := newShop(t, true)
		subscription := s.fake.Subscriptions()[0].ID
		s.fake.SetStatus(subscription, status)
		report := s.post("run_1")[0]
		if report.Status != plan.StatusHeld || report.Reason != "subscription "+subscription+" is "+status || s.posts() != 0 {
			t.Fatalf("%+v, %d requests", report, s.posts())
		}
		frozen, err := s.runner("run_2").ledger.Charges(context.Background(), "acct_fake", false)
		if s.must(err); len(frozen) != 0 {
			t.Fatalf("%s: frozen %+v", status, frozen)
		}
		s.fake.SetStatus(subscription, "active")
		s.must(s.runner("run_look").LookAgain(context.Background()))
		if report := s.post("run_3")[0]; report.Status != plan.StatusPosted {
			t.Fatalf("%+v", report)
		}
		s.assertAmounts(10000)
	}
}

// TestWrongMode: a customer of the other mode is not billed, whether that shows before the charge is frozen or after.
func TestWrongMode(t *testing.T) {
	live := stripefake.Fault{
		Kind: stripefake.Set, Method: http.MethodGet, PathPrefix: "/v1/customers/", Fields: map[string]any{"livemode": true},
	}
	s := newShop(t, true)
	s.fake.Inject(live)
	want := "Stripe customer cus_1 has livemode true"
	if report := s.post("run_1")[0]; report.Status != plan.StatusHeld || report.Reason != want || s.posts() != 0 {
		t.Fatalf("%+v, %d requests", report, s.posts())
	}
	live.Skip = 1 // now it is frozen, and Stripe is asked again
	s.fake.Inject(live)
	if report := s.post("run_2")[0]; report.Status != plan.StatusHeld || report.Reason != want || s.posts() != 0 {
		t.Fatalf("%+v, %d requests", report, s.posts())
	}
	if report := s.post("run_3")[0]; report.Status != plan.StatusPosted {
		t.Fatalf("%+v", report)
	}
	s.assertAmounts(10000)
}
