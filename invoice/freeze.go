package invoice

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
)

// customers tells those apart whose charges a run posts.
type customers func(customerID string) bool

func everybody(string) bool { return true }

// freeze writes the plan, the time that it closes and its charges down and reads them back (S1). What is read back is
// what is sent: of two runs that froze the same charge, both send the earlier row.
func freeze(
	ctx context.Context, c Config, planned plan.Plan, whose customers, charges []plan.FrozenCharge,
) (read []plan.FrozenCharge, held []post.Report, err error) {
	charges, held = consistent(charges)
	frozenAt := c.now()
	if len(charges) > 0 {
		frozenAt = charges[0].FrozenAt
	}
	stretches, err := closing(ctx, c, planned, whose, charges, frozenAt)
	if err != nil || len(charges) == 0 && len(stretches) == 0 {
		return nil, held, err
	}
	if err := c.Aggregator.StoreCatalog(ctx, c.Catalog); err != nil {
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
	// What was lost before the plan was made is missed now, and would stay frozen.
	if err := c.Warehouse.CheckComplete(ctx); err != nil {
		return nil, held, fmt.Errorf("freeze plan %s: nothing was frozen: %w", planned.SHA, err)
	}
	err = c.ledger().Freeze(ctx, ledger.FrozenPlan{
		SHA: planned.SHA, AsOf: planned.AsOf, CatalogSHA: c.Catalog.SHA256, Loads: planned.Loads, Body: body,
		Inputs: inputs, RunID: c.RunID, FrozenAt: frozenAt,
	}, c.account(), stretches, charges)
	if err != nil {
		return nil, held, err
	}
	c.Log.Info().Str("plan_sha", planned.SHA).Int("stretches", len(stretches)).Msg("periods_closed")
	if len(charges) == 0 {
		return nil, held, nil
	}
	read, untrusted, err := readBack(ctx, c, charges)
	return read, append(held, untrusted...), err
}

// consistent leaves out the charges whose figures contradict each other, and all parts of a charge of which one does.
func consistent(charges []plan.FrozenCharge) (left []plan.FrozenCharge, held []post.Report) {
	wrong := map[string]error{}
	for _, charge := range charges {
		if err := charge.CheckOwn(); err != nil {
			wrong[charge.WholeID()] = err
		}
	}
	left = slices.DeleteFunc(charges, func(charge plan.FrozenCharge) bool {
		err := wrong[charge.WholeID()]
		if err != nil {
			held = append(held, post.HeldFor(charge.Charge, plan.HoldNotComputable, err.Error()))
		}
		return err != nil
	})
	return left, held
}

// readBack reads frozen charges as they are stored: another run may have been first.
func readBack(ctx context.Context, c Config, charges []plan.FrozenCharge,
) (read []plan.FrozenCharge, held []post.Report, err error) {
	stored, err := c.ledger().Charges(ctx, c.StripeAccount, c.Livemode)
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
		if err := back.CheckReadBack(charge, c.RunID); err != nil { // it is not sent, and stops no other
			held = append(held, post.HeldFor(back.Charge, plan.HoldUnreadable, err.Error()))
			continue
		}
		read = append(read, back)
	}
	c.Fault("S1")
	return read, held, nil
}

// closing finds the time that a plan closes when it is frozen with the chosen charges. Time for which usage may still
// arrive stays open.
func closing(
	ctx context.Context, c Config, planned plan.Plan, whose customers, chosen []plan.FrozenCharge, at time.Time,
) ([]plan.Closing, error) {
	if planned.Narrowed {
		return nil, nil
	}
	query := c.query(planned.Loads)
	query.Known = &planned.Known
	var used []string
	for _, balance := range planned.Inputs.Periods {
		used = append(used, balance.CustomerID)
	}
	ended, err := c.Aggregator.Ended(ctx, query, used)
	if err != nil {
		return nil, fmt.Errorf("close periods of plan %s: %w", planned.SHA, err)
	}
	ended = slices.DeleteFunc(ended, func(stretch subscription.Closed) bool { return !whose(stretch.CustomerID) })
	return planned.Closes(ended, chosen, c.settledBy(planned.AsOf), c.RunID, at), nil
}
