package invoice

import (
	"context"
	"fmt"
	"slices"
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
	if unknown, err := r.unknownWithin(ctx, planned); err != nil || len(unknown) > 0 {
		return err
	}
	for _, report := range reports {
		if report.Status == plan.StatusOpen {
			return nil
		}
	}
	return r.config.Warehouse.MarkCaughtUp(ctx, r.config.Now())
}

// unknownWithin are charges within periods that Stripe holds and neither the ledger nor the plan knows, after a restore
// that nothing has caught up with. The charge of a period's end is found by its id; one that was made within it is not
// planned any more once it has ended.
func (r *Runner) unknownWithin(ctx context.Context, planned plan.Plan) ([]post.Within, error) {
	restored, err := r.Restored(ctx)
	if err != nil || restored.IsZero() {
		return nil, err
	}
	known, from := map[string]bool{}, restored
	for _, charge := range planned.Inputs.Frozen {
		known[charge.ID] = true
	}
	for _, charge := range planned.Charges {
		known[charge.ID] = true
		if charge.PeriodStart.Before(from) {
			from = charge.PeriodStart
		}
	}
	return r.poster.UnknownWithin(ctx, from.Add(-7*24*time.Hour), func(id string) bool { return known[id] })
}

// withoutBarred leaves out the charges in whose period Stripe holds others that were lost with a restored ledger: they
// would be charged a second time.
func (r *Runner) withoutBarred(
	ctx context.Context, planned plan.Plan, charges []plan.Charge,
) (left []plan.Charge, held []post.Report, err error) {
	if len(charges) == 0 {
		return charges, nil, nil
	}
	unknown, err := r.unknownWithin(ctx, planned)
	if err != nil || len(unknown) == 0 {
		return charges, nil, err
	}
	words := plan.Wording{Catalog: r.config.Catalog}
	for _, charge := range charges {
		i := slices.IndexFunc(unknown, func(one post.Within) bool { return one.Bars(charge, words) })
		if i < 0 {
			left = append(left, charge)
			continue
		}
		held = append(held, post.ReportOn(plan.FrozenCharge{Charge: charge}, plan.StatusHeld, "", fmt.Sprintf("Stripe holds "+
			"charge %s of %s, made within that period, which the restored warehouse does not know: run `creditmill invoice "+
			"post --as-of` with a day near the period's end, which takes it up, or %s", unknown[i].ChargeID, unknown[i].Span,
			plan.HowToResolve(charge.ID))))
	}
	return left, held, nil
}
