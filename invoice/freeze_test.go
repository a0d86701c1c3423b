package invoice

import (
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
)

// TestFreezeCodes: what is not frozen, or not sent once it is, for figures that contradict each other or a damaged row
// has the code of that; the parts of a charge are left out together.
func TestFreezeCodes(t *testing.T) {
	s := newShop(t, true)
	ctx := t.Context()
	runner := s.runner("run_1")
	planned := s.plan()
	known, err := subscription.All(ctx, s.w)
	s.must(err)
	chosen, _, err := runner.poster.Choose(ctx, planned, planned.Charges, known)
	s.must(err)
	want := func(read []plan.FrozenCharge, held []post.Report, err error, code plan.HoldCode, count int) {
		t.Helper()
		s.must(err)
		if len(read) != 0 || len(held) != count {
			t.Fatalf("%d read back, held: %+v", len(read), held)
		}
		for _, report := range held {
			if report.Status != plan.StatusHeld || plan.JoinCodes(report.HoldCodes) != string(code) || report.Reason == "" {
				t.Errorf("%+v, want %s", report, code)
			}
		}
	}
	wrong := chosen[0]
	wrong.ID, wrong.SplitOf = plan.ChargePrefix+"part", chosen[0].ID
	wrong.AmountExact = wrong.AmountExact.Add(decimal.New(1, 0))
	read, held, err := freeze(ctx, runner.config, planned, everybody, []plan.FrozenCharge{chosen[0], wrong})
	want(read, held, err, plan.HoldNotComputable, 2)

	read, held, err = freeze(ctx, runner.config, planned, everybody, slices.Clone(chosen))
	if s.must(err); len(read) != 1 || len(held) != 0 {
		t.Fatalf("%+v, %+v", read, held)
	}
	other := slices.Clone(chosen)
	other[0].Mode = plan.ModeInvoice
	read, held, err = readBack(ctx, runner.config, other)
	want(read, held, err, plan.HoldUnreadable, 1)
	s.mutate("ALTER TABLE charge_plan UPDATE body_sha = 'damaged' WHERE true")
	read, held, err = readBack(ctx, runner.config, chosen)
	want(read, held, err, plan.HoldUnreadable, 1)
}
