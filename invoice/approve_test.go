package invoice

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/stripefake"
)

// TestApproval: where approvals are required nothing is posted without; one is good for its amount, and not from
// whoever released the charge.
func TestApproval(t *testing.T) {
	s := newShop(t, true)
	ctx := context.Background()
	runner := func() *Runner {
		r := s.runner("run_approved")
		r.config.ApprovalRequired, r.config.MaxChargeMinor = true, 5000
		return r
	}
	planned := func() plan.Plan {
		t.Helper()
		p, err := runner().Plan(ctx)
		s.must(err)
		return p
	}
	posted := func() post.Report {
		t.Helper()
		reports, err := runner().Post(ctx, planned())
		s.must(err)
		return reports[0]
	}
	approve := func(by string, want, left int) {
		t.Helper()
		p := planned()
		done, err := runner().Approve(ctx, p, p.SHA[:plan.ShortestPrefix], Release{Reason: "checked", By: by})
		s.must(err)
		if len(done.Charges) != want || len(done.Left) != left {
			t.Fatalf("%+v", done)
		}
	}
	id := planned().Charges[0].ID
	approve("ann", 0, 0) // it is held, so nothing of the plan is ready
	_, err := runner().Release(ctx, planned(), Release{ChargeID: id, Reason: "agreed", By: "ann"})
	s.must(err)
	if waiting, err := runner().Unapproved(ctx, planned()); err != nil || waiting != 1 {
		t.Fatalf("%d wait, %v", waiting, err)
	}
	if report := posted(); report.Status != plan.StatusHeld ||
		!strings.Contains(report.Reason, "waits for the approval") ||
		plan.JoinCodes(report.HoldCodes) != string(plan.HoldNotApproved) {
		t.Fatalf("%+v", report)
	}
	approve("ann", 0, 1)
	approve("bob", 1, 0)
	approve("bob", 0, 0) // approved already
	s.load("2026-10-06T10:00:00Z", "medium-model", 50)
	if report := posted(); report.Status != plan.StatusHeld || !strings.Contains(report.Reason, "is above max_charge") ||
		plan.JoinCodes(report.HoldCodes) != string(plan.HoldAboveMax) {
		t.Fatalf("it has grown: %+v", report)
	}
	_, err = runner().Release(ctx, planned(), Release{ChargeID: id, Reason: "agreed again", By: "carl"})
	s.must(err)
	if report := posted(); report.Status != plan.StatusHeld || !strings.Contains(report.Reason, "waits for the approval") {
		t.Fatalf("%+v", report)
	}
	p := planned()
	if _, err := runner().Approve(ctx, p, "000000000000", Release{By: "bob"}); !errors.Is(err, plan.ErrChanged) {
		t.Fatal(err)
	}
	done, err := runner().Approve(ctx, p, id, Release{Reason: "this one", By: "bob"})
	s.must(err)
	if len(done.Charges) != 1 {
		t.Fatalf("%+v", done)
	}
	if report := posted(); report.Status != plan.StatusPosted || report.AmountMinor != 10050 {
		t.Fatalf("%+v", report)
	}
}

// TestHoldByPerson: a charge that a person holds is not posted until it is released, also after it was frozen; a
// release that is taken back holds it again.
func TestHoldByPerson(t *testing.T) {
	s := newShop(t, true)
	ctx := context.Background()
	by := Release{ChargeID: s.plan().Charges[0].ID, Reason: "disputed", By: "ann"}
	charge := func(status, reason string) plan.Plan {
		t.Helper()
		p := s.plan()
		if got := p.Charges[0]; got.Status != status || !strings.Contains(got.HoldReason, reason) {
			t.Fatalf("%+v, want it %s because %q", got, status, reason)
		}
		return p
	}
	_, err := s.runner("run_1").Hold(ctx, charge(plan.StatusReady, ""), by)
	s.must(err)
	p := charge(plan.StatusHeld, "held by ann: disputed")
	if reports := s.post("run_2"); reports[0].Status != plan.StatusHeld || s.posts() != 0 {
		t.Fatalf("%+v", reports)
	}
	_, err = s.runner("run_3").Release(ctx, p, by)
	s.must(err)
	_, err = s.runner("run_4").UndoRelease(ctx, charge(plan.StatusReady, ""), by)
	s.must(err)
	_, err = s.runner("run_6").Release(ctx, charge(plan.StatusHeld, "held by ann: disputed"), by)
	s.must(err)

	// Frozen, and nothing sent: Stripe takes no items.
	s.fake.Inject(stripefake.Fault{Kind: stripefake.Unavailable, Method: "POST", Times: -1})
	if reports := s.post("run_7"); reports[0].Status != plan.StatusOpen {
		t.Fatalf("%+v", reports)
	}
	s.fake.ClearFaults()
	_, err = s.runner("run_8").Hold(ctx, charge(plan.StatusReady, ""), by)
	s.must(err)
	sent := s.posts()
	if reports := s.post("run_9"); reports[0].Status != plan.StatusHeld || s.posts() != sent {
		t.Fatalf("%+v, %d requests more", reports, s.posts()-sent)
	}
	_, err = s.runner("run_10").Release(ctx, charge(plan.StatusHeld, "disputed"), by)
	s.must(err)
	if reports := s.post("run_11"); reports[0].Status != plan.StatusPosted {
		t.Fatalf("%+v", reports)
	}
	if _, err = s.runner("run_12").Hold(ctx, charge(plan.StatusPosted, ""), by); !errors.Is(err, ErrNotReleasable) {
		t.Fatal(err)
	}
	var actions []string
	s.must(s.w.Conn().QueryRow(ctx, "SELECT groupArray(action) FROM (SELECT action FROM v_audit ORDER BY decided_at)").
		Scan(&actions))
	if got := strings.Join(actions, " "); got != "hold release undo_release release hold release" {
		t.Fatal(got)
	}
}
