package sync

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/schemas"
)

// Phase is what a schedule at Stripe is going to make of a subscription.
type Phase struct {
	StartsAt time.Time
	Items    []Item
	// Restarts says that its periods are counted from its start.
	Restarts bool
	// TrialEnd is when the trial ends with which it begins; zero if it begins with none.
	TrialEnd time.Time
}

// reseating is a number of seats that a schedule has in store.
type reseating struct {
	at    time.Time
	seats uint64
}

// schedulesOf are those that manage subscriptions, by id. None is asked for where none does.
func schedulesOf(
	ctx context.Context, s *stripe.Client, subscriptions []*stripego.Subscription,
) (map[string]*stripego.SubscriptionSchedule, error) {
	managed := func(one *stripego.Subscription) bool { return one.Schedule != nil }
	if !slices.ContainsFunc(subscriptions, managed) {
		return nil, nil
	}
	all, err := s.SubscriptionSchedules(ctx)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*stripego.SubscriptionSchedule, len(all))
	for _, schedule := range all {
		byID[schedule.ID] = schedule
	}
	return byID, nil
}

// follow reads what the subscription's schedule has in store. While there is one, the subscription's cancel_at is no
// end: Stripe sets it to when the next phase begins, and lets nobody else set it. The schedule alone knows the end.
func (s *Subscription) follow(
	from *stripego.Subscription, schedules map[string]*stripego.SubscriptionSchedule,
) error {
	if from.Schedule == nil || from.EndedAt != 0 || from.Status == stripego.SubscriptionStatusCanceled {
		return nil
	}
	schedule := schedules[from.Schedule.ID]
	if schedule == nil || schedule.Status == "" {
		return fmt.Errorf("read schedule %s of subscription %s: %w", from.Schedule.ID, from.ID, stripe.ErrIncomplete)
	}
	s.EndsAt = time.Time{}
	if schedule.Status != stripego.SubscriptionScheduleStatusActive { // it was released a moment ago
		return nil
	}
	if schedule.CurrentPhase == nil || len(schedule.Phases) == 0 {
		return fmt.Errorf("read schedule %s of subscription %s: %w", schedule.ID, from.ID, stripe.ErrIncomplete)
	}
	for _, phase := range schedule.Phases {
		if phase.StartDate <= schedule.CurrentPhase.StartDate {
			continue
		}
		next := Phase{
			StartsAt: stripe.Time(phase.StartDate), TrialEnd: stripe.Time(phase.TrialEnd),
			Restarts: phase.BillingCycleAnchor == stripego.SubscriptionSchedulePhaseBillingCycleAnchorPhaseStart,
		}
		for _, item := range phase.Items {
			if item.Price != nil { // that of a metered price has no quantity
				next.Items = append(next.Items, Item{
					Price: item.Price.ID, Quantity: uint64(max(item.Quantity, 0)), Metered: item.Quantity == 0,
				})
			}
		}
		s.Phases = append(s.Phases, next)
	}
	slices.SortStableFunc(s.Phases, func(a, b Phase) int { return a.StartsAt.Compare(b.StartsAt) })
	if schedule.EndBehavior == stripego.SubscriptionScheduleEndBehaviorCancel {
		s.EndsAt = stripe.Time(schedule.Phases[len(schedule.Phases)-1].EndDate)
	}
	return nil
}

// scheduled takes a subscription apart into what it is until its schedule moves it to another product, and what it is
// from then on, in order. A phase that does not change the product can change the seats. A phase to what is no product
// of the catalog, or to several, needs a person; it and what comes behind it is left out until it begins.
func (p *planner) scheduled(from Subscription) (now Subscription, coming []Subscription) {
	pieces := []Subscription{from}
	product, end := from.products(p.prices)[0], from.EndsAt
	for _, phase := range from.Phases {
		last := &pieces[len(pieces)-1]
		next := from
		next.Items, next.StartsAt, next.reseated = phase.Items, p.boundary(from, phase.StartsAt), nil
		products := next.products(p.prices)
		if len(products) != 1 {
			p.problem("customer %s: Stripe's schedule moves subscription %s at %s to %s; give each price one product of the "+
				"catalog, or change the schedule", from.CustomerID, from.ID, instant(phase.StartsAt), named(phase.Items, products))
			end = time.Time{}
			break
		}
		if products[0] == product {
			seats := next.seats(product, p.prices)
			if before := last.seatsAtEnd(product, p.prices); seats != before {
				last.reseated = append(last.reseated, reseating{next.StartsAt, seats})
			}
			continue
		}
		if phase.Restarts || p.otherInterval(product, products[0], next.StartsAt) {
			next.Anchor = next.StartsAt
		}
		next.TrialStart, next.TrialEnd = time.Time{}, time.Time{}
		if phase.TrialEnd.After(next.StartsAt) {
			next.TrialStart, next.TrialEnd = next.StartsAt, phase.TrialEnd
		}
		last.EndsAt, product = next.StartsAt, products[0]
		pieces = append(pieces, next)
	}
	pieces[len(pieces)-1].EndsAt = end
	return pieces[0], pieces[1:]
}

