package invoice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/warehouse"
)

// ErrNotResolvable is returned for a charge that a person cannot settle: Stripe has it or may get it yet.
var ErrNotResolvable = errors.New("nothing to resolve")

// Resolve writes down that a person settled a charge that Stripe refused for good, outside of creditmill or by waiving
// it: it is never posted, and its period counts as charged. The caller holds the writer lock.
func (r *Runner) Resolve(ctx context.Context, by Release) (FrozenCharge, error) {
	charges, err := r.ledger.Charges(ctx, r.config.StripeAccount, r.config.Livemode)
	if err != nil {
		return FrozenCharge{}, err
	}
	i := slices.IndexFunc(charges, func(c FrozenCharge) bool { return c.ID == by.ChargeID })
	if i < 0 {
		return FrozenCharge{}, fmt.Errorf("resolve charge %s: no such charge was ever posted; what holds one that is "+
			"not is in `creditmill invoice preview`: %w", by.ChargeID, ErrNotResolvable)
	}
	charge := charges[i]
	if charge.State != StateRejected {
		return FrozenCharge{}, fmt.Errorf("resolve charge %s: it is %s; only one that Stripe refused for good is settled "+
			"by hand: %w", charge.ID, charge.State, ErrNotResolvable)
	}
	now := r.config.Now().UTC().Truncate(time.Millisecond)
	err = r.config.Warehouse.Exec(ctx, "invoice/release_hold.sql", warehouse.Params{
		"charge_id": charge.ID, "amount_minor": charge.AmountMinor, "reasons": "Stripe refused it for good",
		"reason": by.Reason, "released_by": by.By, "released_at": now, "run_id": r.config.RunID,
	})
	if err != nil {
		return FrozenCharge{}, fmt.Errorf("resolve charge %s: %w", charge.ID, err)
	}
	err = r.ledger.Append(ctx, ChargeEvent{
		ChargeID: charge.ID, Step: stepItem, Kind: eventManual, At: now, RunID: r.config.RunID, ErrCode: "resolved",
		AmountMinor: charge.AmountMinor,
	})
	if err != nil {
		return FrozenCharge{}, fmt.Errorf("resolve charge %s: %w", charge.ID, err)
	}
	charge.State = StateManual
	return charge, nil
}
