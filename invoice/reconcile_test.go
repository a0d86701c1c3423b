package invoice

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// reconcile asks for a fresh comparison and asserts the counts of its classes, written as CLASS:n in order.
func (s *shop) reconcile(want string) Reconciliation {
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
	if sums != (Balance{PlannedMinor: 10000, OpenMinor: 10000}) {
		t.Fatalf("%+v", sums)
	}
	s.post("run_1")
	sums = s.reconcile("MATCHED:1").Balances["usd"]
	if sums != (Balance{PlannedMinor: 10000, AckedMinor: 10000, PostedMinor: 10000}) {
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

// TestReconcileFindings are states that need a person, each made by somebody at Stripe's dashboard.
func TestReconcileFindings(t *testing.T) {
	b := newBench(t)
	charge := b.charge(plan.ModeSubscription, 10000)
	b.post("first", charge)
	item := b.Items(charge.ID)[0]
	charge.State, charge.StripeID, charge.PostedMinor = plan.StatePosted, item.ID, 10000
	compare := func(charges ...plan.FrozenCharge) string {
		t.Helper()
		client := b.Client(stripetest.InProcess(b.Fake))
		items, err := client.InvoiceItems(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		bills, err := client.Invoices(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		found := reconcile(books{
			Frozen: charges, Items: items, Bills: bills, Catalog: seedCatalog(t), Now: b.Fake.Now(),
		})
		return fmt.Sprint(found.Counts)
	}
	assert := func(got, want string) {
		t.Helper()
		if got != want {
			t.Fatalf("found %s, want %s", got, want)
		}
	}
	assert(compare(charge), "map[MATCHED:1]")
	assert(compare(), "map[EXTRA:1]")
	other := charge
	other.AmountMinor = 9999
	assert(compare(other), "map[AMOUNT_DRIFT:1]")
	refused := charge
	refused.State, refused.StripeID = plan.StateRejected, ""
	assert(compare(refused), "map[HELD:1]")
	open := charge
	open.State, open.StripeID = plan.StateOpen, ""
	assert(compare(open), "map[OPEN:1]")

	// The subscription is paused, so its renewal takes the item on a draft that nobody collects; then it is void.
	b.Request("POST", "/v1/subscriptions/"+b.Sub, "pause_collection[behavior]=void")
	b.Fake.Advance(31 * 24 * time.Hour)
	bill := *b.Items(charge.ID)[0].Invoice
	b.Request("POST", "/v1/invoices/"+bill+"/finalize", "")
	b.Fake.Void(bill)
	assert(compare(charge), "map[ON_VOID:1]")

	b.Request("DELETE", "/v1/subscriptions/"+b.Sub, "")
	// A second charge is on a subscription that ended: no invoice will take it.
	stuck := b.charge(plan.ModeSubscription, 500)
	stuck.ID = "oc_stuck"
	b.Request("POST", "/v1/invoiceitems", "customer=cus_1&currency=usd&amount=500&metadata[charge_id]=oc_stuck")
	stuck.State, stuck.StripeID = plan.StatePosted, "ii_1"
	b.Clock.Advance(70 * 24 * time.Hour)
	assert(compare(stuck, charge), "map[ON_VOID:1 STUCK_PENDING:1]")

	b.Request("DELETE", "/v1/invoiceitems/"+b.Items("oc_stuck")[0].ID, "")
	assert(compare(stuck, charge), "map[MISSING:1 ON_VOID:1]")

	b.Request("POST", "/v1/invoices", "customer=cus_1&metadata[bill_id]=oc_stuck")
	b.Clock.Advance(25 * time.Hour)
	assert(compare(charge), "map[ON_VOID:1 STALE_DRAFT:1]")
	b.Fake.Inject(stripefake.Fault{Kind: stripefake.EmptyObject, Method: "GET"})
	if _, err := b.Client(stripetest.InProcess(b.Fake)).InvoiceItems(context.Background(), nil); err == nil {
		t.Fatal("a list that may not be whole was taken")
	}
}
