package sync

import (
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

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

// otherInterval tells whether two products are paid for at other intervals: Stripe's cycle then starts again.
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

// withoutScheduled leaves out what an earlier sync stored for the subscription's future: it is worked out again.
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