// named are the prices of a phase that are of no product, or of several.
func named(items []Item, products []string) string {
	if len(products) > 0 {
		return "several products (" + strings.Join(products, ", ") + ")"
	}
	var prices []string
	for _, item := range items {
		prices = append(prices, item.Price)
	}
	return strings.Join(prices, ", ") + ", which no product of the catalog has"
}

// boundary is when a change that Stripe makes at an instant takes effect: with cut-off periods where the one ends that
// Stripe's ends there.
func (p *planner) boundary(from Subscription, at time.Time) time.Time {
	if !p.in.Cutoff {
		return at
	}
	product, _ := p.in.Catalog.Product(from.products(p.prices)[0])
	terms := product.At(at)
	if terms.Credits == nil {
		return at
	}
	ours := terms.Credits.Every.PeriodAt(at.Add(-cutoffLead), &from.Anchor, p.in.Catalog.Timezone).Start.UTC()
	if at.Sub(ours) > cutoffMost {
		return at
	}
	return ours
}

// otherInterval tells whether two products are paid for at other intervals: Stripe's cycle then begins anew.
func (p *planner) otherInterval(one, other string, at time.Time) bool {
	every := func(id string) schemas.Interval {
		product, _ := p.in.Catalog.Product(id)
		if price := product.At(at).Price; price != nil {
			return price.Every
		}
		return schemas.IntervalMonth
	}
	return every(one) != every(other)
}

// withoutScheduled leaves out what an earlier sync stored for the subscription's future: it is worked out anew.
func (p *planner) withoutScheduled(
	from Subscription, coming []Subscription, own []subscription.Subscription,
) []subscription.Subscription {
	first := time.Time{}
	for _, stored := range own {
		if stored.StripeSubscription == from.ID && (first.IsZero() || stored.StartsAt.Before(first)) {
			first = stored.StartsAt
		}
	}
	return slices.DeleteFunc(slices.Clone(own), func(stored subscription.Subscription) bool {
		begins := stored.StartsAt.After(p.in.Now) || slices.ContainsFunc(coming, func(next Subscription) bool {
			return next.StartsAt.Equal(stored.StartsAt)
		})
		if stored.StripeSubscription != from.ID || !stored.StartsAt.After(first) || !begins {
			return false
		}
		p.because(stored, "Stripe's schedule does not begin it any more")
		return true
	})
}

// begin adds what a schedule has in store. It takes the place of what was attached by hand for the same time.
func (p *planner) begin(coming []Subscription, own []subscription.Subscription) []subscription.Subscription {
	for _, next := range coming {
		begun := p.begun(next, next.products(p.prices)[0], next.StartsAt)
		own = slices.DeleteFunc(own, func(stored subscription.Subscription) bool {
			return stored.StripeSubscription == "" && keyOf(stored) == keyOf(begun)
		})
		p.toCome[keyOf(begun)] = true
		p.why[keyOf(begun)] = []string{"Stripe's schedule begins it"}
		own = append(own, begun)
	}
	return own
}

// isScheduled tells whether a subscription is one that a schedule has in store.
func (p *planner) isScheduled(s subscription.Subscription) bool { return p.toCome[keyOf(s)] }

// seatsAtEnd are those of the last phase that is known.
func (s Subscription) seatsAtEnd(product string, prices map[string]string) uint64 {
	if last := len(s.reseated) - 1; last >= 0 {
		return s.reseated[last].seats
	}
	return s.seats(product, prices)
}

// reseat adds the seats that the schedule has in store.
func (s Subscription) reseat(seats subscription.Seats) subscription.Seats {
	for _, change := range s.reseated {
		seats = seats.Since(change.at, change.seats)
	}
	return seats
}

// seatsToCome says what the schedule has in store; empty for nothing.
func (s Subscription) seatsToCome() string {
	var changes []string
	for _, change := range s.reseated {
		changes = append(changes, fmt.Sprintf("%d seats from %s", change.seats, instant(change.at)))
	}
	return strings.Join(changes, ", ")
}
