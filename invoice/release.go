package invoice

import (
	"context"
	"errors"
	"fmt"
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
		done := Released{Charge: charge, Reasons: charge.Releasable, Left: charge.Mending}
		if len(done.Reasons) == 0 {
			return Released{}, fmt.Errorf("release charge %s: it is %s; %s: %w", charge.ID, charge.Status,
				explainNoRelease(charge), ErrNotReleasable)
		}
		err := c.ledger().Consent(ctx, ledger.Consent{
			Charge: charge, Of: strings.Join(done.Reasons, "; "), Reason: release.Reason, By: release.By,
		}, c.now(), c.RunID)
		if err != nil {
			return Released{}, fmt.Errorf("release charge %s: %w", charge.ID, err)
		}
		return done, nil
	}
	return Released{}, fmt.Errorf("release charge %s: the plan has no such charge: %w", release.ChargeID, ErrNotReleasable)
}

func explainNoRelease(charge plan.Charge) string {
	if charge.Status == plan.StatusHeld {
		return "fix what holds it: " + charge.HoldReason
	}
	return "it is not held"
}
