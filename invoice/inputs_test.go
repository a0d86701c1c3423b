package invoice

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate"
)

// TestVerifyPlans makes frozen plans again after everything around them was changed: later usage, a withdrawn load, a
// subscription that ended, another Stripe customer. What was charged is made from what was there then.
func TestVerifyPlans(t *testing.T) {
	s := newShop(t, true)
	ctx := context.Background()
	s.must(s.w.Conn().Exec(ctx, "INSERT INTO loads (load_seq, revision, status, file, started_at) "+
		"VALUES (9, 1, 'withdrawn', 'other.jsonl', '2026-11-01 00:00:00')"))
	verify := func() aggregate.Check {
		t.Helper()
		worker := aggregate.New(aggregate.Config{Warehouse: s.w, Now: time.Now})
		check, err := VerifyPlans(ctx, s.w, worker, func(string, uint64) {})
		s.must(err)
		return check
	}
	s.post("run_1")
	s.load("2026-10-20T10:00:00Z", "small-model", 10005)
	s.post("run_2")
	if check := verify(); !check.OK || check.LookedAt != 2 || check.Note != "" {
		t.Fatalf("%+v", check)
	}
	s.must(s.w.Conn().Exec(ctx, "INSERT INTO loads SELECT * REPLACE (2 AS revision, 'withdrawn' AS status) "+
		"FROM loads FINAL WHERE load_seq = 1"))
	s.load("2026-10-21T10:00:00Z", "large-model", 5)
	stored, err := aggregate.Subscriptions(ctx, s.w)
	s.must(err)
	ended := stored[0]
	ended.EndsAt = utc("2026-10-10T00:00:00Z")
	s.must(aggregate.StoreSync(ctx, s.w, aggregate.Sync{
		StripeCustomers: map[string]string{"acme": "cus_other"}, Subscriptions: []aggregate.Subscription{ended},
	}, time.Now()))
	if check := verify(); !check.OK {
		t.Fatalf("%+v", check)
	}

	// An event that was tampered with shows.
	s.must(s.w.Conn().Exec(ctx, "ALTER TABLE usage_events UPDATE input_tokens = 20001 WHERE load_seq = 1 "+
		"SETTINGS mutations_sync = 1"))
	check := verify()
	if check.OK || len(check.Problems) != 2 || !strings.Contains(check.Problems[0], "differs at byte") {
		t.Fatalf("%+v", check)
	}
}
