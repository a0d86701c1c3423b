package sync

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// compare lays one of Stripe's subscriptions over the customer's own: as it is, and as it is going to be.
func (p *planner) compare(from Subscription, own []subscription.Subscription) []subscription.Subscription {
	from, coming := p.scheduled(from)
	return p.begin(coming, p.compareNow(from, p.withoutScheduled(from, coming, own)))
}

// compareNow lays what a subscription is now over the customer's own.
func (p *planner) compareNow(from Subscription, own []subscription.Subscription) []subscription.Subscription {
	product := from.products(p.prices)[0]
	never := from.neverBegan || !from.EndsAt.IsZero() && !from.EndsAt.After(from.StartsAt)
	latest := -1
	for i, stored := range own {
		if stored.StripeSubscription == from.ID && (latest < 0 || stored.StartsAt.After(own[latest].StartsAt)) {
			latest = i
		}
	}
	switch {
	case latest < 0 && never:
		return own
	case latest < 0:
		return p.add(from, product, own)
	case never:
		p.because(own[latest], "it never began: it is "+from.Status)
		return slices.Delete(own, latest, latest+1)
	case own[latest].Product != product:
		return p.switched(from, product, own, latest)
	}
	return p.revise(from, own, latest)
}

// add takes a subscription that is not here yet, or links one that was attached by hand.
func (p *planner) add(
	from Subscription, product string, own []subscription.Subscription,
) []subscription.Subscription {
	added := p.begun(from, product, from.StartsAt)
	for i, stored := range own {
		if stored.Product == product && stored.StripeSubscription == "" && stored.Overlaps(added) {
			return p.link(from, own, i)
		}
	}
	p.because(added, "Stripe has it, "+status(from))
	p.comparePeriods(added, from)
	return append(own, added)
}

// link makes one that was attached or imported by hand Stripe's.
func (p *planner) link(
	from Subscription, own []subscription.Subscription, i int,
) []subscription.Subscription {
	own[i].StripeSubscription = from.ID
	if seats := from.seats(own[i].Product, p.prices); seats != 1 && own[i].Seats == "" {
		own[i].Seats = own[i].Seats.Since(own[i].StartsAt, seats)
	}
	own = p.revise(from, own, i)
	p.why[keyOf(own[i])] = []string{"it is Stripe's " + from.ID + " from now on"}
	return own
}

// revise brings one that is here up to date. What was attached or imported by hand keeps its start and anchor.
func (p *planner) revise(
	from Subscription, own []subscription.Subscription, i int,
) []subscription.Subscription {
	before, now := own[i], own[i]
	now.EndsAt = p.endOf(from, own, i)
	now.StripeHold, now.PastDue = from.Hold, from.PastDue
	if !before.EndsAt.Equal(now.EndsAt) {
		p.because(now, "it ends "+instant(now.EndsAt)+" instead of "+instant(before.EndsAt))
	}
	if before.Origin == subscription.OriginSync && !before.Anchor.Equal(from.Anchor) {
		now.Anchor = from.Anchor
		p.because(now, "its periods are counted from "+instant(now.Anchor)+" instead of "+instant(before.Anchor))
	}
	if before.StripeHold != now.StripeHold {
		p.because(now, "it is "+cmp.Or(now.StripeHold, "collected again"))
	}
	if before.PastDue != now.PastDue && before.StripeHold == now.StripeHold {
		p.because(now, map[bool]string{true: "it is past due", false: "it is paid again"}[now.PastDue])
	}
	moved := !before.TrialFrom.Equal(from.TrialStart) || !before.TrialTo.Equal(from.TrialEnd)
	if moved && !from.TrialEnd.IsZero() {
		now.TrialFrom, now.TrialTo = from.TrialStart, from.TrialEnd
		p.because(now, "its trial ends "+instant(now.TrialTo))
	}
	p.reviseSeats(&now, from)
	own[i] = now
	p.comparePeriods(now, from)
	return own
}

// reviseSeats brings the seats up to date: those of now from now on, and those of the schedule from when they count.
func (p *planner) reviseSeats(now *subscription.Subscription, from Subscription) {
	before, since := now.Seats, p.now()
	until := since.Add(time.Nanosecond)
	if len(from.reseated) > 0 && from.reseated[0].at.Before(until) {
		until = from.reseated[0].at
	}
	held, seats := before.Until(until), from.seats(now.Product, p.prices)
	if seats != held.Latest() || len(from.reseated) > 0 && held == "" {
		if held == "" {
			held = held.Since(now.StartsAt, 1)
		}
		if seats != held.Latest() {
			p.because(*now, fmt.Sprintf("seats are %d instead of %d", seats, held.Latest()))
			held = held.Since(since, seats)
		}
	}
	now.Seats = from.reseat(held)
	if now.Seats != before && seats == before.Until(until).Latest() {
		p.because(*now, "Stripe's schedule has "+cmp.Or(from.seatsToCome(), "no other seats"))
	}
}

