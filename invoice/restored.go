package invoice

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
)

// Restored is when the warehouse was restored from a backup, if nothing has caught up with Stripe since; else zero.
func (r *Runner) Restored(ctx context.Context) (time.Time, error) {
	return r.config.Warehouse.Restored(ctx)
}

// awaitQuiet waits after a restore until what was announced before it, which the ledger may not know of, has taken
// effect at Stripe or never will. From then on a list of Stripe's shows it.
func (r *Runner) awaitQuiet(ctx context.Context) error {
	restored, err := r.Restored(ctx)
	if err != nil || restored.IsZero() {
		return err
	}
	// A clock that was put back makes it no longer.
	rest := min(restored.Add(ledger.SettleTime).Sub(r.config.Now()), ledger.SettleTime)
	if rest <= 0 {
		return nil
	}
	r.config.Log.Warn().Time("restored_at", restored).Stringer("wait", rest.Round(time.Second)).
		Msg("restored_and_waits_for_stripe")
	if err := r.config.Sleep(ctx, rest); err != nil {
		return fmt.Errorf("wait for Stripe after a restore: nothing was sent: %w", err)
	}
	return nil
}

// caughtUp ends what a restore began, once each charge of the plan was looked for at Stripe and none is left open.
func (r *Runner) caughtUp(ctx context.Context, reports []post.Report) error {
	restored, err := r.Restored(ctx)
	if err != nil || restored.IsZero() {
		return err
	}
	for _, report := range reports {
		if report.Status == plan.StatusOpen {
			return nil
		}
	}
	return r.config.Warehouse.MarkCaughtUp(ctx, r.config.Now())
}
