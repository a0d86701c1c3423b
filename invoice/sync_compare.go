package invoice

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
)

// compare lays one of Stripe's subscriptions over the customer's own and says what changes by that.
func (p *syncPlanner) compare(
	customer string, from StripeSubscription, own []aggregate.Subscription,
) ([]aggregate.Subscription, []SyncedChange) {
	product := from.products(StripePrices(p.in.Catalog))[0]
	from.CustomerID = customer
	never := from.neverBegan || !from.EndsAt.IsZero() && !from.EndsAt.After(from.StartsAt)
	latest := -1
	for i, stored := range own {
		if stored.StripeSubscription == from.ID && (latest < 0 || stored.StartsAt.After(own[latest].StartsAt)) {
			latest = i
		}
	}
	switch {
	case latest < 0 && never:
		return own, nil
	case latest < 0:
		return p.add(from, product, own)
	case never:
		removed := own[latest]
		return slices.Delete(own, latest, latest+1),
			[]SyncedChange{changeOf(SyncRemove, removed, from, "it never began: it is "+from.Status)}
	case own[latest].Product != product:
		return p.switched(from, product, own, latest)
	}
	return p.revise(from, own, latest)
}

// add takes a subscription that is not here yet, or links one that was attached by hand.
func (p *syncPlanner) add(from StripeSubscription, product string, own []aggregate.Subscription,
) ([]aggregate.Subscription, []SyncedChange) {
	added := aggregate.Subscription{
		CustomerID: from.CustomerID, Product: product, StartsAt: from.StartsAt, EndsAt: from.EndsAt, Anchor: from.Anchor,
		StripeSubscription: from.ID, StripeHold: from.Hold, Origin: aggregate.OriginSync,
	}
	for i, stored := range own {
		if stored.Product == product && stored.StripeSubscription == "" && stored.Overlaps(added) {
			own[i].StripeSubscription = from.ID
			after, changes := p.revise(from, own, i)
			changes = slices.DeleteFunc(changes, func(c SyncedChange) bool { return c.Action == SyncChange })
			return after, append(changes, changeOf(SyncChange, after[i], from, "it is Stripe's "+from.ID+" from now on"))
		}
	}
	p.comparePeriods(added, from)
	return append(own, added), []SyncedChange{changeOf(SyncAdd, added, from, "Stripe has it, "+status(from))}
}

// revise brings one that is here up to date. What was attached or imported by hand keeps its start and anchor.
func (p *syncPlanner) revise(from StripeSubscription, own []aggregate.Subscription, i int,
) ([]aggregate.Subscription, []SyncedChange) {
	before, now := own[i], own[i]
	var why []string
	now.EndsAt = from.EndsAt
	if !before.EndsAt.Equal(now.EndsAt) {
		why = append(why, "it ends "+instant(now.EndsAt)+" instead of "+instant(before.EndsAt))
	}
	if before.Origin == aggregate.OriginSync && before.StartsAt.Equal(from.StartsAt) && !before.Anchor.Equal(from.Anchor) {
		now.Anchor = from.Anchor
		why = append(why, "its periods are counted from "+instant(now.Anchor)+" instead of "+instant(before.Anchor))
	}
	if now.StripeHold = from.Hold; before.StripeHold != now.StripeHold {
		why = append(why, "it is "+cmp.Or(now.StripeHold, "collected again"))
	}
	own[i] = now
	p.comparePeriods(now, from)
	if len(why) == 0 {
		return own, nil
	}
	return own, []SyncedChange{changeOf(SyncChange, now, from, strings.Join(why, "; "))}
}

