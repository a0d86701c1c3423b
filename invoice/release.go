package invoice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
)

// ErrNotReleasable is returned when a charge is not held, or for reasons that only their cause can end.
var ErrNotReleasable = errors.New("nothing to release")

// Release is a person's consent to post a charge that is held for its amount.
type Release struct {
	ChargeID string
	// Reason is why, By who.
	Reason, By string
	// Seen is what the person saw of the charge.
	Seen Seen
}

// Released says what a release did.
type Released struct {
	Charge plan.Charge
	// Reasons are those that were released.
	Reasons []string
	// Left are reasons that hold the charge still.
	Left []string
}

// releaseHeld writes down that a person lets a held charge be posted.
func releaseHeld(ctx context.Context, c Config, planned plan.Plan, release Release) (Released, error) {
	for _, charge := range planned.Charges {
		if charge.ID != release.ChargeID {
			continue
		}
		if err := release.Seen.check(charge); err != nil {
			return Released{}, fmt.Errorf("release: %w", err)
		}
		done := Released{Charge: charge, Reasons: charge.Releasable, Left: charge.Mending}
		if len(done.Reasons) == 0 {
			return Released{}, fmt.Errorf("release charge %s: it is %s; %s: %w", charge.ID, charge.Status,
				explainNoRelease(charge), ErrNotReleasable)
		}
		err := c.ledger().Decide(ctx, ledger.Decision{
			Action: plan.ActionRelease, Charges: []plan.Charge{charge}, About: strings.Join(done.Reasons, "; "),
			Reason: release.Reason, By: release.By,
		}, c.now(), c.RunID)
		if err != nil {
			return Released{}, fmt.Errorf("release charge %s: %w", charge.ID, err)
		}
		return done, nil
	}
	return Released{}, fmt.Errorf("release charge %s: the plan has no such charge: %w", release.ChargeID, ErrNotReleasable)
}

// Hold writes down that a person keeps a charge back until it is released. The caller holds the writer lock.
func (r *Runner) Hold(ctx context.Context, planned plan.Plan, hold Release) (plan.Charge, error) {
	return r.decide(ctx, planned, hold, plan.ActionHold, "hold")
}

// UndoRelease writes down that releases of a charge do not count any more: what held it holds it again. The caller
// holds the writer lock.
func (r *Runner) UndoRelease(ctx context.Context, planned plan.Plan, undo Release) (plan.Charge, error) {
	if len(planned.Inputs.Releases[undo.ChargeID]) == 0 {
		return plan.Charge{}, fmt.Errorf("undo release of charge %s: it was not released: %w", undo.ChargeID,
			ErrNotReleasable)
	}
	return r.decide(ctx, planned, undo, plan.ActionUndoRelease, "undo release of")
}

// decide writes down what keeps a charge back that is not posted.
func (r *Runner) decide(
	ctx context.Context, planned plan.Plan, by Release, action, verb string,
) (plan.Charge, error) {
	i := slices.IndexFunc(planned.Charges, func(charge plan.Charge) bool { return charge.ID == by.ChargeID })
	switch {
	case i < 0:
		return plan.Charge{}, fmt.Errorf("%s charge %s: the plan has no such charge: %w", verb, by.ChargeID,
			ErrNotReleasable)
	case planned.Charges[i].Status == plan.StatusPosted:
		return plan.Charge{}, fmt.Errorf("%s charge %s: it is posted; void its invoice or write a credit note at Stripe: %w",
			verb, by.ChargeID, ErrNotReleasable)
	}
	charge := planned.Charges[i]
	if err := by.Seen.check(charge); err != nil {
		return plan.Charge{}, fmt.Errorf("%s: %w", verb, err)
	}
	err := r.config.ledger().Decide(ctx, ledger.Decision{
		Action: action, Charges: []plan.Charge{charge}, About: charge.HoldReason, Reason: by.Reason, By: by.By,
	}, r.config.now(), r.config.RunID)
	if err != nil {
		return plan.Charge{}, fmt.Errorf("%s charge %s: %w", verb, by.ChargeID, err)
	}
	return charge, nil
}

func explainNoRelease(charge plan.Charge) string {
	if charge.Status == plan.StatusHeld {
		return "fix what holds it: " + charge.HoldReason
	}
	return "it is not held"
}
