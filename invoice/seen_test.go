package invoice

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// wantSeen compares the only charge's status and reason in a plan made again.
func (s *shop) wantSeen(status, reason string) plan.Charge {
	s.t.Helper()
	charges := s.plan().Charges
	if len(charges) != 1 || charges[0].Status != status || !strings.Contains(charges[0].HoldReason, reason) {
		s.t.Fatalf("%+v, want %s with %q", charges, status, reason)
	}
	return charges[0]
}

// TestNobodyToBill: what post would hold is held in the preview once a sync or a post has seen it, with the way out;
// `invoice resolve` closes it, and so does a change at Stripe that a sync sees.
func TestNobodyToBill(t *testing.T) {
	nobody := "Stripe customer cus_1 has no running subscription, no payment method and no e-mail address"
	for _, test := range []struct {
		name       string
		subscribed bool
		method     string
		path, body string
		reason     string
	}{
		{"customer deleted", false, "DELETE", "/v1/customers/cus_1", "", "Stripe customer cus_1 is deleted"},
		{"no e-mail", false, "", "", "", nobody},
		{"subscription over", true, "DELETE", "/v1/subscriptions/SUB", "", nobody},
		{"paused", true, "POST", "/v1/subscriptions/SUB", "pause_collection[behavior]=void", " is paused"},
	} {
		for _, by := range []string{"sync", "post"} {
			t.Run(test.name+", seen by "+by, func(t *testing.T) {
				s := newShop(t, test.subscribed)
				path := test.path
				if test.subscribed {
					path = strings.Replace(path, "SUB", s.fake.Subscriptions()[0].ID, 1)
				}
				s.fake.SetEmail("cus_1", "")
				if test.method != "" {
					(&stripetest.Bench{T: t, Fake: s.fake}).Request(test.method, path, test.body)
				}
				before := s.posts()
				s.wantSeen(plan.StatusReady, "")
				if by == "sync" {
					s.sync()
				} else if reports := s.post("run_1"); reports[0].Status != plan.StatusHeld {
					t.Fatalf("%+v", reports)
				}
				charge := s.wantSeen(plan.StatusHeld, test.reason)
				if by == "post" && !strings.Contains(charge.HoldReason, "creditmill invoice resolve "+charge.ID) {
					t.Fatal(charge.HoldReason)
				}
				s.sync() // Stripe has it still
				s.wantSeen(plan.StatusHeld, test.reason)
				_, err := s.runner("run_resolve").Resolve(context.Background(),
					Release{ChargeID: charge.ID, Reason: "billed by hand", By: "me"})
				s.must(err)
				s.wantSeen(plan.StatusPosted, "")
				if sent := s.post("run_2"); sent[0].Status != plan.StatusAlreadyPosted || s.posts() != before {
					t.Fatalf("%+v, %d requests", sent, s.posts()-before)
				}
			})
		}
	}
}

// TestSomebodyToBill: once Stripe has an address, a sync sees it, and so does the next run, and post sends the charge.
func TestSomebodyToBill(t *testing.T) {
	t.Run("sync", func(t *testing.T) {
		s := newShop(t, false)
		s.somebody(func() { s.sync() })
	})
	t.Run("post", func(t *testing.T) {
		s := newShop(t, false)
		s.somebody(func() { s.must(s.runner("run_look").LookAgain(context.Background())) })
	})
}

func (s *shop) somebody(look func()) {
	s.t.Helper()
	s.fake.SetEmail("cus_1", "")
	s.post("run_1")
	s.wantSeen(plan.StatusHeld, "no e-mail address")
	s.must(s.runner("run_look").LookAgain(context.Background())) // nothing has changed
	s.wantSeen(plan.StatusHeld, "no e-mail address")
	s.fake.SetEmail("cus_1", "billing@example.com")
	look()
	s.wantSeen(plan.StatusReady, "")
	if reports := s.post("run_2"); reports[0].Status != plan.StatusPosted {
		s.t.Fatalf("%+v", reports)
	}
}

