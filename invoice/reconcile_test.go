package invoice

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/reconcile"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// reconcile asks for a fresh comparison and asserts the counts of its classes, written as CLASS:n in order.
func (s *shop) reconcile(want string) reconcile.Result {
	s.t.Helper()
	found, err := s.runner("run_reconcile").Reconcile(context.Background())
	s.must(err)
	if got := fmt.Sprint(found.Counts); got != "map["+want+"]" {
		s.t.Fatalf("found %s, want %s\n%+v", got, want, found.Findings)
	}
	return found
}

// surplus makes one more item of the first charge, as a rival without the protocol would.
func (s *shop) surplus(amount string) string {
	s.t.Helper()
	b := &stripetest.Bench{T: s.t, Fake: s.fake}
	item := s.fake.Items()[0]
	b.Request("POST", "/v1/invoiceitems", "customer=cus_1&currency=usd&amount="+amount+"&metadata[charge_id]="+
		item.Metadata[stripe.MetadataChargeID])
	return s.fake.Items()[len(s.fake.Items())-1].ID
}

// TestReconcile walks one charge through the classes: open, matched, twice, repaired, paid; the sums balance all along.
func TestReconcile(t *testing.T) {
	s := newShop(t, true)
	sums := s.reconcile("OPEN:1").Balances["usd"]
	if sums != (reconcile.Balance{PlannedMinor: 10000, OpenMinor: 10000}) {
		t.Fatalf("%+v", sums)
	}
	s.post("run_1")
	sums = s.reconcile("MATCHED:1").Balances["usd"]
	if sums != (reconcile.Balance{PlannedMinor: 10000, AckedMinor: 10000, PostedMinor: 10000}) {
		t.Fatalf("%+v", sums)
	}

	kept := s.fake.Items()[0].ID
	s.surplus("10000")
	found := s.reconcile("DUPLICATE:1")
	if found.NeedsPerson() != 1 || found.Balances["usd"].PostedMinor != 20000 {
		t.Fatalf("%+v", found)
	}
	repaired, err := s.runner("run_repair").Repair(context.Background(), found)
	s.must(err)
	if len(repaired) != 1 || !repaired[0].Deleted || len(s.fake.Items()) != 1 || s.fake.Items()[0].ID != kept {
		t.Fatalf("%+v, Stripe holds %+v", repaired, s.fake.Items())
	}
	s.reconcile("MATCHED:1")

	// The renewal takes the item; an hour later it is paid. Each step of its invoice is noted once.
	s.fake.Advance(31 * 24 * time.Hour)
	s.settle("draft", 1)
	s.settle("draft", 0)
	s.fake.Advance(2 * time.Hour)
	s.settle("paid", 1)
	sent := s.posts()
	if report := s.post("run_2")[0]; report.Status != plan.StatusAlreadyPosted || s.posts() != sent {
		t.Fatalf("%+v", report)
	}

	// What is final is no longer repaired.
	s.surplus("10000")
	s.fake.Advance(32 * 24 * time.Hour)
	s.fake.Advance(2 * time.Hour)
	repaired, err = s.runner("run_repair").Repair(context.Background(), s.reconcile("DUPLICATE:1"))
	s.must(err)
	if len(repaired) != 1 || repaired[0].Deleted {
		t.Fatalf("%+v", repaired)
	}
}

// settle notes settlements and asserts the status that v_charges shows then.
func (s *shop) settle(status string, notes int) {
	s.t.Helper()
	runner := s.runner("run_settle")
	found, err := runner.Reconcile(context.Background())
	s.must(err)
	count, err := runner.Settle(context.Background(), found.Settlements)
	s.must(err)
	var shown, id, state string
	s.must(s.w.Conn().QueryRow(context.Background(), "SELECT invoice_status, invoice_id, state FROM v_charges").
		Scan(&shown, &id, &state))
	if count != notes || shown != status || id != *s.fake.Items()[0].Invoice || state != plan.StatePosted {
		s.t.Fatalf("%d settlements noted, v_charges shows %s on %s, %s", count, shown, id, state)
	}
}

// TestReconcileAmongOthers: what persons bill by hand is none of reconcile's business.
func TestReconcileAmongOthers(t *testing.T) {
	s := newShop(t, true)
	b := &stripetest.Bench{T: t, Fake: s.fake}
	subscription := s.fake.Subscriptions()[0].ID
	b.ByHand(105, subscription)
	s.post("run_1")
	b.ByHand(105, subscription)
	found, err := s.runner("run_2").Reconcile(context.Background())
	s.must(err)
	want := reconcile.Balance{PlannedMinor: 10000, AckedMinor: 10000, PostedMinor: 10000}
	if found.Counts[reconcile.ClassMatched] != 1 || len(found.Findings) != 0 || found.Balances["usd"] != want {
		t.Fatalf("%+v", found)
	}
}
