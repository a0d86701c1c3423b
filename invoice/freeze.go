package invoice

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
)

// freeze writes the plan, the time that it closes and its charges down and reads them back (S1). What is read back is
// what is sent: of two runs that froze the same charge, both send the earlier row.
func (r *Runner) freeze(ctx context.Context, planned plan.Plan, charges []plan.FrozenCharge,
) (read []plan.FrozenCharge, held []Report, err error) {
	charges = slices.DeleteFunc(charges, func(charge plan.FrozenCharge) bool {
		err := charge.CheckOwn()
		if err != nil {
			held = append(held, reportOn(charge, plan.StatusHeld, "", err.Error()))
		}
		return err != nil
	})
	frozenAt := r.config.Now().UTC().Truncate(time.Millisecond)
	if len(charges) > 0 {
		frozenAt = charges[0].FrozenAt
	}
	stretches, err := r.closing(ctx, planned, charges, frozenAt)
	if err != nil || len(charges) == 0 && len(stretches) == 0 {
		return nil, held, err
	}
	if err := r.config.Aggregator.StoreCatalog(ctx, r.config.Catalog); err != nil {
		return nil, held, err
	}
	inputs, err := plan.Keep(planned)
	if err != nil {
		return nil, held, fmt.Errorf("keep inputs of plan %s: %w", planned.SHA, err)
	}
	body, err := planned.Body()
	if err != nil {
		return nil, held, err
	}
	// What was lost before the plan was made is missed now, and would be frozen for good.
	if err := r.config.Warehouse.CheckComplete(ctx); err != nil {
		return nil, held, fmt.Errorf("freeze plan %s: nothing was frozen: %w", planned.SHA, err)
	}
	err = r.ledger.Freeze(ctx, ledger.FrozenPlan{
		SHA: planned.SHA, AsOf: planned.AsOf, CatalogSHA: r.config.Catalog.SHA256, Loads: planned.Loads, Body: body,
		Inputs: inputs, RunID: r.config.RunID, FrozenAt: frozenAt,
	}, r.account(), stretches, charges)
	if err != nil {
		return nil, held, err
	}
	r.config.Log.Info().Str("plan_sha", planned.SHA).Int("stretches", len(stretches)).Msg("periods_closed")
	if len(charges) == 0 {
		return nil, held, nil
	}
	read, untrusted, err := r.readBack(ctx, charges)
	return read, append(held, untrusted...), err
}

// readBack reads frozen charges as they are stored: another run may have been first.
func (r *Runner) readBack(ctx context.Context, charges []plan.FrozenCharge,
) (read []plan.FrozenCharge, held []Report, err error) {
	stored, err := r.ledger.Charges(ctx, r.config.StripeAccount, r.config.Livemode)
	if err != nil {
		return nil, nil, err
	}
	byID := map[string]plan.FrozenCharge{}
	for _, charge := range stored {
		byID[charge.ID] = charge
	}
	read = make([]plan.FrozenCharge, 0, len(charges))
	for _, charge := range charges {
		back, found := byID[charge.ID]
		if !found {
			return nil, held, fmt.Errorf("read back charge %s: it is not there: %w", charge.ID, plan.ErrInvariant)
		}
		switch err := trusted(back, charge, r.config); {
		case err != nil: // it is not sent, and stops no other
			held = append(held, reportOn(back, plan.StatusHeld, "", err.Error()))
		default:
			read = append(read, back)
		}
	}
	r.config.Fault("S1")
	return read, held, nil
}

// closing finds the time that a plan closes when it is frozen with the chosen charges: every period that has ended and
// is not closed, those that billed nothing included. A period stays open whose charge is held or could not be chosen,
// and one without a charge for which usage is missing or whose customer's figures are not all known.
func (r *Runner) closing(
	ctx context.Context, planned plan.Plan, chosen []plan.FrozenCharge, at time.Time,
) ([]plan.Closing, error) {
	if planned.Narrowed {
		return nil, nil
	}
	type period struct {
		customer   string
		start, end time.Time
	}
	chargeOf, waiting := map[period]string{}, map[period]bool{}
	for _, charge := range chosen {
		chargeOf[period{charge.CustomerID, charge.PeriodStart.UTC(), charge.PeriodEnd.UTC()}] = charge.ID
	}
	for _, charge := range planned.Charges {
		if _, frozen := planned.Frozen[charge.ID]; !frozen {
			waiting[period{charge.CustomerID, charge.PeriodStart.UTC(), charge.PeriodEnd.UTC()}] = true
		}
	}
	pending := map[period]string{}
	for _, rebill := range planned.Inputs.Rebills {
		if rebill.Pending {
			pending[period{rebill.CustomerID, rebill.Period.Start, rebill.Period.End}] = rebill.ID
		}
	}
	unknown := map[string]bool{}
	for _, problem := range planned.Inputs.Problems {
		unknown[problem.CustomerID] = true
	}
	query := r.query(planned.Loads)
	query.Known = &planned.Known
	var used []string
	for _, balance := range planned.Inputs.Periods {
		used = append(used, balance.CustomerID)
	}
	ended, err := r.config.Aggregator.Ended(ctx, query, used)
	if err != nil {
		return nil, fmt.Errorf("close periods of plan %s: %w", planned.SHA, err)
	}
	var stretches []plan.Closing
	for _, stretch := range ended {
		whole := stretch.Period
		if !stretch.Window.End.IsZero() {
			whole = stretch.Window
		}
		key := period{stretch.CustomerID, whole.Start.UTC(), whole.End.UTC()}
		next := plan.Closing{
			Closed: stretch, ChargeID: chargeOf[key], RebillID: pending[key],
			PlanSHA: planned.SHA, RunID: r.config.RunID, ClosedAt: at,
		}
		if next.ChargeID == "" && (waiting[key] || unknown[key.customer] || planned.Inputs.Misses(whole)) {
			continue
		}
		if last := len(stretches) - 1; last >= 0 && stretches[last].Extend(next) {
			continue
		}
		stretches = append(stretches, next)
	}
	return stretches, nil
}
