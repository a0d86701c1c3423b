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

// Approve writes down that a person agrees to the ready charges of a plan, each for its amount and Stripe customer: all
// of them where what is the plan's hash or the beginning of it, one where what is a charge's id. Whoever released a
// charge cannot approve it. The caller holds the writer lock.
func (r *Runner) Approve(ctx context.Context, planned plan.Plan, what string, by Release) (Approved, error) {
	known, err := r.consents(ctx, planned)
	if err != nil {
		return Approved{}, err
	}
	one := strings.HasPrefix(what, plan.ChargePrefix)
	if !one {
		if !by.Seen.Nothing() {
			return Approved{}, fmt.Errorf("approve plan %s: an amount or a Stripe customer is that of one charge: %w", what,
				ErrNotReleasable)
		}
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
		if err := by.Seen.check(charge); err != nil {
			return Approved{}, fmt.Errorf("approve: %w", err)
		}
		switch {
		case charge.Status != plan.StatusReady || known.hold(charge):
		case slices.Contains(known.released[charge.WholeID()], by.By):
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

// consents are what persons agreed to in a plan.
type consents struct {
	// approved is by charge, released by the charge that a part is of: who releases the whole releases each part.
	approved map[string]ledger.Approval
	released map[string][]string
}

// hold tells whether a charge is approved as it is now, by somebody who released nothing of it.
func (c consents) hold(charge plan.Charge) bool {
	given := c.approved[charge.ID]
	return given.Holds(charge) && !slices.Contains(c.released[charge.WholeID()], given.By)
}

// NotePost writes down that a person has what is ready in a plan posted, before any of it is sent. The caller holds the
// writer lock.
func (r *Runner) NotePost(ctx context.Context, planned plan.Plan, by Release) error {
	ready := slices.DeleteFunc(slices.Clone(planned.Charges), func(charge plan.Charge) bool {
		return charge.Status != plan.StatusReady
	})
	if len(ready) == 0 {
		return nil
	}
	err := r.config.ledger().Decide(ctx, ledger.Decision{
		Action: plan.ActionPost, Charges: ready, About: planned.SHA, Reason: by.Reason, By: by.By,
	}, r.config.now(), r.config.RunID)
	if err != nil {
		return fmt.Errorf("post plan %s: %w", planned.SHA, err)
	}
	return nil
}

func (r *Runner) consents(ctx context.Context, planned plan.Plan) (consents, error) {
	approved, err := r.config.ledger().Approvals(ctx, r.config.now().Add(-approvalsLast))
	if err != nil {
		return consents{}, err
	}
	by, err := r.config.ledger().ReleasedBy(ctx)
	if err != nil {
		return consents{}, err
	}
	given := consents{approved: approved, released: map[string][]string{}}
	for _, charge := range planned.Charges {
		given.released[charge.WholeID()] = append(given.released[charge.WholeID()], by[charge.ID]...)
	}
	return given, nil
}

// Unapproved counts the ready charges of a plan that wait for an approval. It is 0 where none is required.
func (r *Runner) Unapproved(ctx context.Context, planned plan.Plan) (int, error) {
	waiting, err := r.unapproved(ctx, planned)
	count := 0
	for _, charge := range planned.Charges {
		if _, frozen := planned.Frozen[charge.ID]; charge.Status == plan.StatusReady && !frozen && waiting(charge) != "" {
			count++
		}
	}
	return count, err
}

// unapproved tells why a ready charge must not be frozen yet; empty if it may.
func (r *Runner) unapproved(ctx context.Context, planned plan.Plan) (waiting func(plan.Charge) string, err error) {
	if !r.config.ApprovalRequired {
		return func(plan.Charge) string { return "" }, nil
	}
	known, err := r.consents(ctx, planned)
	return func(charge plan.Charge) string {
		if known.hold(charge) {
			return ""
		}
		return "it waits for the approval of somebody who did not release it: `creditmill invoice approve " + charge.ID + "`"
	}, err
}
