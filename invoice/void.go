package invoice

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
)

// Voided says what a decision on charges of a void invoice did.
type Voided struct {
	// Charges are those that are billed again, or are not any more: all parts of one that are on a void invoice.
	Charges []plan.FrozenCharge
	Invoice string
	// Again are the charges that bill them again in the plan, each held until it is released.
	Again []plan.Charge
}

// RebillVoid writes down that a person has a charge billed again whose invoice is void at Stripe. It counts as charged
// no more, and its period's difference is in the next plan, held until it is released. undo takes that back while
// nothing of the period was frozen since. The caller holds the writer lock.
func (r *Runner) RebillVoid(ctx context.Context, by Release, undo bool) (Voided, error) {
	frozen, err := r.config.ledger().Charges(ctx, r.config.StripeAccount, r.config.Livemode)
	if err != nil {
		return Voided{}, err
	}
	i := slices.IndexFunc(frozen, func(f plan.FrozenCharge) bool { return f.ID == by.ChargeID })
	if i < 0 {
		return Voided{}, fmt.Errorf("bill charge %s again: no such charge was ever posted: %w", by.ChargeID, post.ErrNotVoid)
	}
	done, action := Voided{}, plan.ActionRebill
	if undo {
		action = plan.ActionUndoRebill
		done, err = undoVoid(frozen, frozen[i])
	} else {
		done, err = r.void(ctx, frozen, frozen[i])
	}
	if err != nil {
		return Voided{}, fmt.Errorf("bill charge %s again: %w", by.ChargeID, err)
	}
	charges := make([]plan.Charge, 0, len(done.Charges))
	for _, charge := range done.Charges {
		charges = append(charges, charge.Charge)
	}
	err = r.config.ledger().Decide(ctx, ledger.Decision{
		Action: action, Charges: charges, About: done.Invoice, Reason: by.Reason, By: by.By,
	}, r.config.now(), r.config.RunID)
	if err != nil {
		return Voided{}, fmt.Errorf("bill charge %s again: %w", by.ChargeID, err)
	}
	planned, err := r.Plan(ctx)
	if err != nil {
		return Voided{}, err
	}
	for _, charge := range planned.Charges {
		if _, known := planned.Frozen[charge.ID]; !known && charge.Key() == frozen[i].Key() {
			done.Again = append(done.Again, charge)
		}
	}
	return done, nil
}

// void finds the charge and its parts on void invoices.
func (r *Runner) void(ctx context.Context, frozen []plan.FrozenCharge, charge plan.FrozenCharge) (Voided, error) {
	switch {
	case charge.State != plan.StatePosted:
		return Voided{}, fmt.Errorf("it is %s, and only what is posted can be on a void invoice: %w", charge.State,
			post.ErrNotVoid)
	case charge.Void != nil:
		return Voided{}, fmt.Errorf("it is billed again already, says %s: %s: %w", charge.Void.By, charge.Void.Reason,
			post.ErrNotVoid)
	}
	invoice, err := r.poster.VoidInvoice(ctx, charge)
	if err != nil {
		return Voided{}, err
	}
	done := Voided{Charges: []plan.FrozenCharge{charge}, Invoice: invoice}
	for _, other := range frozen {
		if charge.PartOf == "" || other.PartOf != charge.PartOf || other.ID == charge.ID || other.Void != nil ||
			other.State != plan.StatePosted {
			continue
		}
		on, err := r.poster.VoidInvoice(ctx, other)
		switch {
		case errors.Is(err, post.ErrNotVoid):
		case err != nil:
			return Voided{}, err
		case on == invoice:
			done.Charges = append(done.Charges, other)
		}
	}
	return done, nil
}

// undoVoid finds the charges that are billed again with one.
func undoVoid(frozen []plan.FrozenCharge, charge plan.FrozenCharge) (Voided, error) {
	if charge.Void == nil {
		return Voided{}, fmt.Errorf("nobody had it billed again: %w", post.ErrNotVoid)
	}
	done := Voided{Invoice: charge.Void.Invoice}
	for _, other := range frozen {
		switch {
		case other.Key() != charge.Key():
		case other.FrozenAt.After(charge.Void.At):
			return Voided{}, fmt.Errorf("charge %s bills it again already: %w", other.ID, post.ErrNotVoid)
		case other.Void != nil && other.Void.Invoice == done.Invoice:
			done.Charges = append(done.Charges, other)
		}
	}
	return done, nil
}

// stillVoid says why a charge that is not posted yet cannot bill again what was void: Stripe holds that, or another
// item of it, where it is paid or may be. It is empty for all others.
func (r *Runner) stillVoid(ctx context.Context, planned plan.Plan) func(plan.Charge) string {
	var wrong []plan.FrozenCharge
	why := map[string]string{}
	for _, void := range planned.Inputs.Frozen {
		waits := func(charge plan.Charge) bool {
			return charge.Status != plan.StatusPosted && charge.Key() == void.Key()
		}
		if void.Void == nil || !slices.ContainsFunc(planned.Charges, waits) {
			continue
		}
		_, err := r.poster.VoidInvoice(ctx, void)
		if err == nil {
			continue
		}
		wrong = append(wrong, void)
		if !errors.Is(err, post.ErrNotVoid) { // nobody else's charge waits for it
			why[void.ID] = fmt.Sprintf("charge %s is to be billed again, and Stripe could not be asked of it: %s", void.ID, err)
			continue
		}
		why[void.ID] = fmt.Sprintf("charge %s was to be billed again, but %s: take that off at Stripe, or run "+
			"`creditmill invoice rebill %[1]s --undo --reason …`", void.ID, err)
	}
	return func(charge plan.Charge) string {
		for _, void := range wrong {
			if void.Key() == charge.Key() {
				return why[void.ID]
			}
		}
		return ""
	}
}
