package invoice

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// TestResolveHeld: a charge that the plan holds and that was never sent is settled by hand: its period counts as
// charged, and only later usage is an adjustment.
func TestResolveHeld(t *testing.T) {
	s := newShop(t, true)
	s.subscribe("beta", "pro", "2026-10-01 00:00:00", "NULL")
	s.exec("INSERT INTO customers SELECT 'beta', '', 2, now64(3)")
	s.loadOf("beta", "2026-10-05T10:00:00Z", "medium-model", 10500)
	ctx := context.Background()
	byID := func(customer, kind string) plan.Charge {
		t.Helper()
		for _, charge := range s.plan().Charges {
			if charge.CustomerID == customer && charge.Kind == kind {
				return charge
			}
		}
		t.Fatalf("no %s of %s in %+v", kind, customer, s.plan().Charges)
		return plan.Charge{}
	}
	resolve := func(id string) error {
		_, err := s.runner("run_resolve").Resolve(ctx, Release{ChargeID: id, Reason: "paid by wire", By: "anna"})
		return err
	}
	if err := resolve(byID("acme", plan.KindOverage).ID); !errors.Is(err, post.ErrNotResolvable) ||
		!strings.Contains(err.Error(), "it is ready") {
		t.Errorf("resolve what is ready: %v", err)
	}
	held := byID("beta", plan.KindOverage)
	s.must(resolve(held.ID))
	if err := resolve(held.ID); !errors.Is(err, post.ErrNotResolvable) {
		t.Errorf("resolve twice: %v", err)
	}
	if now := byID("beta", plan.KindOverage); now.Status != plan.StatusPosted || now.AmountMinor != 500 {
		t.Errorf("%+v", now)
	}
	s.post("run_1")
	s.assertAmounts(10000)
	s.loadOf("beta", "2026-10-06T10:00:00Z", "medium-model", 100)
	if later := byID("beta", plan.KindAdjustment); later.AmountMinor != 100 || later.Status != plan.StatusHeld {
		t.Errorf("%+v", later)
	}
	var problems []string
	checks, err := ledger.Verify(ctx, s.w, func(string, uint64) {})
	s.must(err)
	for _, check := range checks {
		if !check.OK {
			problems = append(problems, check.Problems...)
		}
	}
	if len(problems) > 0 {
		t.Errorf("verify: %v", problems)
	}
}

// TestResolveOpen: what may be at Stripe, or on its way, is not settled by hand.
func TestResolveOpen(t *testing.T) {
	s := newShop(t, true)
	s.fake.Inject(stripefake.Fault{Kind: stripefake.DropBefore, Method: "POST", Times: -1})
	charge := s.post("run_1")[0]
	s.fake.ClearFaults()
	_, err := s.runner("run_2").Resolve(context.Background(), Release{ChargeID: charge.ChargeID, Reason: "x", By: "anna"})
	if !errors.Is(err, post.ErrNotResolvable) || !strings.Contains(err.Error(), "may be on its way: try again in") {
		t.Errorf("%v", err)
	}
	s.post("run_3")
	s.assertAmounts(10000)
}

// TestRefrozen: a charge that was frozen for a subscription which ended before anything was sent goes on an invoice
// of its own, in the warehouse, too.
func TestRefrozen(t *testing.T) {
	s := newShop(t, true)
	s.fake.SetEmail("cus_1", "billing@example.com")
	runner := s.runner("run_1")
	planned, err := runner.Plan(context.Background())
	s.must(err)
	known, err := subscription.All(context.Background(), s.w)
	s.must(err)
	chosen, held, err := runner.poster.Choose(context.Background(), planned, planned.Charges, known)
	s.must(err)
	if len(held) > 0 {
		t.Fatal(held)
	}
	_, _, err = freeze(context.Background(), runner.config, planned, everybody, chosen)
	s.must(err)
	s.fake.SetStatus(s.fake.Subscriptions()[0].ID, "canceled")
	if report := s.post("run_2")[0]; report.Status != plan.StatusPosted {
		t.Fatalf("%+v", report)
	}
	s.assertAmounts(10000)
	if bills := s.fake.Invoices(); bills[len(bills)-1].Status != "open" || bills[len(bills)-1].Total != 10000 {
		t.Errorf("%+v", bills)
	}
	frozen, err := runner.config.ledger().Charges(context.Background(), "acct_fake", false)
	s.must(err)
	if len(frozen) != 1 || frozen[0].Mode != plan.ModeInvoice || frozen[0].State != plan.StatePosted {
		t.Errorf("%+v", frozen)
	}
	sent := s.posts()
	if report := s.post("run_3")[0]; report.Status != plan.StatusAlreadyPosted || s.posts() != sent {
		t.Errorf("%+v", report)
	}
}

// TestResolveNobodyToBill: a charge that the plan takes for ready and Stripe has nobody to bill for is settled by hand.
func TestResolveNobodyToBill(t *testing.T) {
	for want, change := range map[string]func(b *stripetest.Bench){
		"is deleted": func(b *stripetest.Bench) { b.Request("DELETE", "/v1/customers/cus_1", "") },
		"no payment method and no e-mail address": func(*stripetest.Bench) {},
	} {
		s := newShop(t, false)
		s.fake.SetEmail("cus_1", "")
		change(&stripetest.Bench{T: t, Fake: s.fake})
		report := s.post("run_1")[0]
		if report.Status != plan.StatusHeld || !strings.Contains(report.Reason, want) {
			t.Fatalf("%+v", report)
		}
		_, err := s.runner("run_2").Resolve(context.Background(),
			Release{ChargeID: report.ChargeID, Reason: "billed by hand", By: "anna"})
		s.must(err)
		if report := s.post("run_3")[0]; report.Status != plan.StatusAlreadyPosted || s.posts() != 0 {
			t.Errorf("%+v", report)
		}
	}
}
