package invoice

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
)

// ofCustomer is the bench's charge for another customer, who has a subscription, too.
func (b *bench) ofCustomer(charge plan.FrozenCharge, customer string) plan.FrozenCharge {
	b.T.Helper()
	b.Fake.AddCustomer(customer)
	other := charge
	other.ID, other.CustomerID, other.StripeCustomer = charge.ID+"_"+customer, "of_"+customer, customer
	if charge.Target != "" {
		other.Target = b.Fake.AddSubscription(customer, "price_pro", b.Clock.Now().Add(-24*time.Hour))
	}
	return b.frozen(other)
}

// TestKeyRefused: the key is refused once, at any of the requests for the first of two customers. That ends the run:
// nothing more is asked or sent, for either of them, and the next run posts both.
func TestKeyRefused(t *testing.T) {
	for _, mode := range []string{plan.ModeSubscription, plan.ModeBillNow, plan.ModeInvoice, plan.ModeDraft} {
		for _, kind := range []string{stripefake.Unauthorized, stripefake.Forbidden} {
			for nth := 0; ; nth++ {
				b := newBench(t)
				first := b.charge(mode, 10000)
				second := b.ofCustomer(first, "cus_2")
				b.Fake.Inject(stripefake.Fault{Kind: kind, Skip: nth})
				reports, err := b.poster("refused").post(context.Background(), []plan.FrozenCharge{first, second})
				requests := b.Fake.Requests()
				if strings.Contains(requests[nth].Path, "cus_2") {
					break // the first customer's requests are through
				}
				if !errors.Is(err, stripe.ErrCredentials) || len(requests) != nth+1 {
					t.Fatalf("%s, request %d: %v, %d requests after it", mode, nth, err, len(requests)-nth-1)
				}
				if len(reports) != 2 || reports[0].Status != plan.StatusOpen || reports[1].Status != plan.StatusOpen {
					t.Fatalf("%s, request %d: %+v", mode, nth, reports)
				}
				b.post("next", first, second)
				b.assertOnce(first)
				b.assertOnce(second)
			}
		}
	}
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
		frozen, err := runner.ledger.Charges(context.Background(), "acct_fake", false)
		if s.must(err); len(frozen) != 0 {
			t.Fatalf("%s: frozen %+v", path, frozen)
		}
		if report := s.post("run_2")[0]; report.Status != plan.StatusPosted {
			t.Fatalf("%+v", report)
		}
		s.assertAmounts(10000)
	}
}
