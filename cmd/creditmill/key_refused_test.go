package main

import (
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripefake"
)

// TestKeyRefused: from some request on Stripe refuses the key. The run ends and says so, neither of two customers has
// anything then, and once the key is right again both are billed.
func TestKeyRefused(t *testing.T) {
	faults := []stripefake.Fault{
		{Kind: stripefake.Unauthorized, Method: "GET", PathPrefix: "/v1/account"},
		{Kind: stripefake.Forbidden, Method: "GET", PathPrefix: "/v1/customers/"},
		{Kind: stripefake.Unauthorized, Method: "GET", PathPrefix: "/v1/subscriptions/", Skip: 2},
		{Kind: stripefake.Forbidden, Method: "GET", PathPrefix: "/v1/invoiceitems"},
		{Kind: stripefake.Unauthorized, Method: "POST"},
	}
	s := newShop(t)
	for _, fault := range faults {
		before := len(s.owed)
		s.owe(plan.ModeSubscription)
		s.owe(plan.ModeSubscription)
		fault.Times = -1
		s.fake.Inject(fault)
		stdout, stderr, code := s.run(t, s.dsn, postArguments...)
		if code != exitError || !strings.Contains(stderr, "Stripe refuses the key") {
			t.Fatalf("%+v: exit code %d\n%s%s", fault, code, stdout, stderr)
		}
		if items := len(s.fake.Items()); items != before {
			t.Fatalf("%+v: Stripe holds %d items, want %d", fault, items, before)
		}
		s.fake.ClearFaults()
		s.post()
		s.wantAtStripe()
	}
}
