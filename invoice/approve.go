package invoice

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
)

// Approved says what an approval did.
type Approved struct {
	PlanSHA string
	Charges []plan.Charge
	// Left are charges that the approver released before: another person must approve them.
	Left []plan.Charge
}

// approvalsLast is how far back approvals are looked for: longer than any charge waits.
const approvalsLast = 400 * 24 * time.Hour

// Approve writes down that a person agrees to the ready charges of a plan, each for its amount: all of them where what
// is the plan's hash or the beginning of it, one where what is a charge's id. Whoever released a charge cannot approve
// it. The caller holds the writer lock.
func (r *Runner) Approve(ctx context.Context, planned plan.Plan, what string, by Release) (Approved, error) {
	known, err := r.approvals(ctx)
	if err != nil {
		return Approved{}, err
	}
	released, err := r.config.ledger().ReleasedBy(ctx)
	if err != nil {
		return Approved{}, err
	}
	one := strings.HasPrefix(what, plan.ChargePrefix)
	if !one {
		if planned, err = planned.Narrow(what); err != nil {
			return Approved{}, err
		}
	}
	done := Approved{PlanSHA: planned.SHA}
	found := false
	for _, charge := range planned.Charges {
		if one && charge.ID != what {
			continue
		}
		found = true
		switch {
		case charge.Status != plan.StatusReady || known[charge.ID].Holds(charge.AmountMinor):
		case slices.Contains(released[charge.ID], by.By):
			done.Left = append(done.Left, charge)
		default:
			done.Charges = append(done.Charges, charge)
		}
	}
	if one && !found {
		return Approved{}, fmt.Errorf("approve charge %s: the plan has no such charge: %w", what, ErrNotReleasable)
	}
	if len(done.Charges) == 0 {
		return done, nil
	}
	err = r.config.ledger().Decide(ctx, ledger.Decision{
		Action: plan.ActionApprove, Charges: done.Charges, About: planned.SHA, Reason: by.Reason, By: by.By,
	}, r.config.now(), r.config.RunID)
	if err != nil {
		return Approved{}, fmt.Errorf("approve plan %s: %w", planned.SHA, err)
	}
	return done, nil
}

func (r *Runner) approvals(ctx context.Context) (map[string]ledger.Approval, error) {
	return r.config.ledger().Approvals(ctx, r.config.now().Add(-approvalsLast))
}

// Unapproved counts the ready charges of a plan that wait for an approval. It is 0 where none is required.
func (r *Runner) Unapproved(ctx context.Context, planned plan.Plan) (int, error) {
	waiting, err := r.unapproved(ctx)
	count := 0
	for _, charge := range planned.Charges {
		if _, frozen := planned.Frozen[charge.ID]; charge.Status == plan.StatusReady && !frozen && waiting(charge) != "" {
			count++
		}
	}
	return count, err
}

// unapproved tells why a ready charge must not be frozen yet; empty if it may.
func (r *Runner) unapproved(ctx context.Context) (waiting func(plan.Charge) string, err error) {
	if !r.config.ApprovalRequired {
		return func(plan.Charge) string { return "" }, nil
	}
	known, err := r.approvals(ctx)
	return func(charge plan.Charge) string {
		if known[charge.ID].Holds(charge.AmountMinor) {
			return ""
		}
		return "it waits for the approval of somebody who did not release it: `creditmill invoice approve " + charge.ID + "`"
	}, err
}