// switched is a subscription that was moved to another product. Stripe's list does not tell when: it was when the cycle
// began anew, if it did, else it counts from now.
func (p *syncPlanner) switched(from StripeSubscription, product string, own []aggregate.Subscription, i int,
) ([]aggregate.Subscription, []SyncedChange) {
	at, why := p.in.Now.UTC().Truncate(time.Second), "it was moved there; Stripe does not tell when, so it counts from now"
	if from.cycle.After(own[i].StartsAt) && !from.cycle.After(at) && !from.Anchor.Equal(own[i].Anchor) {
		at, why = from.cycle, "it was moved there when its cycle began anew"
	}
	ended := own[i]
	ended.EndsAt = at
	began := aggregate.Subscription{
		CustomerID: ended.CustomerID, Product: product, StartsAt: at, EndsAt: from.EndsAt, Anchor: from.Anchor,
		StripeSubscription: from.ID, StripeHold: from.Hold, Origin: aggregate.OriginSync,
	}
	own[i] = ended
	changes := []SyncedChange{changeOf(SyncChange, ended, from, "it was moved to "+product)}
	if !began.EndsAt.IsZero() && !began.EndsAt.After(at) {
		p.problem("customer %s: subscription %s was moved from %s to %s before it ended; import when with "+
			"`creditmill customers import`", ended.CustomerID, from.ID, ended.Product, product)
		return own, nil
	}
	return append(own, began), append(changes, changeOf(SyncAdd, began, from, why))
}

// comparePeriods notes where the catalog counts other periods than Stripe bills.
func (p *syncPlanner) comparePeriods(here aggregate.Subscription, from StripeSubscription) {
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
	p.plan.Notes = append(p.plan.Notes, "customer "+here.CustomerID+": Stripe bills "+instant(from.PeriodStart)+" to "+
		instant(from.PeriodEnd)+", credits are counted "+instant(period.Start)+" to "+instant(period.End))
}

const (
	// cutoffLead is how long before Stripe's period ends ours does at the least: time to load, aggregate and post.
	cutoffLead = 2 * time.Hour
	// clockChange is by how much a timezone's clock may be changed meanwhile.
	clockChange = time.Hour
	// cutoffMost is how much earlier it may be, where the calendars of the timezone and of Stripe part.
	cutoffMost = 5 * 24 * time.Hour
	// cutoffMonths are looked at: a leap year is among them.
	cutoffMonths = 48
	// everyMonthHas is a day before which no calendar clamps.
	everyMonthHas = 27
)

// cutoff is the last midnight of the catalog's timezone that is cutoffLead before an anchor, and from which the ends
// of our periods stay as early in all months: those of the 29th to the 31st are moved to the end of a shorter month,
// by the timezone's calendar here and by that of UTC at Stripe.
func cutoff(anchor time.Time, zone *time.Location) time.Time {
	at := schemas.IntervalDay.PeriodAt(anchor.Add(-cutoffLead-clockChange), nil, zone).Start
	for anchor.Sub(at) < cutoffMost && !inTime(at, anchor, zone) {
		at = schemas.IntervalDay.PeriodAt(at.Add(-clockChange), nil, zone).Start
	}
	return at
}

// inTime says whether periods from at end before Stripe's in all months.
func inTime(at, anchor time.Time, zone *time.Location) bool {
	local, there := at.In(zone), anchor.UTC()
	if local.Day() <= everyMonthHas && there.Day() <= everyMonthHas && local.Month() == there.Month() {
		return true
	}
	end := anchor
	for range cutoffMonths {
		end = schemas.IntervalMonth.PeriodAt(end, &anchor, time.UTC).End
		ours := schemas.IntervalMonth.PeriodAt(end.Add(-cutoffLead), &at, zone).Start
		if end.Sub(ours) > cutoffMost {
			return false // the next one of ours comes too late
		}
	}
	return true
}

func changeOf(action string, now aggregate.Subscription, from StripeSubscription, why string) SyncedChange {
	return SyncedChange{
		Action: action, CustomerID: now.CustomerID, Product: now.Product, StartsAt: known(now.StartsAt),
		EndsAt: known(now.EndsAt), Anchor: known(now.Anchor), StripeCustomer: from.StripeCustomer,
		StripeSubscription: from.ID, Why: why, subscription: now,
	}
}

func status(from StripeSubscription) string {
	if from.Paused {
		return from.Status + ", its collection paused"
	}
	return from.Status
}

// known is nil for the zero time.
func known(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

func instant(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.UTC().Format(time.RFC3339)
}
