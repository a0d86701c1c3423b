package invoice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/warehouse"
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

// Release writes down that a person lets a held charge be posted, for the amount that it has in the plan. It ends holds
// for max_charge, anomaly and credits. A missing Stripe customer, unrated usage and the like stay: they are fixed, not
// released. The caller holds the writer lock.
func (r *Runner) Release(ctx context.Context, plan plan.Plan, release Release) (Released, error) {
	for _, charge := range plan.Charges {
		if charge.ID != release.ChargeID {
			continue
		}
		done := Released{Charge: charge, Reasons: charge.Releasable, Left: charge.Mending}
		if len(done.Reasons) == 0 {
			return Released{}, fmt.Errorf("release charge %s: it is %s; %s: %w", charge.ID, charge.Status,
				explainNoRelease(charge), ErrNotReleasable)
		}
		err := r.config.Warehouse.Exec(ctx, "invoice/release_hold.sql", warehouse.Params{
			"charge_id": charge.ID, "amount_minor": charge.AmountMinor, "reasons": strings.Join(done.Reasons, "; "),
			"reason": release.Reason, "released_by": release.By,
			"released_at": r.config.Now().UTC().Truncate(time.Millisecond), "run_id": r.config.RunID,
		})
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
