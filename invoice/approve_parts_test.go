package invoice

import (
	"context"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/invoicetest"
	"github.com/creditmill/creditmill/invoice/plan"
)

// TestApprovalOfParts: the parts of a charge wait for each other's approval, and whoever released the whole approves
// none of them, by feature and above Stripe's limit alike.
func TestApprovalOfParts(t *testing.T) {
	for name, tokens := range map[string]uint64{"by feature": 50_000, "by size": 2_500_000_000} {
		t.Run(name, func(t *testing.T) {
			s := newShopOf(t, false, invoicetest.SeedCatalog(t), "2026-10-01T00:00:00Z")
			s.load("2026-10-05T10:00:00Z", "medium-model", 15_000)
			s.load("2026-10-06T10:00:00Z", "small-model", tokens)
			ctx := context.Background()
			runner := s.runner("run_parts")
			runner.config.ApprovalRequired, runner.config.MaxChargeMinor = true, 5000
			runner.config.Policy.ByFeature = name == "by feature"
			planned := func() plan.Plan {
				t.Helper()
				p, err := runner.Plan(ctx)
				s.must(err)
				return p
			}
			approve := func(what, by string, want, left int) {
				t.Helper()
				done, err := runner.Approve(ctx, planned(), what, Release{Reason: "checked", By: by})
				s.must(err)
				if len(done.Charges) != want || len(done.Left) != left {
					t.Fatalf("%+v", done)
				}
			}
			_, err := runner.Release(ctx, planned(), Release{ChargeID: planned().Charges[0].ID, Reason: "agreed", By: "ann"})
			s.must(err)
			parts := planned().Charges
			if len(parts) < 2 || parts[1].Status != plan.StatusReady {
				t.Fatalf("%+v", parts)
			}
			approve(planned().SHA, "ann", 0, len(parts))
			approve(parts[1].ID, "ann", 0, 1)
			approve(parts[1].ID, "bob", 1, 0)
			reports, err := runner.Post(ctx, planned())
			s.must(err)
			for _, report := range reports {
				if report.Status != plan.StatusHeld || plan.JoinCodes(report.HoldCodes) != string(plan.HoldNotApproved) ||
					!strings.Contains(report.Reason, "invoice approve "+parts[0].ID) && report.ChargeID == parts[1].ID {
					t.Errorf("%+v", report)
				}
			}
			if now := planned(); len(now.Frozen) != 0 || len(now.Charges) != len(parts) || s.posts() != 0 {
				t.Fatalf("%d frozen, %d charges, %d requests", len(now.Frozen), len(now.Charges), s.posts())
			}
			approve(planned().SHA, "bob", len(parts)-1, 0)
			reports, err = runner.Post(ctx, planned())
			s.must(err)
			for _, report := range reports {
				if report.Status != plan.StatusPosted {
					t.Errorf("%+v", report)
				}
			}
		})
	}
}
