package invoice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// ErrNotClosed is returned for a period that cannot be billed again, since it is not closed, or is not the only one.
var ErrNotClosed = errors.New("no such closed period")

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
func (r *Runner) Rebill(ctx context.Context, asked Rebilling) (Rebill, error) {
	all, err := r.ledger.closings(ctx, r.account(), r.config.Catalog)
	if err != nil {
		return Rebill{}, err
	}
	period, err := all.find(asked.CustomerID, asked.Period)
	if err != nil {
		return Rebill{}, err
	}
	_, rebills := all.ofCustomer(asked.CustomerID).effective()
	pending := slices.ContainsFunc(rebills, func(r Rebill) bool { return r.Pending && r.Period == period })
	if asked.Undo && !pending {
		return Rebill{}, fmt.Errorf("take the rebill of %s from %s back: none is pending; what was posted is billed again "+
			"with another rebill: %w", asked.CustomerID, period.Start.Format(time.RFC3339), ErrNotClosed)
	}
	now := r.config.Now().UTC().Truncate(time.Millisecond)
	rebill := Rebill{
		CustomerID: asked.CustomerID, Period: period, Reason: asked.Reason, By: asked.By, At: now, Undone: asked.Undo,
		Pending: !asked.Undo,
	}
	identity := r.config.RunID + "|" + asked.CustomerID + "|" + period.Start.Format(time.RFC3339Nano)
	rebill.ID = "rb_" + hash([]byte(identity))[:20]
	err = r.config.Warehouse.Exec(ctx, "invoice/insert_rebill.sql", warehouse.Params{
		"rebill_id": rebill.ID, "stripe_account": r.config.StripeAccount, "livemode": bit(r.config.Livemode),
		"customer_id": rebill.CustomerID, "period_start": period.Start, "period_end": period.End,
		"reason": rebill.Reason, "requested_by": rebill.By, "requested_at": now, "undone": bit(rebill.Undone),
		"run_id": r.config.RunID,
	})
	if err != nil {
		return Rebill{}, fmt.Errorf("have the period of %s billed again: %w", asked.CustomerID, err)
	}
	return rebill, nil
}

// find is the customer's one closed period that begins in the wanted one, or holds its start where that has no end.
func (c closings) find(customer string, wanted schemas.Period) (schemas.Period, error) {
	closed, _ := c.ofCustomer(customer).effective()
	var found, all []schemas.Period
	for _, stretch := range closed {
		periods, err := stretch.Periods()
		if err != nil {
			return schemas.Period{}, err
		}
		for _, period := range periods {
			if len(all) > 0 && all[len(all)-1] == period {
				continue // several stretches of one window
			}
			all = append(all, period)
			if wanted.End.IsZero() && period.Contains(wanted.Start) ||
				!wanted.End.IsZero() && wanted.Contains(period.Start) {
				found = append(found, period)
			}
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(all) == 0 {
		return schemas.Period{}, fmt.Errorf("customer %s has no closed period; one closes when a plan that holds it is "+
			"posted, and until then what changes simply counts: %w", customer, ErrNotClosed)
	}
	if len(found) == 0 {
		return schemas.Period{}, fmt.Errorf("customer %s has no closed period there; the closed time is %s to %s, and what "+
			"is open simply counts in `creditmill invoice preview`: %w", customer, all[0].Start.Format(time.RFC3339),
			all[len(all)-1].End.Format(time.RFC3339), ErrNotClosed)
	}
	starts := make([]string, len(found))
	for i, period := range found {
		starts[i] = period.Start.Format(time.RFC3339)
	}
	return schemas.Period{}, fmt.Errorf("customer %s has several closed periods there; name one by its start: %s: %w",
		customer, strings.Join(starts, ", "), ErrNotClosed)
}
