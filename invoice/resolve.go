package invoice

import (
	"context"
	"fmt"
	"slices"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
)

// resolve writes down that a person settled a charge that is not posted and, as it stands, will not be. It may be held
// by the plan, never having been frozen, refused by Stripe, or open with nothing of it at Stripe or on its way.
func resolve(ctx context.Context, c Config, poster *post.Poster, by Release) (plan.FrozenCharge, error) {
	charges, err := c.ledger().Charges(ctx, c.StripeAccount, c.Livemode)
	if err != nil {
		return plan.FrozenCharge{}, err
	}
	i := slices.IndexFunc(charges, func(f plan.FrozenCharge) bool { return f.ID == by.ChargeID })
	var charge plan.FrozenCharge
	why := "Stripe refused it permanently"
	if i >= 0 {
		charge = charges[i]
		if charge.State != plan.StateRejected {
			why, err = poster.Resolvable(ctx, charge)
		}
	} else {
		charge, why, err = freezeHeld(ctx, c, poster, by.ChargeID)
	}
	if err != nil {
		return plan.FrozenCharge{}, fmt.Errorf("resolve charge %s: %w", by.ChargeID, err)
	}
	now := c.now()
	err = c.ledger().Decide(ctx, ledger.Decision{
		Action: plan.ActionResolve, Charges: []plan.Charge{charge.Charge}, About: why, Reason: by.Reason, By: by.By,
	}, now, c.RunID)
	if err != nil {
		return plan.FrozenCharge{}, fmt.Errorf("resolve charge %s: %w", charge.ID, err)
	}
	err = c.ledger().Append(ctx, ledger.Event{
		ChargeID: charge.ID, Step: ledger.StepItem, Kind: ledger.Manual, At: now, RunID: c.RunID, ErrCode: "resolved",
		AmountMinor: charge.AmountMinor,
	})
	if err != nil {
		return plan.FrozenCharge{}, fmt.Errorf("resolve charge %s: %w", charge.ID, err)
	}
	charge.State = plan.StateManual
	return charge, nil
}

// freezeHeld freezes a charge that the plan, or Stripe, holds, as one that is not posted.
func freezeHeld(
	ctx context.Context, c Config, poster *post.Poster, chargeID string,
) (plan.FrozenCharge, string, error) {
	planned, err := makePlan(ctx, c)
	if err != nil {
		return plan.FrozenCharge{}, "", err
	}
	i := slices.IndexFunc(planned.Charges, func(f plan.Charge) bool { return f.ID == chargeID })
	switch {
	case i < 0:
		return plan.FrozenCharge{}, "", fmt.Errorf("no such charge was ever posted, and the plan has none; ids are in "+
			"`creditmill invoice preview --json`: %w", post.ErrNotResolvable)
	case planned.Charges[i].Unknown():
		return plan.FrozenCharge{}, "", fmt.Errorf("what it comes to is not known; first fix what holds it: %s: %w",
			planned.Charges[i].HoldReason, post.ErrNotResolvable)
	}
	charge := planned.Charges[i]
	why := charge.HoldReason
	if charge.Status == plan.StatusReady && c.Stripe != nil { // the plan may not know what post would find out
		why, err = poster.HeldBy(ctx, charge)
		if err != nil {
			return plan.FrozenCharge{}, "", err
		}
	}
	if why == "" {
		return plan.FrozenCharge{}, "", fmt.Errorf("it is %s: only what is held can be settled by hand: %w", charge.Status,
			post.ErrNotResolvable)
	}
	unsent, err := poster.ByHand(charge, planned.SHA)
	if err != nil {
		return plan.FrozenCharge{}, "", err
	}
	frozen, held, err := freeze(ctx, c, planned, everybody, []plan.FrozenCharge{unsent})
	if err != nil {
		return plan.FrozenCharge{}, "", err
	}
	if len(frozen) == 0 {
		return plan.FrozenCharge{}, "", fmt.Errorf("%s: %w", held[0].Reason, plan.ErrInvariant)
	}
	return frozen[0], why, nil
}
