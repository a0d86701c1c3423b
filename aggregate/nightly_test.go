package aggregate

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// TestNightlyOrOnce holds that aggregating after each load gives, to the last digit, what aggregating once gives in the
// end, whatever was done in between: a load withdrawn, prices changed, products attached, credits granted, another
// instant asked for.
func TestNightlyOrOnce(t *testing.T) {
	nightly, once := newStore(t), newStore(t)
	ctx := context.Background()
	catalogs := map[string][]*schemas.Catalog{}
	for _, zone := range []string{"UTC", "America/New_York"} {
		text := fmt.Sprintf(oracleCatalog, zone, "month")
		cheaper := strings.Replace(text, "plain: 0.123456789012345678", "plain: 0.1", 1)
		sooner := strings.Replace(text, "effective: 2026-10-31T23:59:59.5Z", "effective: 2026-10-28", 1)
		tested := strings.Replace(text, "context_over: 1000", "context_over: 1001", 1)
		tested = strings.Replace(tested, `"22:30"`, `"22:00"`, 1)
		for _, text := range []string{text, cheaper, sooner, tested} {
			catalogs[zone] = append(catalogs[zone], mustCatalog(t, text))
		}
	}
	var used, withdrawn uint64
	fewChecks(t)
	rapid.Check(t, func(rt *rapid.T) {
		list := catalogs[rapid.SampledFrom([]string{"UTC", "America/New_York"}).Draw(rt, "timezone")]
		w := drawWorld(rt, rapid.SampledFrom(list).Draw(rt, "last catalog"))
		for seq := range w.loads {
			if rapid.Bool().Draw(rt, "withdrawn later") {
				w.withdrawn[uint64(seq+1)] = true
			}
		}
		before := w // the first night knows less
		before.loads, before.withdrawn = nil, nil
		before.subscriptions = w.subscriptions[:rapid.IntRange(0, len(w.subscriptions)).Draw(rt, "attached before")]
		before.grants = w.grants[:rapid.IntRange(0, len(w.grants)).Draw(rt, "granted before")]
		once.fill(w, 0)
		nightly.fill(before, 0)
		for i := range w.loads {
			nightly.loadNext(w)
			catalog := list[0] // most often the same
			if rapid.IntRange(0, 2).Draw(rt, "catalog changes") == 0 {
				catalog = rapid.SampledFrom(list).Draw(rt, "catalog")
			}
			_, err := nightly.aggregator().Run(ctx, drawInstant(rt), catalog)
			nightly.must(err)
			if seq := uint64(i + 1); w.withdrawn[seq] {
				withdrawn++
				nightly.Withdraw(seq)
			}
		}
		nightly.knows(w)
		query := Query{AsOf: drawInstant(rt), Catalog: w.catalog}
		for _, s := range []*store{nightly, once} {
			_, err := s.aggregator().Run(ctx, query.AsOf, query.Catalog)
			s.must(err)
		}
		if got, want := nightly.stored(), once.stored(); got != want {
			rt.Fatalf("nightly, as of %s:\n%s\nonce:\n%s", query.AsOf.Format(time.RFC3339Nano), got, want)
		}
		used += nightly.count("SELECT countIf(length(loads) < (SELECT count() FROM rollups FINAL)) FROM totals")
	})
	if used == 0 || withdrawn == 0 {
		t.Errorf("totals were used for later loads %d times, loads withdrawn %d times", used, withdrawn)
	}
}

// knows makes the store hold the world's subscriptions and grants and no others.
func (s *store) knows(w world) {
	s.T.Helper()
	ctx := context.Background()
	for _, table := range []string{"subscriptions", "customers", "grants", "grant_revocations"} {
		s.must(s.Conn().Exec(ctx, "TRUNCATE TABLE "+table))
	}
	s.must(subscription.StoreSync(ctx, s.Warehouse, subscription.Sync{Subscriptions: w.subscriptions}, time.Now()))
	for _, grant := range w.grants {
		_, _, err := subscription.AddGrant(ctx, s.Warehouse, w.catalog, grant, time.Now())
		s.must(err)
		if !grant.RevokedAt.IsZero() && (grant.ExpiresAt.IsZero() || grant.RevokedAt.Before(grant.ExpiresAt)) {
			_, _, err := subscription.RevokeGrant(ctx, s.Warehouse, subscription.Revocation{
				GrantID: grant.ID, At: grant.RevokedAt, Reason: grant.RevokeReason, By: grant.RevokedBy,
			}, time.Now())
			s.must(err)
		}
	}
}
