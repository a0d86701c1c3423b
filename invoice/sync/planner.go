package sync

import (
	"fmt"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

type planner struct {
	in Inputs
	// prices are products by Stripe's prices.
	prices map[string]string
	// customers are the Stripe ids given by this sync, byStripe the customers by the Stripe ids stored, in order.
	customers map[string]string
	byStripe  map[string][]string
	// why says what Stripe has that one customer's subscriptions here had not, by subscription.
	why map[heldKey][]string
	// stored are that customer's subscriptions as they are here, toCome those that a schedule at Stripe begins.
	stored, toCome map[heldKey]bool
	plan           Plan
}

func (p *planner) problem(format string, values ...any) {
	p.plan.Problems = append(p.plan.Problems, fmt.Sprintf(format, values...))
}

func (p *planner) note(format string, values ...any) {
	p.plan.Notes = append(p.plan.Notes, fmt.Sprintf(format, values...))
}

func (p *planner) because(s subscription.Subscription, why string) {
	p.why[keyOf(s)] = append(p.why[keyOf(s)], why)
}

func (p *planner) now() time.Time { return p.in.Now.UTC().Truncate(time.Second) }

// begun is Stripe's subscription as one here.
func (p *planner) begun(from Subscription, product string, at time.Time) subscription.Subscription {
	begun := subscription.Subscription{
		CustomerID: from.CustomerID, Product: product, StartsAt: at, EndsAt: from.EndsAt, Anchor: from.Anchor,
		StripeSubscription: from.ID, StripeHold: from.Hold, PastDue: from.PastDue, Origin: subscription.OriginSync,
		TrialFrom: from.TrialStart, TrialTo: from.TrialEnd,
	}
	if seats := from.seats(product, p.prices); seats != 1 || len(from.reseated) > 0 {
		begun.Seats = begun.Seats.Since(at, seats)
	}
	begun.Seats = from.reseat(begun.Seats)
	return begun
}

// known is nil for the zero time.
func known(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}
