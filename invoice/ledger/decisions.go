package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/warehouse"
)

// Decision is what a person decides about charges.
type Decision struct {
	// Action is one of plan's.
	Action  string
	Charges []plan.Charge
	// About is what was decided about, Reason is why, By who.
	About, Reason, By string
}

// Decide writes a decision down.
func (l Ledger) Decide(ctx context.Context, taken Decision, at time.Time, runID string) error {
	ids, amounts := make([]string, 0, len(taken.Charges)), make([]int64, 0, len(taken.Charges))
	codes, customers := make([]string, 0, len(taken.Charges)), make([]string, 0, len(taken.Charges))
	for _, charge := range taken.Charges {
		ids, amounts = append(ids, charge.ID), append(amounts, charge.AmountMinor)
		codes, customers = append(codes, plan.JoinCodes(charge.HoldCodes)), append(customers, charge.StripeCustomer)
	}
	err := l.Warehouse.Exec(ctx, "invoice/insert_decisions.sql", warehouse.Params{
		"charge_ids": ids, "amounts_minor": amounts, "hold_codes": codes, "stripe_customers": customers,
		"action": taken.Action, "about": taken.About, "reason": taken.Reason, "decided_by": taken.By, "decided_at": at,
		"run_id": runID,
	})
	if err != nil {
		return fmt.Errorf("write down who decided: %w", err)
	}
	return nil
}

// Decided reads what persons decided about what keeps charges back.
func (l Ledger) Decided(ctx context.Context) (plan.Releases, plan.Withheld, error) {
	type row struct {
		ChargeID    string    `ch:"charge_id"`
		Action      string    `ch:"action"`
		AmountMinor int64     `ch:"amount_minor"`
		Reason      string    `ch:"reason"`
		By          string    `ch:"decided_by"`
		At          time.Time `ch:"decided_at"`
	}
	rows, err := warehouse.Select[row](ctx, l.Warehouse, "invoice/holds_decided.sql", nil)
	if err != nil {
		return nil, nil, fmt.Errorf("read what was decided about held charges: %w", err)
	}
	released, withheld, let := plan.Releases{}, plan.Withheld{}, plan.Withheld{}
	for _, row := range rows {
		switch row.Action {
		case plan.ActionRelease:
			released.Add(row.ChargeID, row.AmountMinor)
			if why, held := withheld[row.ChargeID]; held {
				let[row.ChargeID] = why
			}
			delete(withheld, row.ChargeID)
		case plan.ActionUndoRelease:
			delete(released, row.ChargeID)
			if why, held := let[row.ChargeID]; held { // what a person had held is held again
				withheld[row.ChargeID] = why
			}
		case plan.ActionHold:
			withheld[row.ChargeID] = "held by " + row.By + ": " + row.Reason
		}
	}
	return released, withheld, nil
}

// markVoid notes which charges persons have billed again, their invoices being void.
func (l Ledger) markVoid(ctx context.Context, charges []plan.FrozenCharge) error {
	type row struct {
		ChargeID string    `ch:"charge_id"`
		Invoice  string    `ch:"about"`
		Reason   string    `ch:"reason"`
		By       string    `ch:"decided_by"`
		At       time.Time `ch:"decided_at"`
	}
	rows, err := warehouse.Select[row](ctx, l.Warehouse, "invoice/void_charges.sql", nil)
	if err != nil {
		return fmt.Errorf("read which charges are billed again: %w", err)
	}
	void := make(map[string]*plan.Void, len(rows))
	for _, row := range rows {
		void[row.ChargeID] = &plan.Void{Invoice: row.Invoice, Reason: row.Reason, By: row.By, At: row.At.UTC()}
	}
	for i := range charges {
		charges[i].Void = void[charges[i].ID]
	}
	return nil
}

// ReleasedBy are those who released each charge, by its id.
func (l Ledger) ReleasedBy(ctx context.Context) (map[string][]string, error) {
	type row struct {
		ChargeID string   `ch:"charge_id"`
		By       []string `ch:"released_by"`
	}
	rows, err := warehouse.Select[row](ctx, l.Warehouse, "invoice/released_by.sql", nil)
	if err != nil {
		return nil, fmt.Errorf("read who released charges: %w", err)
	}
	all := make(map[string][]string, len(rows))
	for _, row := range rows {
		all[row.ChargeID] = row.By
	}
	return all, nil
}

// Approval is the latest approval of a charge.
type Approval struct {
	AmountMinor    int64
	By             string
	StripeCustomer string
}

// Holds says that the approval is good for a charge as it is now. One that an earlier version wrote down names no
// Stripe customer.
func (a Approval) Holds(charge plan.Charge) bool {
	return a.By != "" && a.AmountMinor == charge.AmountMinor && a.StripeCustomer == charge.StripeCustomer
}

// Approvals reads the approvals of charges since a time, by charge id.
func (l Ledger) Approvals(ctx context.Context, since time.Time) (map[string]Approval, error) {
	type row struct {
		ChargeID       string `ch:"charge_id"`
		AmountMinor    int64  `ch:"amount_minor"`
		By             string `ch:"approved_by"`
		StripeCustomer string `ch:"stripe_customer"`
	}
	rows, err := warehouse.Select[row](ctx, l.Warehouse, "invoice/approvals.sql", warehouse.Params{"since": since})
	if err != nil {
		return nil, fmt.Errorf("read approvals: %w", err)
	}
	all := make(map[string]Approval, len(rows))
	for _, row := range rows {
		all[row.ChargeID] = Approval{AmountMinor: row.AmountMinor, By: row.By, StripeCustomer: row.StripeCustomer}
	}
	return all, nil
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
