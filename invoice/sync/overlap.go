package sync

import (
	"cmp"
	"slices"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// apart takes a customer's subscriptions apart that are in force at once. Of two that overlapped in the past the later
// one holds from its start, and one that goes on holds before one that is over. Against what was attached or imported
// by hand, the newest state of Stripe holds from now on. False: two of Stripe's go on at once, which a person must
// end.
func (p *planner) apart(customer string, all []subscription.Subscription) ([]subscription.Subscription, bool) {
	inOrder := func(a, b subscription.Subscription) int {
		return cmp.Or(a.StartsAt.Compare(b.StartsAt), cmp.Compare(a.StripeSubscription, b.StripeSubscription),
			cmp.Compare(a.Product, b.Product))
	}
	slices.SortStableFunc(all, inOrder)
	for range 4 * len(all) * len(all) { // each step takes time away from one of a pair
		i, j := p.overlappingPair(all)
		if i < 0 {
			return all, true
		}
		if p.goOnAtOnce(all, all[i], all[j]) {
			p.problem("customer %s would have %s from %s (%s) and %s from %s (%s) at once; end one of them", customer,
				all[i].Product, all[i].StartsAt.Format(time.RFC3339), all[i].StripeSubscription,
				all[j].Product, all[j].StartsAt.Format(time.RFC3339), all[j].StripeSubscription)
			return nil, false
		}
		all = p.takeApart(all, i, j)
		slices.SortStableFunc(all, inOrder)
	}
	p.problem("customer %s: its subscriptions overlap and cannot be taken apart", customer)
	return nil, false
}

// overlappingPair is the first pair that is in force at once and must not be; -1 if there is none.
func (p *planner) overlappingPair(all []subscription.Subscription) (earlier, later int) {
	for j := range all {
		for i := range j {
			if all[i].Overlaps(all[j]) && p.kindOf(all[i].Product) == p.kindOf(all[j].Product) {
				return i, j
			}
		}
	}
	return -1, -1
}

// goesOn says whether a subscription is in force now.
func (p *planner) goesOn(s subscription.Subscription) bool {
	return !s.StartsAt.After(p.in.Now) && (s.EndsAt.IsZero() || s.EndsAt.After(p.in.Now))
}

// goOnAtOnce says whether two of Stripe's subscriptions go on and the earlier one is not going to end. What a schedule
// has in store for one goes on as it does.
func (p *planner) goOnAtOnce(all []subscription.Subscription, earlier, later subscription.Subscription) bool {
	both := earlier.StripeSubscription != "" && later.StripeSubscription != "" &&
		earlier.StripeSubscription != later.StripeSubscription
	return both && p.goesOn(earlier) && (p.goesOn(later) || p.isScheduled(later)) && isEndless(all, earlier)
}

// isEndless says whether a subscription has no end: what a schedule has in store for it included.
func isEndless(all []subscription.Subscription, s subscription.Subscription) bool {
	for range all { // each is one step on at the most
		if s.EndsAt.IsZero() {
			return true
		}
		next := slices.IndexFunc(all, func(other subscription.Subscription) bool {
			return other.StripeSubscription == s.StripeSubscription && other.StartsAt.Equal(s.EndsAt)
		})
		if next < 0 {
			return false
		}
		s = all[next]
	}
	return false
}

// takeApart gives the time that both of a pair have to one of them.
func (p *planner) takeApart(all []subscription.Subscription, i, j int) []subscription.Subscription {
	earlier, later := all[i], all[j]
	laterIsHand, earlierIsHand := later.StripeSubscription == "", earlier.StripeSubscription == ""
	switch {
	case laterIsHand && !earlierIsHand && p.goesOn(earlier):
		return p.resume(all, i, j)
	case p.goesOn(earlier) && !p.goesOn(later) && !laterIsHand && later.StartsAt.Before(p.in.Now):
		// One that is over lay within one that goes on. If it is stored here, the past stays.
		if p.stored[keyOf(later)] && !p.stored[keyOf(earlier)] {
			all[i].StartsAt = later.EndsAt
			p.why[keyOf(all[i])] = append(p.why[keyOf(earlier)], "until then it was "+later.Product+" here")
			return all
		}
		p.note("customer %s: %s of %s was over before now and lay within %s of %s, which holds", later.CustomerID,
			later.Product, later.StripeSubscription, earlier.Product, cmp.Or(earlier.StripeSubscription, earlier.Origin))
		return slices.Delete(all, j, j+1)
	case earlier.StartsAt.Equal(later.StartsAt):
		p.because(earlier, later.Product+" began at the same time")
		return slices.Delete(all, i, i+1)
	}
	all[i].EndsAt = later.StartsAt
	p.because(all[i], "it ends where "+later.Product+" begins")
	return all
}

// resume lets one of Stripe's that goes on follow what was attached by hand within it: that ends now, and never begins
// if it has not begun.
func (p *planner) resume(all []subscription.Subscription, i, j int) []subscription.Subscription {
	stripes, now := all[i], p.now()
	all[i].EndsAt = all[j].StartsAt
	if !all[j].StartsAt.Before(now) {
		p.because(all[j], "Stripe has "+stripes.Product+" instead")
		all[i].EndsAt = stripes.EndsAt
		return slices.Delete(all, j, j+1)
	}
	from := all[j].EndsAt
	if from.IsZero() || from.After(now) {
		from = now
		all[j].EndsAt = now
		p.because(all[j], "Stripe has "+stripes.Product+" instead")
	}
	if stripes.EndsAt.IsZero() || stripes.EndsAt.After(from) {
		again := stripes
		again.StartsAt, again.Origin = from, subscription.OriginSync
		p.because(again, "Stripe has it; before, it was "+all[j].Product+" by hand")
		all = append(all, again)
	}
	if all[i].StartsAt.Equal(all[j].StartsAt) {
		return slices.Delete(all, i, i+1)
	}
	return all
}
