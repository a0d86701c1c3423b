package invoice

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/reconcile"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// rebillVoid has the first charge that Stripe has an item of billed again.
func (s *shop) rebillVoid(undo bool) (Voided, error) {
	s.t.Helper()
	id := s.fake.Items()[0].Metadata[stripe.MetadataChargeID]
	return s.runner(fmt.Sprint("run_rebill_", time.Now().UnixNano())).RebillVoid(context.Background(),
		Release{ChargeID: id, Reason: "wrong address", By: "ana"}, undo)
}

// releaseAll lets all charges be posted that a person may release.
func (s *shop) releaseAll() {
	s.t.Helper()
	planned := s.plan()
	for _, charge := range planned.Charges {
		if charge.Status == plan.StatusHeld && len(charge.Releasable) > 0 {
			_, err := s.runner("run_release").Release(context.Background(), planned, Release{
				ChargeID: charge.ID, Reason: "agreed", By: "bo",
			})
			s.must(err)
		}
	}
}

// billed is what the items come to that are on no void invoice.
func (s *shop) billed() int64 {
	void := map[string]bool{}
	for _, invoice := range s.fake.Invoices() {
		void[invoice.ID] = invoice.Status == "void"
	}
	var sum int64
	for _, item := range s.fake.Items() {
		if item.Invoice == nil || !void[*item.Invoice] {
			sum += item.Amount
		}
	}
	return sum
}

// onInvoice is the invoice of the first item.
func (s *shop) onInvoice() string { return *s.fake.Items()[0].Invoice }

// TestVoidBilledAgain: finance voids an invoice at Stripe, a charge's own or one of the subscription. reconcile tells
// it and how to bill it again; that waits for a release, and is posted once.
func TestVoidBilledAgain(t *testing.T) {
	for _, subscribed := range []bool{false, true} {
		s := newShop(t, subscribed)
		s.post("run_1")
		if subscribed {
			s.fake.Advance(32 * 24 * time.Hour)
		}
		s.fake.Void(s.onInvoice())
		id := s.fake.Items()[0].Metadata[stripe.MetadataChargeID]
		found := s.reconcile("ON_VOID:1")
		if want := "run `creditmill invoice rebill " + id + " --reason"; !strings.Contains(found.Findings[0].Detail, want) ||
			found.NeedsPerson() != 1 {
			t.Fatalf("%+v", found.Findings)
		}
		s.post("run_2")
		s.assertAmounts(10000)

		done, err := s.rebillVoid(false)
		s.must(err)
		if len(done.Again) != 1 || done.Again[0].Status != plan.StatusHeld || done.Again[0].AmountMinor != 10000 ||
			!strings.Contains(done.Again[0].HoldReason, id+" is void, and it is billed again, says ana: wrong address") {
			t.Fatalf("%+v", done)
		}
		if _, err := s.rebillVoid(false); !errors.Is(err, post.ErrNotVoid) {
			t.Fatalf("asked for twice: %v", err)
		}
		s.reconcile("HELD:1 REBILLED:1")
		s.post("run_3")
		s.assertAmounts(10000)
		s.releaseAll()
		s.post("run_4")
		sent := s.posts()
		for _, report := range s.post("run_5") {
			if report.Status != plan.StatusAlreadyPosted || s.posts() != sent {
				t.Fatalf("%+v", report)
			}
		}
		s.assertAmounts(10000, 10000)
		if s.billed() != 10000 {
			t.Fatalf("%d are billed", s.billed())
		}
		if totals := s.plan().Totals()["usd"]; totals != (plan.Totals{PostedMinor: 10000}) {
			t.Fatalf("%+v", totals)
		}
		s.reconcile("MATCHED:1 REBILLED:1")
		if _, err := s.rebillVoid(true); !errors.Is(err, post.ErrNotVoid) ||
			!strings.Contains(err.Error(), "bills it again already") {
			t.Fatalf("undone after it was billed: %v", err)
		}
	}
}