// TestFrozenForNobody: a charge that was frozen, and whose subscription and customer are gone before it was sent, is
// not ready either; another Stripe customer, imported, takes it.
func TestFrozenForNobody(t *testing.T) {
	s := newShop(t, true)
	runner := s.runner("run_1")
	planned := s.plan()
	known, err := subscription.All(context.Background(), s.w)
	s.must(err)
	chosen, _, err := runner.poster.Choose(context.Background(), planned, planned.Charges, known)
	s.must(err)
	_, _, err = freeze(context.Background(), runner.config, planned, everybody, chosen)
	s.must(err)
	b := &stripetest.Bench{T: t, Fake: s.fake}
	b.Request("DELETE", "/v1/customers/cus_1", "")
	if reports := s.post("run_2"); reports[0].Status != plan.StatusHeld {
		t.Fatalf("%+v", reports)
	}
	s.wantSeen(plan.StatusHeld, "Stripe customer cus_1 is deleted")
	s.sync()
	s.wantSeen(plan.StatusHeld, "Stripe customer cus_1 is deleted")
}

// TestTaxedSubscription: a credit that a subscription with automatic tax does not take is held with the same code by
// post and by each preview after it, or after a sync, until a sync sees that Stripe taxes the subscription no more.
func TestTaxedSubscription(t *testing.T) {
	for _, by := range []string{"sync", "post"} {
		t.Run("seen by "+by, func(t *testing.T) {
			s := newShop(t, true)
			ctx := context.Background()
			withdraw := func(revision int) {
				s.must(s.w.Conn().Exec(ctx, "INSERT INTO loads SELECT * REPLACE ("+strconv.Itoa(revision)+
					" AS revision, 'withdrawn' AS status) FROM loads FINAL"))
			}
			s.post("run_1")
			withdraw(2)
			credit := s.plan().Charges[1]
			if credit.AmountMinor != -10000 {
				t.Fatalf("%+v", credit)
			}
			consent := Release{ChargeID: credit.ID, Reason: "agreed", By: "ann"}
			_, err := s.runner("run_release").Release(ctx, s.plan(), consent)
			s.must(err)
			tax := func(enabled string) {
				(&stripetest.Bench{T: t, Fake: s.fake}).Request("POST", "/v1/subscriptions/"+s.fake.Subscriptions()[0].ID,
					"automatic_tax[enabled]="+enabled)
			}
			want := func(status, codes string) {
				t.Helper()
				if got := s.plan().Charges[1]; got.Status != status || plan.JoinCodes(got.HoldCodes) != codes {
					t.Fatalf("%+v, want it %s for %q", got, status, codes)
				}
			}
			tax("true")
			want(plan.StatusReady, "")
			if by == "sync" {
				s.sync()
			} else if report := s.post("run_2")[1]; report.Status != plan.StatusHeld ||
				plan.JoinCodes(report.HoldCodes) != string(plan.HoldNotTaxable) {
				t.Fatalf("%+v", report)
			}
			want(plan.StatusHeld, string(plan.HoldNotTaxable))
			s.sync() // Stripe taxes it still
			s.must(s.runner("run_look").LookAgain(ctx))
			want(plan.StatusHeld, string(plan.HoldNotTaxable))
			s.load("2026-10-20T10:00:00Z", "medium-model", 30000) // what is more is taken
			want(plan.StatusReady, "")
			withdraw(3)
			want(plan.StatusHeld, string(plan.HoldNotTaxable))
			tax("false")
			asked := func() (times int) {
				for _, request := range s.fake.Requests() {
					if strings.HasPrefix(request.Path, "/v1/subscriptions/") {
						times++
					}
				}
				return times
			}
			before := asked()
			s.must(s.runner("run_look").LookAgain(ctx)) // subscriptions are not asked for their tax, one by one
			want(plan.StatusHeld, string(plan.HoldNotTaxable))
			if times := asked() - before; times != 0 {
				t.Errorf("Stripe was asked %d times", times)
			}
			s.sync()
			want(plan.StatusReady, "")
			if report := s.post("run_3")[1]; report.Status != plan.StatusPosted || report.AmountMinor != -10000 {
				t.Fatalf("%+v", report)
			}
		})
	}
}
