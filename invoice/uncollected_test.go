package invoice

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// TestUncollected: what Stripe does not collect is held in the preview as soon as a sync has seen it, and no longer
// once a sync has seen that it is collected again.
func TestUncollected(t *testing.T) {
	s := newShop(t, true)
	b := &bench{t: t, fake: s.fake}
	subscription := s.fake.Subscriptions()[0].ID
	for _, step := range []struct{ change, why, held string }{
		{"pause_collection[behavior]=void", "it is paused", "subscription " + subscription + " is paused"},
		{"", "", "subscription " + subscription + " is paused"},
		{"pause_collection=", "it is collected again", ""},
	} {
		if step.change != "" {
			b.request("POST", "/v1/subscriptions/"+subscription, step.change)
		}
		plan := s.sync()
		if step.why == "" != (len(plan.Changes) == 0) || step.why != "" && !strings.Contains(plan.Changes[0].Why, step.why) {
			t.Fatalf("%+v", plan)
		}
		charge := s.plan().Charges[0]
		if charge.Status == StatusHeld != (step.held != "") || !strings.Contains(charge.HoldReason, step.held) {
			t.Fatalf("%+v", charge)
		}
	}
	if reports := s.post("run_1"); reports[0].Status != StatusPosted {
		t.Fatalf("%+v", reports)
	}
}

// sync takes what differs at Stripe.
func (s *shop) sync() SyncPlan {
	s.t.Helper()
	ctx := context.Background()
	state, err := s.runner("run_sync").config.Stripe.ReadState(ctx, StripePrices(s.catalog))
	s.must(err)
	in := SyncInputs{Stripe: state, Catalog: s.catalog, Now: time.Now()}
	in.Stored, err = subscription.All(ctx, s.w)
	s.must(err)
	in.StripeCustomers, err = subscription.StripeCustomers(ctx, s.w)
	s.must(err)
	in.States, err = subscription.StripeStates(ctx, s.w)
	s.must(err)
	plan := PlanSync(in)
	s.must(subscription.StoreSync(ctx, s.w, plan.Sync(), time.Now()))
	return plan
}

// TestUncollectedOther: a subscription that is paused holds the charges of its own periods alone, adjustments too.
func TestUncollectedOther(t *testing.T) {
	in := seedInputs(t, proOctober(seedCatalog(t), "acme", "0", "20000", "0"))
	own := subscription.Subscription{
		CustomerID: "acme", Product: "pro", StartsAt: utc("2026-10-01T00:00:00Z"), StripeHold: "unpaid",
		StripeSubscription: "sub_1",
	}
	for _, test := range []struct {
		name   string
		change func(*subscription.Subscription)
		held   bool
	}{
		{"its own", func(*subscription.Subscription) {}, true},
		{"collected", func(s *subscription.Subscription) { s.StripeHold = "" }, false},
		{"of another customer", func(s *subscription.Subscription) { s.CustomerID = "beta" }, false},
		{"of another product", func(s *subscription.Subscription) { s.Product = "team" }, false},
		{"began later", func(s *subscription.Subscription) { s.StartsAt = utc("2026-11-01T00:00:00Z") }, false},
		{"ended before", func(s *subscription.Subscription) { s.EndsAt = s.StartsAt }, false},
	} {
		changed := own
		test.change(&changed)
		in.Subscriptions, in.Frozen = []subscription.Subscription{changed}, nil
		if charge := mustPlan(t, in).Charges[0]; (charge.Status == StatusHeld) != test.held {
			t.Errorf("%s: %+v", test.name, charge)
		}
	}
}
