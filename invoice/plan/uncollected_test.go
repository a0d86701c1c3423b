package plan

import (
	"testing"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

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
