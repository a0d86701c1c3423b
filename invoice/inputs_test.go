package invoice

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/schemas"
)

// TestVerifyPlans makes frozen plans again after everything around them was changed: later usage, a withdrawn load, a
// dearer catalog, a subscription that ended, another Stripe customer. What was charged is made from what was there
// then. Then it is tampered with.
func TestVerifyPlans(t *testing.T) {
	s := newShop(t, true)
	ctx := context.Background()
	s.must(s.w.Conn().Exec(ctx, "INSERT INTO loads (load_seq, revision, status, file, started_at) "+
		"VALUES (9, 1, 'withdrawn', 'other.jsonl', '2026-11-01 00:00:00')"))
	verify := func() findings.Check {
		t.Helper()
		worker := aggregate.New(aggregate.Config{Warehouse: s.w, Now: time.Now})
		check, err := ledger.VerifyPlans(ctx, s.w, worker, func(string, uint64) {})
		s.must(err)
		return check
	}
	s.post("run_1")
	s.load("2026-10-20T10:00:00Z", "small-model", 10005)
	s.post("run_2")
	text := strings.Replace(string(s.catalog.Text), `per_credit: "0.01"`, `per_credit: "0.02"`, 1)
	dearer, problems := schemas.ParseCatalog("catalog.yaml", []byte(text))
	if dearer == nil || dearer.SHA256 == s.catalog.SHA256 {
		t.Fatal(problems, "or the catalog is the same")
	}
	s.catalog = dearer // which changes nothing of the closed month, beside usage that comes in by the price of then
	s.load("2026-10-22T10:00:00Z", "small-model", 50)
	s.post("run_3")
	if check := verify(); !check.OK || check.LookedAt != 3 || check.Note != "" {
		t.Fatalf("%+v", check)
	}
	s.must(s.w.Conn().Exec(ctx, "INSERT INTO loads SELECT * REPLACE (2 AS revision, 'withdrawn' AS status) "+
		"FROM loads FINAL WHERE load_seq = 1"))
	s.load("2026-10-21T10:00:00Z", "large-model", 5)
	stored, err := subscription.All(ctx, s.w)
	s.must(err)
	ended := stored[0]
	ended.EndsAt = utc("2026-10-10T00:00:00Z")
	s.must(subscription.StoreSync(ctx, s.w, subscription.Sync{
		StripeCustomers: map[string]string{"acme": "cus_other"}, Subscriptions: []subscription.Subscription{ended},
	}, time.Now()))
	if check := verify(); !check.OK {
		t.Fatalf("%+v", check)
	}

	// What is tampered with shows: which plan, which charge, and how.
	charge := s.fake.Items()[0].Metadata[stripe.MetadataChargeID]
	for _, tampered := range []struct {
		change string
		names  []string
	}{
		{
			"plans UPDATE body = replaceOne(body, '\"amount_minor\":10000', '\"amount_minor\":9999') WHERE run_id = 'run_1'",
			[]string{"charge " + charge + " of customer acme: amount_minor is 9999, made again 10000"},
		},
		{
			"plans UPDATE inputs = replaceOne(inputs, 'cus_1', 'cus_2') WHERE run_id = 'run_3'",
			[]string{`stripe_customer is "cus_1", made again "cus_2"`},
		},
		{
			"usage_events UPDATE quantities = [20001] WHERE load_seq = 1",
			[]string{`amount_exact is "100", made again "100.01"; amount_minor is 9999, made again 10001`, `"tokens":20001`},
		},
		{
			"usage_events DELETE WHERE load_seq = 1",
			[]string{"charge " + charge + " of customer acme is not in it when it is made again"},
		},
	} {
		s.must(s.w.Conn().Exec(ctx, "ALTER TABLE "+tampered.change+" SETTINGS mutations_sync = 1"))
		check := verify()
		all := strings.Join(check.Problems, "\n")
		for _, name := range tampered.names {
			if check.OK || !strings.Contains(all, name) || !strings.HasPrefix(all, "plan ") {
				t.Errorf("after %s there is no %q in\n%s", tampered.change, name, all)
			}
		}
	}
}

// TestVerifyPlansGrants: grants that are given after a plan was frozen, for times before its period, in it or across
// its end, leave it as it was made: byte for byte from the grants that were kept with it. They change the closed period
// only once it is billed again, in a charge of its own, whose plan keeps them all.
func TestVerifyPlansGrants(t *testing.T) {
	s := newShop(t, true)
	ctx := context.Background()
	give := func(credits, from, until string, priority uint32) {
		t.Helper()
		grant := subscription.Grant{
			CustomerID: "acme", Credits: number(credits), StartsAt: utc(from), Priority: priority, Reason: "test",
		}
		if until != "" {
			grant.ExpiresAt = utc(until)
		}
		_, added, err := subscription.AddGrant(ctx, s.w, s.catalog, grant, time.Now())
		s.must(err)
		if !added {
			t.Fatal("the grant was there")
		}
	}
	verify := func(plans uint64) {
		t.Helper()
		worker := aggregate.New(aggregate.Config{Warehouse: s.w, Now: time.Now})
		check, err := ledger.VerifyPlans(ctx, s.w, worker, func(string, uint64) {})
		s.must(err)
		if !check.OK || check.LookedAt != plans || check.Note != "" {
			t.Fatalf("%+v", check)
		}
	}
	give("1000.5", "2026-10-02T00:00:00Z", "2026-10-20T00:00:00Z", 100)
	first := s.post("run_1")
	s.assertAmounts(9000)
	verify(1)

	give("3000", "2026-09-01T00:00:00Z", "", 1) // before the period, burning first
	give("500", "2026-10-05T10:00:00Z", "2026-10-05T10:00:00.000000001Z", 50)
	give("250", "2026-10-31T00:00:00Z", "2026-12-01T00:00:00Z", 100)
	verify(1)
	explained, err := s.explain(first[0].ChargeID)
	s.must(err)
	if !explained.Granted.Equal(number("11000.5")) || explained.AmountMinor != 9000 {
		t.Fatalf("%s granted, %d", explained.Granted, explained.AmountMinor)
	}

	if plan := s.plan(); len(plan.Charges) != 1 {
		t.Fatalf("grants changed a closed period: %+v", plan.Charges)
	}
	_, err = s.runner("run_rebill").Rebill(ctx, Rebilling{
		CustomerID: "acme", Period: schemas.Period{Start: utc("2026-10-01T00:00:00Z")}, Reason: "the grants", By: "anna",
	})
	s.must(err)
	planned := s.plan()
	credit := planned.Charges[1]
	if len(planned.Charges) != 2 || credit.Kind != plan.KindAdjustment || credit.Status != plan.StatusHeld ||
		credit.AmountMinor >= 0 {
		t.Fatalf("%+v", planned.Charges)
	}
	_, err = s.runner("run_release").Release(ctx, planned, Release{ChargeID: credit.ID, By: "anna", Reason: "agreed"})
	s.must(err)
	s.post("run_2")
	s.assertAmounts(9000, credit.AmountMinor)
	verify(2)
	give("1", "2026-09-15T00:00:00Z", "", 100)
	verify(2)
}
