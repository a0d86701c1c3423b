package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/warehouse"
)

// Consent is a person's decision about a charge that something holds.
type Consent struct {
	Charge plan.Charge
	// Of is what was decided about, Reason is why, By who.
	Of, Reason, By string
}

// Consent writes down that a person lets a charge be posted, or settled it, as it is.
func (l Ledger) Consent(ctx context.Context, given Consent, at time.Time, runID string) error {
	err := l.Warehouse.Exec(ctx, "invoice/release_hold.sql", warehouse.Params{
		"charge_id": given.Charge.ID, "amount_minor": given.Charge.AmountMinor, "reasons": given.Of,
		"reason": given.Reason, "released_by": given.By, "released_at": at, "run_id": runID,
	})
	if err != nil {
		return fmt.Errorf("write down who decided: %w", err)
	}
	return nil
}

// Rebill writes down that a person wants a closed period billed again, or does not any more. The rebill gets its id.
func (l Ledger) Rebill(ctx context.Context, account Account, rebill plan.Rebill, runID string) (plan.Rebill, error) {
	identity := runID + "|" + rebill.CustomerID + "|" + rebill.Period.Start.Format(time.RFC3339Nano)
	rebill.ID = "rb_" + plan.Hash([]byte(identity))[:20]
	err := l.Warehouse.Exec(ctx, "invoice/insert_rebill.sql", warehouse.Params{
		"rebill_id": rebill.ID, "stripe_account": account.ID, "livemode": bit(account.Livemode),
		"customer_id": rebill.CustomerID, "period_start": rebill.Period.Start, "period_end": rebill.Period.End,
		"reason": rebill.Reason, "requested_by": rebill.By, "requested_at": rebill.At, "undone": bit(rebill.Undone),
		"run_id": runID,
	})
	if err != nil {
		return plan.Rebill{}, fmt.Errorf("have the period of %s billed again: %w", rebill.CustomerID, err)
	}
	return rebill, nil
}