// TestVoidRefused: what is not on a void invoice is not billed again: an item that is pending, one whose invoice is
// paid or uncollectible, or another that somebody made of the charge.
func TestVoidRefused(t *testing.T) {
	s := newShop(t, true)
	s.post("run_1")
	refused := func(want string) {
		t.Helper()
		if _, err := s.rebillVoid(false); !errors.Is(err, post.ErrNotVoid) || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v, want %s", err, want)
		}
	}
	refused("is pending, the next invoice takes it")
	s.fake.Advance(32 * 24 * time.Hour)
	refused("which is draft")
	s.fake.Advance(time.Hour)
	refused("which is paid")
	s.fake.Void(s.onInvoice())
	another := s.surplus("10000")
	refused("item " + another + " is pending")
	b := &stripetest.Bench{T: t, Fake: s.fake}
	b.Request("DELETE", "/v1/invoiceitems/"+another, "")
	_, err := s.rebillVoid(false)
	s.must(err)

	// Somebody makes an item by hand after all: what was released is kept back until that is gone.
	s.releaseAll()
	another = s.surplus("10000")
	for _, report := range s.post("run_2") {
		if report.Status == plan.StatusPosted || report.Status == plan.StatusHeld &&
			(!strings.Contains(report.Reason, "item "+another+" is pending") ||
				plan.JoinCodes(report.HoldCodes) != string(plan.HoldNotVoid)) {
			t.Fatalf("%+v", report)
		}
	}
	s.assertAmounts(10000, 10000)
	b.Request("DELETE", "/v1/invoiceitems/"+another, "")
	undone, err := s.rebillVoid(true)
	s.must(err)
	if len(undone.Charges) != 1 || len(undone.Again) != 0 {
		t.Fatalf("%+v", undone)
	}
	s.post("run_3")
	s.assertAmounts(10000)
	s.reconcile("ON_VOID:1")
}

// TestVoidHistories lets usage come late, invoices be voided, and charges be billed again or not, at random moments,
// with requests whose answers are lost. In the end what is on good invoices is what the period comes to, once.
func TestVoidHistories(t *testing.T) {
	var voids, again int
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 9))
		s := newShop(t, false)
		total, walk := int64(10000), []string{}
		for step := range 14 {
			run := fmt.Sprint("run_", step)
			switch random.IntN(7) {
			case 0:
				s.load("2026-10-06T10:00:00Z", "medium-model", 1000)
				total += 1000 // a credit a token, of a cent
				walk = append(walk, "late")
			case 1, 2:
				voids += s.voidOne(random)
				walk = append(walk, "void")
			case 3:
				again += s.rebillOnVoid(run)
				walk = append(walk, "rebill")
			case 4:
				s.releaseAll()
				walk = append(walk, "release")
			default:
				s.fake.Inject(stripefake.Fault{
					Kind: stripefake.DropAfter, Method: "POST", Skip: random.IntN(3), Times: 1 + random.IntN(4),
				})
				s.post(run)
				s.fake.ClearFaults()
				walk = append(walk, "post")
			}
			if s.billed() > total {
				t.Fatalf("seed %d, %s: %d of %d are billed", seed, strings.Join(walk, ", "), s.billed(), total)
			}
		}
		for range 4 {
			s.post("run_end")
			again += s.rebillOnVoid("run_end")
			s.releaseAll()
		}
		if s.billed() != total {
			t.Errorf("seed %d, %s: %d of %d are billed", seed, strings.Join(walk, ", "), s.billed(), total)
		}
		found, err := s.runner("run_reconcile").Reconcile(context.Background())
		s.must(err)
		if found.NeedsPerson() != 0 || found.Counts[reconcile.ClassOpen] != 0 {
			t.Errorf("seed %d, %s: %+v", seed, strings.Join(walk, ", "), found.Findings)
		}
	}
	if voids == 0 || again == 0 {
		t.Fatalf("%d invoices were void, %d charges billed again", voids, again)
	}
}

// voidOne makes an invoice that is not a draft void, if there is one.
func (s *shop) voidOne(random *rand.Rand) int {
	var final []string
	for _, invoice := range s.fake.Invoices() {
		if invoice.Status == "open" || invoice.Status == "paid" {
			final = append(final, invoice.ID)
		}
	}
	if len(final) == 0 {
		return 0
	}
	s.fake.Void(final[random.IntN(len(final))])
	return 1
}

// rebillOnVoid has everything billed again that reconcile finds on a void invoice.
func (s *shop) rebillOnVoid(run string) int {
	s.t.Helper()
	runner := s.runner(run)
	found, err := runner.Reconcile(context.Background())
	s.must(err)
	count := 0
	for _, finding := range found.Findings {
		if finding.Class == reconcile.ClassOnVoid {
			by := Release{ChargeID: finding.ChargeID, Reason: "void", By: "ana"}
			_, err := runner.RebillVoid(context.Background(), by, false)
			s.must(err)
			count++
		}
	}
	return count
}
