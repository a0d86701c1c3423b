package invoice

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

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
		frozen, err := s.runner("run_2").config.ledger().Charges(context.Background(), "acct_fake", false)
		s.must(err)
		if len(frozen) != 0 {
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

// TestKeyRefusedAtFirst: the key is refused as soon as Stripe is asked how a charge can reach its customer. Nothing is
// frozen.
func TestKeyRefusedAtFirst(t *testing.T) {
	for _, path := range []string{"/v1/customers/", "/v1/subscriptions/"} {
		s := newShop(t, true)
		s.fake.Inject(stripefake.Fault{Kind: stripefake.Forbidden, Method: "GET", PathPrefix: path})
		runner := s.runner("run_1")
		planned, err := runner.Plan(context.Background())
		s.must(err)
		reports, err := runner.Post(context.Background(), planned)
		if !errors.Is(err, stripe.ErrCredentials) || len(reports) != 1 || reports[0].Status != plan.StatusOpen ||
			s.posts() != 0 {
			t.Fatalf("%s: %v, %+v, %d requests", path, err, reports, s.posts())
		}
		frozen, err := runner.config.ledger().Charges(context.Background(), "acct_fake", false)
		s.must(err)
		if len(frozen) != 0 {
			t.Fatalf("%s: frozen %+v", path, frozen)
		}
		if report := s.post("run_2")[0]; report.Status != plan.StatusPosted {
			t.Fatalf("%+v", report)
		}
		s.assertAmounts(10000)
	}
}
