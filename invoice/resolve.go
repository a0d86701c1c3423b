package invoice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/warehouse"
)

// ErrNotResolvable is returned for a charge that a person cannot settle: Stripe has it or may get it yet.
var ErrNotResolvable = errors.New("nothing to resolve")

// Resolve writes down that a person settled a charge that is not posted and, as it stands, will not be: billed
// outside of creditmill, or waived. It is never posted then, and its period counts as charged. It may be held by the
// plan, never having been frozen, refused by Stripe, or open with nothing of it at Stripe or on its way. The caller
// holds the writer lock.
func (r *Runner) Resolve(ctx context.Context, by Release) (plan.FrozenCharge, error) {
	charges, err := r.ledger.Charges(ctx, r.config.StripeAccount, r.config.Livemode)
	if err != nil {
		return plan.FrozenCharge{}, err
	}
	i := slices.IndexFunc(charges, func(c plan.FrozenCharge) bool { return c.ID == by.ChargeID })
	var charge plan.FrozenCharge
	why := "Stripe refused it permanently"
	if i >= 0 {
		charge = charges[i]
		if charge.State != plan.StateRejected {
			why, err = r.resolvable(ctx, charge)
		}
	} else {
		charge, why, err = r.freezeHeld(ctx, by.ChargeID)
	}
	if err != nil {
		return plan.FrozenCharge{}, fmt.Errorf("resolve charge %s: %w", by.ChargeID, err)
	}
	now := r.config.Now().UTC().Truncate(time.Millisecond)
	err = r.config.Warehouse.Exec(ctx, "invoice/release_hold.sql", warehouse.Params{
		"charge_id": charge.ID, "amount_minor": charge.AmountMinor, "reasons": why,
		"reason": by.Reason, "released_by": by.By, "released_at": now, "run_id": r.config.RunID,
	})
	if err != nil {
		return plan.FrozenCharge{}, fmt.Errorf("resolve charge %s: %w", charge.ID, err)
	}
	err = r.ledger.Append(ctx, ledger.Event{
		ChargeID: charge.ID, Step: ledger.StepItem, Kind: ledger.Manual, At: now, RunID: r.config.RunID, ErrCode: "resolved",
		AmountMinor: charge.AmountMinor,
	})
	if err != nil {
		return plan.FrozenCharge{}, fmt.Errorf("resolve charge %s: %w", charge.ID, err)
	}
	charge.State = plan.StateManual
	return charge, nil
}

// resolvable says why a frozen charge is open. The error is why it cannot be settled by hand: Stripe has it, or may
// get it yet.
func (r *Runner) resolvable(ctx context.Context, charge plan.FrozenCharge) (why string, err error) {
	if charge.State != plan.StateOpen {
		return "", fmt.Errorf("it is %s already: %w", charge.State, ErrNotResolvable)
	}
	events, err := r.ledger.Events(ctx, []string{charge.ID})
	if err != nil {
		return "", err
	}
	return r.poster.settleable(ctx, charge, events)
}

// settleable is resolvable by the charge's events. Those of a ledger that was restored from a backup may know less than
// Stripe does, so it is asked wherever there is a key.
func (p *poster) settleable(
	ctx context.Context, charge plan.FrozenCharge, events []ledger.Event) (why string, err error,
) {
	sent := slices.ContainsFunc(events, func(e ledger.Event) bool {
		return e.Kind == ledger.Intent || e.Kind == ledger.Ack
	})
	if !sent && (p.stripe == nil || charge.Mode == plan.ModeManual) {
		return neverSent, nil
	}
	if p.stripe == nil {
		return "", fmt.Errorf("a request of it was sent, so Stripe has to be asked: give the key: %w", ErrNotResolvable)
	}
	there, err := p.findItem(ctx, charge)
	if err != nil {
		return "", err
	}
	_, gone, err := p.targetUsable(ctx, charge)
	if err != nil {
		return "", err
	}
	if len(there.ids) == 1 && !gone { // of what is gone, no invoice may ever take the item
		//nolint:staticcheck // a name
		return "", fmt.Errorf("Stripe holds it as %s: run `creditmill invoice post`, which goes on from there: %w",
			there.ids[0], ErrNotResolvable)
	}
	for _, event := range events {
		if rest := ledger.SettleTime - p.clock().Sub(event.At); rest > 0 {
			return "", fmt.Errorf("a request of it may be on its way: try again in %s: %w", rest.Round(time.Second),
				ErrNotResolvable)
		}
	}
	if !sent && len(there.ids) == 0 {
		return neverSent, nil
	}
	return fmt.Sprintf("Stripe holds %d items of it", len(there.ids)), nil
}

const neverSent = "nothing of it was ever sent"

// freezeHeld freezes a charge that the plan, or Stripe, holds, as one that is not posted.
func (r *Runner) freezeHeld(ctx context.Context, chargeID string) (plan.FrozenCharge, string, error) {
	planned, err := r.Plan(ctx)
	if err != nil {
		return plan.FrozenCharge{}, "", err
	}
	i := slices.IndexFunc(planned.Charges, func(c plan.Charge) bool { return c.ID == chargeID })
	switch {
	case i < 0:
		return plan.FrozenCharge{}, "", fmt.Errorf("no such charge was ever posted, and the plan has none; ids are in "+
			"`creditmill invoice preview --json`: %w", ErrNotResolvable)
	case planned.Charges[i].Unknown():
		return plan.FrozenCharge{}, "", fmt.Errorf("what it comes to is not known; first fix what holds it: %s: %w",
			planned.Charges[i].HoldReason, ErrNotResolvable)
	}
	charge := planned.Charges[i]
	why := charge.HoldReason
	if charge.Status == plan.StatusReady && r.config.Stripe != nil { // the plan may not know what post would find out
		if _, why, err = r.poster.choose(ctx, charge, "", r.config.Policy); err != nil {
			return plan.FrozenCharge{}, "", err
		}
	}
	if why == "" {
		return plan.FrozenCharge{}, "", fmt.Errorf("it is %s: only what is held can be settled by hand: %w", charge.Status,
			ErrNotResolvable)
	}
	request, err := freezeRequest(charge, planned.SHA, target{}, r.config.Catalog.Timezone)
	if err != nil {
		return plan.FrozenCharge{}, "", err
	}
	frozen, held, err := r.freeze(ctx, planned, []plan.FrozenCharge{{
		Charge: charge, PlanSHA: planned.SHA, StripeAccount: r.config.StripeAccount, Livemode: r.config.Livemode,
		Mode: plan.ModeManual, Request: request, RunID: r.config.RunID,
		FrozenAt: r.config.Now().UTC().Truncate(time.Millisecond), State: plan.StateOpen,
	}})
	if err != nil {
		return plan.FrozenCharge{}, "", err
	}
	if len(frozen) == 0 {
		return plan.FrozenCharge{}, "", fmt.Errorf("%s: %w", held[0].Reason, plan.ErrInvariant)
	}
	return frozen[0], why, nil
}
