package invoice

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// freeze writes the plan, the time that it closes and its charges down and reads them back (S1). What is read back is
// what is sent: of two runs that froze the same charge, both send the earlier row.
func (r *Runner) freeze(ctx context.Context, plan Plan, charges []FrozenCharge,
) (read []FrozenCharge, held []Report, err error) {
	charges = slices.DeleteFunc(charges, func(charge FrozenCharge) bool {
		err := charge.checkOwn()
		if err != nil {
			held = append(held, charge.report(StatusHeld, "", err.Error()))
		}
		return err != nil
	})
	frozenAt := r.config.Now().UTC().Truncate(time.Millisecond)
	if len(charges) > 0 {
		frozenAt = charges[0].FrozenAt
	}
	stretches, err := r.closing(ctx, plan, charges, frozenAt)
	if err != nil || len(charges) == 0 && len(stretches) == 0 {
		return nil, held, err
	}
	if err := r.config.Aggregator.StoreCatalog(ctx, r.config.Catalog); err != nil {
		return nil, held, err
	}
	inputs, err := keep(plan)
	if err != nil {
		return nil, held, fmt.Errorf("keep inputs of plan %s: %w", plan.SHA, err)
	}
	body, err := plan.Body()
	if err != nil {
		return nil, held, err
	}
	// What was lost before the plan was made is missed now, and would be frozen for good.
	if err := r.config.Warehouse.CheckComplete(ctx); err != nil {
		return nil, held, fmt.Errorf("freeze plan %s: nothing was frozen: %w", plan.SHA, err)
	}
	err = r.ledger.Freeze(ctx, planRow{
		sha: plan.SHA, asOf: plan.AsOf, catalogSHA: r.config.Catalog.SHA256, loads: plan.loads, body: body,
		inputs: inputs, runID: r.config.RunID, frozenAt: frozenAt,
	}, r.account(), stretches, charges)
	if err != nil {
		return nil, held, err
	}
	r.config.Log.Info().Str("plan_sha", plan.SHA).Int("stretches", len(stretches)).Msg("periods_closed")
	if len(charges) == 0 {
		return nil, held, nil
	}
	read, untrusted, err := r.readBack(ctx, charges)
	return read, append(held, untrusted...), err
}

// readBack reads frozen charges as they are stored: another run may have been first.
func (r *Runner) readBack(ctx context.Context, charges []FrozenCharge,
) (read []FrozenCharge, held []Report, err error) {
	stored, err := r.ledger.Charges(ctx, r.config.StripeAccount, r.config.Livemode)
	if err != nil {
		return nil, nil, err
	}
	byID := map[string]FrozenCharge{}
	for _, charge := range stored {
		byID[charge.ID] = charge
	}
	read = make([]FrozenCharge, 0, len(charges))
	for _, charge := range charges {
		back, found := byID[charge.ID]
		if !found {
			return nil, held, fmt.Errorf("read back charge %s: it is not there: %w", charge.ID, ErrInvariant)
		}
		switch err := back.trusted(charge, r.config); {
		case err != nil: // it is not sent, and stops no other
			held = append(held, back.report(StatusHeld, "", err.Error()))
		default:
			read = append(read, back)
		}
	}
	r.config.Fault("S1")
	return read, held, nil
}

// checkOwn asserts what must hold of a charge, in its own currency: that of a closed period may not be today's.
func (f FrozenCharge) checkOwn() error {
	currency, err := moneyOf(f)
	if err != nil {
		return err
	}
	return f.check(currency)
}

// closing finds the time that a plan closes when it is frozen with the chosen charges: every period that has ended and
// is not closed, those that billed nothing included. A period stays open whose charge is held or could not be chosen,
// and one without a charge for which usage is missing or whose customer's figures are not all known.
func (r *Runner) closing(
	ctx context.Context, plan Plan, chosen []FrozenCharge, at time.Time,
) ([]closing, error) {
	if plan.narrowed {
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
	for _, charge := range plan.Charges {
		if _, frozen := plan.frozen[charge.ID]; !frozen {
			waiting[period{charge.CustomerID, charge.PeriodStart.UTC(), charge.PeriodEnd.UTC()}] = true
		}
	}
	pending := map[period]string{}
	for _, rebill := range plan.in.Rebills {
		if rebill.Pending {
			pending[period{rebill.CustomerID, rebill.Period.Start, rebill.Period.End}] = rebill.ID
		}
	}
	unknown := map[string]bool{}
	for _, problem := range plan.in.Problems {
		unknown[problem.CustomerID] = true
	}
	query := r.query(plan.loads)
	query.Known = &plan.known
	var used []string
	for _, balance := range plan.in.Periods {
		used = append(used, balance.CustomerID)
	}
	ended, err := r.config.Aggregator.Ended(ctx, query, used)
	if err != nil {
		return nil, fmt.Errorf("close periods of plan %s: %w", plan.SHA, err)
	}
	var stretches []closing
	for _, stretch := range ended {
		whole := stretch.Period
		if !stretch.Window.End.IsZero() {
			whole = stretch.Window
		}
		key := period{stretch.CustomerID, whole.Start.UTC(), whole.End.UTC()}
		next := closing{
			Closed: stretch, chargeID: chargeOf[key], rebillID: pending[key],
			planSHA: plan.SHA, runID: r.config.RunID, closedAt: at,
		}
		if next.chargeID == "" && (waiting[key] || unknown[key.customer] || plan.in.misses(whole)) {
			continue
		}
		if last := len(stretches) - 1; last >= 0 && stretches[last].extend(next) {
			continue
		}
		stretches = append(stretches, next)
	}
	return stretches, nil
}

// extend joins a stretch without a charge to one before it; one with a charge stands alone.
func (c *closing) extend(next closing) bool {
	return c.chargeID == "" && next.chargeID == "" && c.rebillID == next.rebillID && c.Extend(next.Closed)
}

// misses tells whether usage of a period is missing.
func (in Inputs) misses(period schemas.Period) bool {
	for _, gap := range in.Gaps {
		if gap.From.Before(period.End) && period.Start.Before(gap.Until) {
			return true
		}
	}
	return false
}

// closedOf is what a plan that was frozen knew to be closed, of one customer or, without one, of all.
func (k keptInputs) closedOf(all closings, customer string) ([]subscription.Closed, []Rebill) {
	known := all.asOf(k.Closings, k.Rebills)
	if customer != "" {
		known = known.ofCustomer(customer)
	}
	return known.effective()
}
