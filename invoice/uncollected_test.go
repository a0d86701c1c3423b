package invoice

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripetest"
	"github.com/creditmill/creditmill/invoice/sync"
)

// TestUncollected: what Stripe does not collect is held in the preview as soon as a sync has seen it, and no longer
// once a sync has seen that it is collected again.
func TestUncollected(t *testing.T) {
	s := newShop(t, true)
	b := &stripetest.Bench{T: t, Fake: s.fake}
	subscription := s.fake.Subscriptions()[0].ID
	for _, step := range []struct{ change, why, held string }{
		{"pause_collection[behavior]=void", "it is paused", "subscription " + subscription + " is paused"},
		{"", "", "subscription " + subscription + " is paused"},
		{"pause_collection=", "it is collected again", ""},
	} {
		if step.change != "" {
			b.Request("POST", "/v1/subscriptions/"+subscription, step.change)
		}
		planned := s.sync()
		if step.why == "" != (len(planned.Changes) == 0) || step.why != "" &&
			!strings.Contains(planned.Changes[0].Why, step.why) {
			t.Fatalf("%+v", planned)
		}
		charge := s.plan().Charges[0]
		if charge.Status == plan.StatusHeld != (step.held != "") || !strings.Contains(charge.HoldReason, step.held) {
			t.Fatalf("%+v", charge)
		}
	}
	if reports := s.post("run_1"); reports[0].Status != plan.StatusPosted {
		t.Fatalf("%+v", reports)
	}
}

// sync takes what differs at Stripe.
func (s *shop) sync() sync.Plan {
	s.t.Helper()
	ctx := context.Background()
	state, err := sync.ReadState(ctx, s.runner("run_sync").config.Stripe, sync.Prices(s.catalog))
	s.must(err)
	in := sync.Inputs{Stripe: state, Catalog: s.catalog, Now: time.Now()}
	in.Stored, err = subscription.All(ctx, s.w)
	s.must(err)
	in.StripeCustomers, err = subscription.StripeCustomers(ctx, s.w)
	s.must(err)
	in.States, err = subscription.StripeStates(ctx, s.w)
	s.must(err)
	plan := sync.Compare(in)
	s.must(subscription.StoreSync(ctx, s.w, plan.Sync(), time.Now()))
	return plan
}
