package sync

import (
	"slices"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// kindOf is what a product must not overlap: an add-on only itself, all other products each other.
func (p *planner) kindOf(product string) string {
	if found, ok := p.in.Catalog.Product(product); ok && found.AddOn {
		return found.ID
	}
	return ""
}

// exclusive are the products that are no add-ons.
func (p *planner) exclusive(products []string) []string {
	return slices.DeleteFunc(slices.Clone(products), func(product string) bool { return p.kindOf(product) != "" })
}

// compareParts lays one of Stripe's subscriptions over the customer's own: to a product, and to each add-on that it
// holds, one by one.
func (p *planner) compareParts(from Subscription, own []subscription.Subscription) []subscription.Subscription {
	kinds := []string{}
	for _, product := range from.products(p.prices) {
		if kind := p.kindOf(product); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	for _, kind := range kinds {
		var alike, others []subscription.Subscription
		for _, stored := range own {
			if p.kindOf(stored.Product) == kind {
				alike = append(alike, stored)
			} else {
				others = append(others, stored)
			}
		}
		part := p.part(from, kind)
		if has := holds(part); slices.ContainsFunc(others, has) && !slices.ContainsFunc(alike, has) {
			part.StartsAt = p.now() // it was added to one that is known; Stripe does not tell when
		}
		own = append(others, p.compare(part, alike)...)
	}
	for i, stored := range own {
		if stored.StripeSubscription == from.ID && p.goesOn(stored) && !slices.Contains(kinds, p.kindOf(stored.Product)) {
			own[i].EndsAt = p.now()
			p.because(own[i], "Stripe's "+from.ID+" does not hold it any more")
		}
	}
	return own
}

// holds tells of subscriptions here whether they are of Stripe's.
func holds(from Subscription) func(subscription.Subscription) bool {
	return func(s subscription.Subscription) bool { return s.StripeSubscription == from.ID }
}

// part is a subscription with the items of one kind. An add-on that a phase of its schedule does not hold ends there.
func (p *planner) part(from Subscription, kind string) Subscription {
	of := func(items []Item) []Item {
		return slices.DeleteFunc(slices.Clone(items), func(item Item) bool { return p.kindOf(p.prices[item.Price]) != kind })
	}
	part := from
	part.Items, part.Phases = of(from.Items), nil
	for _, phase := range from.Phases {
		whole := phase
		phase.Items = of(phase.Items)
		switch {
		case kind != "" && len(phase.Items) == 0:
			part.EndsAt = phase.StartsAt
			return part
		case len(phase.Items) == 0:
			phase.Items = whole.Items
		}
		part.Phases = append(part.Phases, phase)
	}
	return part
}
