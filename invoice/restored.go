package invoice

import (
	"cmp"
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
func (r *Runner) caughtUp(ctx context.Context, planned plan.Plan, reports []post.Report) error {
	restored, err := r.Restored(ctx)
	if err != nil || restored.IsZero() {
		return err
	}
	if lost, err := r.lost(ctx, planned); err != nil || len(lost) > 0 {
		return err
	}
	for _, report := range reports {
		if report.Status == plan.StatusOpen {
			return nil
		}
	}
	return r.config.Warehouse.MarkCaughtUp(ctx, r.config.Now())
}

// lost are charges that Stripe holds and neither the ledger nor the plan knows as they are there, after a restore that
// nothing has caught up with. Others are found by their ids.
func (r *Runner) lost(ctx context.Context, planned plan.Plan) ([]post.Lost, error) {
	restored, err := r.Restored(ctx)
	if err != nil || restored.IsZero() {
		return nil, err
	}
	known, fresh, from := map[string]bool{}, map[string]plan.Charge{}, restored
	for _, charge := range planned.Inputs.Frozen {
		known[charge.ID] = true
	}
	for _, charge := range planned.Charges {
		fresh[charge.ID] = charge
		if charge.PeriodStart.Before(from) {
			from = charge.PeriodStart
		}
	}
	return r.poster.FindLost(ctx, from.Add(-7*24*time.Hour), known, fresh)
}

// withoutBarred leaves out the charges of which Stripe holds what was lost with a restored ledger: they would be billed
// a second time.
func (r *Runner) withoutBarred(
	ctx context.Context, planned plan.Plan, charges []plan.Charge,
) (left []plan.Charge, held []post.Report, err error) {
	if len(charges) == 0 {
		return charges, nil, nil
	}
	lost, err := r.lost(ctx, planned)
	if err != nil || len(lost) == 0 {
		return charges, nil, err
	}
	words := plan.Wording{Catalog: r.config.Catalog}
	barred := map[string]string{} // by the whole: its parts are posted together
	for _, charge := range charges {
		for _, one := range lost {
			barred[charge.WholeID()] = cmp.Or(barred[charge.WholeID()], one.Bars(charge, words))
		}
	}
	for _, charge := range charges {
		why := barred[charge.WholeID()]
		if why == "" {
			left = append(left, charge)
			continue
		}
		held = append(held, post.HeldFor(charge, plan.HoldAfterRestore, why))
	}
	return left, held, nil
}
