package post

import (
	"context"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
)

// targetUsable looks whether a frozen charge can go where it was frozen for (S2). With a reason, gone says that it
// never can: the Stripe customer is deleted, its subscription has ended or is in another currency, or the draft that
// renewed it is final.
func (p *Poster) targetUsable(ctx context.Context, charge plan.FrozenCharge) (reason string, gone bool, err error) {
	customer, reason, err := p.customer(ctx, charge.StripeCustomer)
	if err != nil || reason != "" {
		return reason, err == nil && customer == nil, err
	}
	switch {
	case charge.OwnInvoice():
		return "", false, nil
	case charge.Mode == plan.ModeRenewal:
		return p.draftUsable(ctx, charge)
	case charge.Mode == plan.ModeCreditNote:
		reason, err := p.creditUsable(ctx, charge)
		return reason, reason != "", err
	}
	return p.subscriptionUsable(ctx, charge)
}

// chooseAnew finds another way for a charge whose target is gone, and freezes it. It does so only where nothing is at
// Stripe and nothing can be on its way: no request was ever announced, or the last is ten minutes old and a whole
// list does not show the item. Then the old key is given up, so that no late request and no kept refusal is in the
// way. With a reason, there is no other way; without one and not moved, Stripe has it.
func (p *Poster) chooseAnew(ctx context.Context, charge plan.FrozenCharge, events []ledger.Event, gone string,
) (now plan.FrozenCharge, moved bool, reason string, err error) {
	item := ledger.Fold(events, ledger.StepItem)
	if item.Ack != nil || item.Rejected {
		return charge, false, "", nil // it goes on, or ends, as it is
	}
	there, err := p.findItem(alone(ctx), charge)
	if err != nil {
		return charge, false, "", err
	}
	if len(there.ids) > 0 {
		return charge, false, "", nil // adopted as it is
	}
	if p.refreeze == nil {
		return charge, false, gone + "; " + plan.HowToResolve(charge.ID), nil
	}
	for _, event := range events {
		if rest := ledger.SettleTime - p.Clock().Sub(event.At); rest > 0 {
			return charge, false, fmt.Sprintf("%s, and a request of the charge may be on its way: post again in %s", gone,
				rest.Round(time.Second)), nil
		}
	}
	now = charge
	if customer := p.customers[charge.CustomerID]; customer != "" {
		now.StripeCustomer = customer
	}
	// What had an invoice of its own keeps one: it may be a part of an amount that no other invoice can hold.
	now.Split = charge.OwnInvoice()
	way, held, err := p.choose(ctx, now.Charge, "", p.policy)
	if err != nil {
		return charge, false, "", err
	}
	if reason := held.reason; reason != "" {
		if reason != gone {
			reason = gone + "; " + reason
		}
		return charge, false, reason + "; " + plan.HowToResolve(charge.ID), nil
	}
	given, err := p.givenKeys(ctx, charge, events)
	if err != nil {
		return charge, false, "", err
	}
	if len(given) > 0 {
		if err := p.append(ctx, given...); err != nil {
			return charge, false, "", err
		}
	}
	if now, err = p.refreeze(ctx, now, way); err != nil {
		return charge, false, "", err
	}
	p.anew.Store(now.ID, now)
	p.noteOn(now.ID, way)
	return now, true, "", nil
}

// givenKeys are the events by which the keys of a charge are given up that were announced and came to nothing.
func (p *Poster) givenKeys(
	ctx context.Context, charge plan.FrozenCharge, events []ledger.Event,
) (given []ledger.Event, err error) {
	giveUp := func(charge plan.FrozenCharge, events []ledger.Event, step string) {
		if state := ledger.Fold(events, step); state.Announced && state.Ack == nil {
			given = append(given, p.event(charge, step, state.Epoch, outcome{kind: ledger.Poison, code: "target_gone"}))
		}
	}
	giveUp(charge, events, ledger.StepItem)
	giveUp(charge, events, ledger.StepInvoice)
	if sharesInvoice(charge.Charge, charge.Mode) {
		first := billed(charge)
		shared, err := p.events.Events(ctx, []string{first.ID})
		if err != nil {
			return nil, err
		}
		giveUp(first, shared, ledger.StepShared)
	}
	return given, nil
}
