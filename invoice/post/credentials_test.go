package post

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
	switch {
	case charge.Mode == plan.ModeRenewal:
		other.Target = b.renewing(customer)
	case charge.Target != "":
		other.Target = b.Fake.AddSubscription(customer, "price_pro", b.Clock.Now().Add(-24*time.Hour))
	}
	return b.frozen(other)
}

// TestKeyRefused: the key is refused once, at any of the requests for the first of two customers. That ends the run:
// nothing more is asked or sent, for either of them, and the next run posts both.
func TestKeyRefused(t *testing.T) {
	for _, mode := range modes {
		for _, kind := range []string{stripefake.Unauthorized, stripefake.Forbidden} {
			for nth := 0; ; nth++ {
				b := newBench(t)
				first := b.charge(mode, 10000)
				second := b.ofCustomer(first, "cus_2")
				made := len(b.Fake.Requests())
				b.Fake.Inject(stripefake.Fault{Kind: kind, Skip: nth})
				reports, err := b.poster("refused").Post(context.Background(), []plan.FrozenCharge{first, second}, nil)
				requests := b.Fake.Requests()[made:]
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
