package invoice

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
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

// rebill writes down that a person has a closed period billed again.
func rebill(ctx context.Context, c Config, asked Rebilling) (plan.Rebill, error) {
	all, err := c.ledger().Closings(ctx, c.account(), c.Catalog)
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
	if !asked.Undo {
		if err := c.Aggregator.CheckRows(ctx, asked.CustomerID, period); err != nil {
			return plan.Rebill{}, fmt.Errorf("bill a period again: %w; bill or credit the difference by hand, and say so "+
				"with `creditmill invoice resolve`", err)
		}
	}
	return c.ledger().Rebill(ctx, c.account(), plan.Rebill{
		CustomerID: asked.CustomerID, Period: period, Reason: asked.Reason, By: asked.By, At: c.now(),
		Undone: asked.Undo, Pending: !asked.Undo,
	}, c.RunID)
}
