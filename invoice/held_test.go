package invoice

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
)

// TestHoldsOnTheEngine: a refused file, a silent source and a large amount hold a charge, each until its own remedy.
func TestHoldsOnTheEngine(t *testing.T) {
	s := newShop(t, true)
	ctx := context.Background()
	change := func(config *Config) {}
	planned := func() plan.Plan {
		t.Helper()
		runner := s.runner("run_plan")
		runner.config.MaxChargeMinor = 5000
		change(&runner.config)
		plan, err := runner.Plan(ctx)
		s.must(err)
		return plan
	}
	assert := func(want string) plan.Plan {
		t.Helper()
		plan := planned()
		if got := plan.Charges[0].HoldReason; !strings.Contains(got, want) || want == "" && got != "" {
			t.Fatalf("held because %q, want %q", got, want)
		}
		return plan
	}
	s.must(s.w.Conn().Exec(ctx, "INSERT INTO loads (load_seq, revision, status, file, started_at) "+
		"VALUES (7, 1, 'aborted', 'october.jsonl', '2026-11-01 00:00:00')"))
	assert("load ld_7 of october.jsonl is aborted")
	s.must(s.w.Conn().Exec(ctx, "INSERT INTO loads (load_seq, revision, status, file, started_at) "+
		"VALUES (8, 1, 'committed', 'october.jsonl', '2026-11-01 01:00:00')"))

	change = func(config *Config) {
		config.Expected = []plan.Expectation{{Source: "test", Every: schemas.ExpectDaily}}
	}
	assert("source test has no usage from 2026-10-06T00:00:00Z to 2026-11-01T00:00:00Z")
	change = func(config *Config) {
		config.Expected, config.AcceptGaps = []plan.Expectation{{Source: "test", Every: schemas.ExpectDaily}}, true
	}
	held := assert("$100.00 is above max_charge $50.00; release it")

	runner := s.runner("run_release")
	release := Release{ChargeID: held.Charges[0].ID, Reason: "agreed", By: "ann"}
	if _, err := runner.Release(ctx, held, Release{ChargeID: "oc_other"}); !errors.Is(err, ErrNotReleasable) {
		t.Fatal(err)
	}
	done, err := runner.Release(ctx, held, release)
	s.must(err)
	if len(done.Reasons) != 1 || len(done.Left) != 0 {
		t.Fatalf("%+v", done)
	}
	if _, err := runner.Release(ctx, assert(""), release); !errors.Is(err, ErrNotReleasable) {
		t.Fatal(err)
	}
	var by, reason string
	s.must(s.w.Conn().QueryRow(ctx, "SELECT decided_by, reason FROM decisions").Scan(&by, &reason))
	if by != "ann" || reason != "agreed" {
		t.Fatalf("released by %s because %s", by, reason)
	}
	// More usage makes it another amount: it is held again.
	s.load("2026-10-20T10:00:00Z", "medium-model", 1)
	assert("$100.01 is above max_charge")
}