// endOf is when a subscription ends that Stripe has: as Stripe says, but no later than where the customer was attached
// to another product, which was asked for after Stripe's last change.
func (p *planner) endOf(from Subscription, own []subscription.Subscription, i int) time.Time {
	for _, next := range own {
		attached := next.Origin == subscription.OriginAttach && next.StripeSubscription == "" && !own[i].EndsAt.IsZero() &&
			next.StartsAt.Equal(own[i].EndsAt)
		if attached && (from.EndsAt.IsZero() || from.EndsAt.After(next.StartsAt)) {
			if from.EndsAt.IsZero() {
				p.note("customer %s is attached to %s from %s; Stripe's %s is still to %s: change it at Stripe, too",
					from.CustomerID, next.Product, instant(next.StartsAt), from.ID, own[i].Product)
			}
			return next.StartsAt
		}
	}
	return from.EndsAt
}

// switched is a subscription that was moved to another product: where it was attached by hand to that one meanwhile,
// from there on. Stripe's list does not tell when: it was when the cycle began again, if it did, else it counts from
// now. What was attached to a third product gives way from then on.
func (p *planner) switched(
	from Subscription, product string, own []subscription.Subscription, i int,
) []subscription.Subscription {
	at, why := p.now(), "it was moved there; Stripe does not tell when, so it counts from now"
	byHand := func(s subscription.Subscription) bool {
		return s.StripeSubscription == "" && s.StartsAt.After(own[i].StartsAt) && (s.EndsAt.IsZero() || s.EndsAt.After(at))
	}
	last := own[i].StartsAt
	for j, stored := range own {
		if byHand(stored) && !stored.StartsAt.After(at) {
			if stored.Product == product {
				return p.link(from, own, j)
			}
			last = stored.StartsAt
		}
	}
	if from.cycle.After(last) && !from.cycle.After(at) && !from.Anchor.Equal(own[i].Anchor) {
		at, why = from.cycle, "it was moved there when its billing cycle restarted"
	}
	before := own[i]
	if !from.EndsAt.IsZero() && !from.EndsAt.After(at) {
		p.note("customer %s: subscription %s was moved from %s to %s before it ended; Stripe does not tell when, so it was "+
			"%[3]s to the end", from.CustomerID, from.ID, before.Product, product)
		return p.revise(from, own, i)
	}
	var after []subscription.Subscription
	for j, stored := range own {
		ends := j == i || byHand(stored)
		if ends && !stored.StartsAt.Before(at) {
			p.because(stored, "Stripe's "+from.ID+" was moved to "+product)
			continue // it had not begun
		}
		if ends && (stored.EndsAt.IsZero() || stored.EndsAt.After(at)) {
			stored.EndsAt = at
			p.because(stored, "it was moved to "+product)
		}
		after = append(after, stored)
	}
	began := p.begun(from, product, at)
	p.because(began, why)
	return append(after, began)
}

// comparePeriods notes where the catalog counts other periods than Stripe bills.
func (p *planner) comparePeriods(here subscription.Subscription, from Subscription) {
	if p.in.Cutoff {
		return
	}
	product, _ := p.in.Catalog.Product(here.Product)
	terms := product.At(from.PeriodStart)
	if terms.Price == nil || terms.Credits == nil || terms.Price.Every != terms.Credits.Every ||
		from.PeriodStart.IsZero() || from.Status == "canceled" || from.Status == "trialing" {
		return
	}
	period := terms.Credits.Every.PeriodAt(from.PeriodStart, &here.Anchor, p.in.Catalog.Timezone)
	if period.Start.Equal(from.PeriodStart) && period.End.Equal(from.PeriodEnd) || from.PeriodStart.Equal(here.StartsAt) {
		return
	}
	p.note("customer %s: Stripe bills %s to %s, credits are counted %s to %s", here.CustomerID, instant(from.PeriodStart),
		instant(from.PeriodEnd), instant(period.Start), instant(period.End))
}

func status(from Subscription) string {
	if from.Paused {
		return from.Status + ", its collection paused"
	}
	return from.Status
}
