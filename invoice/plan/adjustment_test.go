package plan

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"github.com/creditmill/creditmill/aggregate"
)

// posted turns a plan's charges into frozen ones in a state.
func posted(plan Plan, state string) []FrozenCharge {
	var frozen []FrozenCharge
	for _, charge := range plan.Charges {
		f := FrozenCharge{Charge: charge, PlanSHA: plan.SHA, State: state, Mode: ModeSubscription}
		if state == StatePosted {
			f.StripeID, f.PostedMinor = "ii_1", charge.AmountMinor
		}
		frozen = append(frozen, f)
	}
	return frozen
}

// TestPlanStable: the hash is the same for the same inputs in any order, and before and after posting.
func TestPlanStable(t *testing.T) {
	catalog := seedCatalog(t)
	in := seedInputs(t, proOctober(catalog, "acme", "0", "20000", "0"), proOctober(catalog, "beta", "99", "20000", "0"))
	before := mustPlan(t, in)
	slices.Reverse(in.Periods)
	in.AsOf = in.AsOf.Add(time.Hour)
	if again := mustPlan(t, in); again.SHA != before.SHA || !bytes.Equal(body(t, again), body(t, before)) {
		t.Fatalf("%s\n%s", body(t, before), body(t, again))
	}
	for _, state := range []string{StateOpen, StatePosted} {
		in.Frozen = posted(before, state)
		if after := mustPlan(t, in); after.SHA != before.SHA {
			t.Fatalf("%s\n%s", body(t, before), body(t, after))
		}
	}
	if Hash(body(t, before)) != before.SHA {
		t.Fatal("the hash is not that of the body")
	}
	in.Frozen = nil
	in.Periods = append(in.Periods, proOctober(catalog, "stranger", "0", "20000", "0"))
	if other := mustPlan(t, in); other.SHA == before.SHA {
		t.Fatal("another plan has the same hash")
	}
}

// TestAdjustments: what changes in a closed period.
func TestAdjustments(t *testing.T) {
	catalog := seedCatalog(t)
	asBefore := []aggregate.PeriodBalance{proOctober(catalog, "acme", "0", "20000", "0")}
	late := []aggregate.PeriodBalance{proOctober(catalog, "acme", "5000", "20000", "0")}
	less := []aggregate.PeriodBalance{proOctober(catalog, "acme", "0", "15000", "0")}
	first := mustPlan(t, seedInputs(t, asBefore...))
	tests := []struct {
		name   string
		state  string
		now    []aggregate.PeriodBalance
		asOf   string
		minor  int64
		status string
		reason string
	}{
		{"nothing changed", StatePosted, asBefore, "", 0, "", ""},
		{"late usage", StatePosted, late, "", 5000, StatusReady, ""},
		{"late usage, charge open", StateOpen, late, "", 5000, StatusHeld, "not posted yet"},
		{"too late", StatePosted, late, "2026-12-31T00:00:01Z", 5000, StatusHeld, "late_window"},
		{"load withdrawn", StatePosted, less, "", -5000, StatusHeld, "approval"},
		{"all withdrawn", StatePosted, nil, "", -10000, StatusHeld, "approval"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := seedInputs(t, test.now...)
			in.Frozen = posted(first, test.state)
			if test.asOf != "" {
				in.AsOf = utc(test.asOf)
			}
			plan := mustPlan(t, in)
			plan.Charges = slices.DeleteFunc(plan.Charges, func(c Charge) bool { return c.Kind == KindOverage })
			if test.minor == 0 {
				if len(plan.Charges) != 0 {
					t.Fatalf("%+v", plan.Charges)
				}
				return
			}
			charge := plan.Charges[0]
			if charge.AmountMinor != test.minor || charge.Status != test.status ||
				!strings.Contains(charge.HoldReason, test.reason) || charge.ID == first.Charges[0].ID {
				t.Fatalf("%+v", charge)
			}
		})
	}
	overlap := proOctober(catalog, "acme", "0", "20000", "0")
	overlap.Period.Start = utc("2026-10-15T00:00:00Z")
	in := seedInputs(t, overlap, proOctober(catalog, "acme", "0", "20000", "0"))
	in.Frozen = posted(first, StatePosted)
	plan := mustPlan(t, in)
	if charge := plan.Charges[1]; charge.Status != StatusHeld || !strings.Contains(charge.HoldReason, "overlaps") {
		t.Fatalf("%+v", charge)
	}
}

// TestAdjustmentsAddUp: however usage arrives, base charge and adjustments come to what one charge of all would have
// been.
func TestAdjustmentsAddUp(t *testing.T) {
	catalog := seedCatalog(t)
	rapid.Check(t, func(r *rapid.T) {
		var frozen []FrozenCharge
		used := decimal.New(10000, 0)
		var sum int64
		for range rapid.IntRange(1, 6).Draw(r, "nights") {
			used = used.Add(decimal.New(rapid.Int64Range(0, 50000).Draw(r, "tenths"), -1))
			in := seedInputs(t, proOctober(catalog, "acme", "0", used.String(), "0"))
			in.Frozen = frozen
			plan := mustPlan(t, in)
			sum = 0
			for _, charge := range plan.Charges {
				sum += charge.AmountMinor
			}
			frozen = posted(plan, StatePosted)
		}
		alone := mustPlan(t, seedInputs(t, proOctober(catalog, "acme", "0", used.String(), "0")))
		var want int64
		for _, charge := range alone.Charges {
			want += charge.AmountMinor
		}
		if sum != want {
			r.Fatalf("%d in parts, %d at once", sum, want)
		}
	})
}
