package invoice

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Rebilling asks for a closed period to be billed again.
type Rebilling struct {
	CustomerID string
	// Period holds the start of the period; without an End, the closed period is meant that holds its Start.
	Period schemas.Period
	// Reason is why, By who.
	Reason, By string
	// Undo takes back what was asked for the period before and is not posted yet.
	Undo bool
}

// Rebill writes down that a person has a closed period billed again, by the catalog, product and grants of today within
// the bounds it has. The difference is in the next plan, held until it is released. The caller holds the writer lock.
func (r *Runner) Rebill(ctx context.Context, asked Rebilling) (plan.Rebill, error) {
	all, err := r.ledger.Closings(ctx, r.account(), r.config.Catalog)
	if err != nil {
		return plan.Rebill{}, err
	}
	period, err := all.Find(asked.CustomerID, asked.Period)
	if err != nil {
		return plan.Rebill{}, err
	}
	_, rebills := all.OfCustomer(asked.CustomerID).Effective()
	pending := slices.ContainsFunc(rebills, func(r plan.Rebill) bool { return r.Pending && r.Period == period })
	if asked.Undo && !pending {
		return plan.Rebill{}, fmt.Errorf("take the rebill of %s from %s back: none is pending; what was posted is "+
			"billed again with another rebill: %w", asked.CustomerID, period.Start.Format(time.RFC3339), plan.ErrNotClosed)
	}
	now := r.config.Now().UTC().Truncate(time.Millisecond)
	rebill := plan.Rebill{
		CustomerID: asked.CustomerID, Period: period, Reason: asked.Reason, By: asked.By, At: now, Undone: asked.Undo,
		Pending: !asked.Undo,
	}
	identity := r.config.RunID + "|" + asked.CustomerID + "|" + period.Start.Format(time.RFC3339Nano)
	rebill.ID = "rb_" + plan.Hash([]byte(identity))[:20]
	err = r.config.Warehouse.Exec(ctx, "invoice/insert_rebill.sql", warehouse.Params{
		"rebill_id": rebill.ID, "stripe_account": r.config.StripeAccount, "livemode": ledger.Bit(r.config.Livemode),
		"customer_id": rebill.CustomerID, "period_start": period.Start, "period_end": period.End,
		"reason": rebill.Reason, "requested_by": rebill.By, "requested_at": now, "undone": ledger.Bit(rebill.Undone),
		"run_id": r.config.RunID,
	})
	if err != nil {
		return plan.Rebill{}, fmt.Errorf("have the period of %s billed again: %w", asked.CustomerID, err)
	}
	return rebill, nil
}
