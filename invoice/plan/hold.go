package plan

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
)

const (
	// anomalyPeriods is how many earlier periods a customer's usual spend is the median of, anomalyLeast how many it
	// takes to know it.
	anomalyPeriods = 6
	anomalyLeast   = 3
)

// hold gives the reasons that a plan alone can see.
func (p *planner) hold(charge *Charge, unratedEvents uint64) {
	if charge.StripeCustomer == "" {
		addReason(charge, HoldNoCustomer, "no Stripe customer: import one with `creditmill customers import`")
	}
	own, _ := SubscriptionOf(p.subscriptions[charge.CustomerID], *charge)
	part := *charge
	part.Split = charge.inParts()
	if code, blocked := p.in.blocked(part, own.StripeSubscription); blocked != "" && own.StripeHold == "" {
		addReason(charge, code, blocked)
	}
	if unpaid, found := SubscriptionOf(p.uncollected[charge.CustomerID], *charge); found {
		addReason(charge, HoldNotCollected, "subscription "+unpaid.StripeSubscription+" is "+unpaid.StripeHold+
			", as the last sync saw it: once Stripe collects it, run `creditmill sync`")
	}
	p.withhold(charge)
	taxed := p.in.StripeStates[own.StripeSubscription].Hold == subscription.StripeTaxed && !part.Split
	if reason := p.in.untaxable(*charge, taxed); reason != "" {
		addReason(charge, HoldNotTaxable, reason)
	}
	if unratedEvents > 0 {
		addReason(charge, HoldUnrated, unratedReason(unratedEvents))
	}
	if charge.AmountMinor > p.in.MaxChargeMinor || charge.AmountMinor < -p.in.MaxChargeMinor {
		format := p.in.Catalog.Currency.Format
		p.releasable(charge, HoldAboveMax, format(charge.AmountMinor)+" is above max_charge "+format(p.in.MaxChargeMinor))
	}
}

func unratedReason(events uint64) string {
	return "the period has unrated usage (" + strconv.FormatUint(events, 10) +
		" events): add its models, features or units to the catalog"
}

// ownOf are the subscriptions of each customer.
func ownOf(subscriptions []subscription.Subscription) map[string][]subscription.Subscription {
	own := map[string][]subscription.Subscription{}
	for _, one := range subscriptions {
		own[one.CustomerID] = append(own[one.CustomerID], one)
	}
	return own
}

// uncollectedOf are the subscriptions that Stripe does not collect, by customer.
func uncollectedOf(subscriptions []subscription.Subscription) map[string][]subscription.Subscription {
	held := map[string][]subscription.Subscription{}
	for _, one := range subscriptions {
		if one.StripeHold != "" {
			held[one.CustomerID] = append(held[one.CustomerID], one)
		}
	}
	return held
}

// SubscriptionOf is the one of a customer's that a charge's period belongs to.
func SubscriptionOf(own []subscription.Subscription, charge Charge) (subscription.Subscription, bool) {
	for _, one := range own {
		if one.Product == charge.Product && !charge.PeriodStart.Before(one.StartsAt) &&
			(one.EndsAt.IsZero() || charge.PeriodStart.Before(one.EndsAt)) {
			return one, true
		}
	}
	return subscription.Subscription{}, false
}

// holdAnomaly holds a charge whose period used far more than is usual for the customer.
func (p *planner) holdAnomaly(charge *Charge, balance aggregate.PeriodBalance) {
	earlier := p.used[[2]string{balance.CustomerID, balance.CreditSystem}]
	if !p.in.AnomalyFactor.IsPositive() || len(earlier) < anomalyLeast {
		return
	}
	usual := median(earlier[max(0, len(earlier)-anomalyPeriods):])
	if balance.Used.GreaterThan(usual.Mul(p.in.AnomalyFactor)) {
		p.releasable(charge, HoldAnomaly, fmt.Sprintf("%s credits used are more than anomaly_factor %s times the usual %s",
			balance.Used, p.in.AnomalyFactor, usual))
	}
}

// remember keeps what a period used, for those after it.
func (p *planner) remember(balance aggregate.PeriodBalance) {
	key := [2]string{balance.CustomerID, balance.CreditSystem}
	p.used[key] = append(p.used[key], balance.Used)
}

// holdIncomplete holds a charge for whose period not everything is loaded.
func (p *planner) holdIncomplete(charge *Charge) {
	for _, gap := range p.in.Gaps {
		if gap.From.Before(charge.PeriodEnd) && charge.PeriodStart.Before(gap.Until) {
			addReason(charge, HoldIncomplete, gap.Reason)
			return
		}
	}
}

// withhold holds a charge that a person holds.
func (p *planner) withhold(charge *Charge) { p.withholdFor(charge, charge.ID) }

// withholdFor holds a charge where a person holds the one of an id.
func (p *planner) withholdFor(charge *Charge, id string) {
	if reason := p.in.Withheld[id]; reason != "" {
		addHold(charge, HoldByPerson, reason+"; release it with `creditmill invoice release "+id+"`")
		charge.Releasable = append(charge.Releasable, reason)
	}
}

// withholdAll holds all parts of a charge of which a person holds one: they are posted together.
func (p *planner) withholdAll(parts []Charge) {
	if len(parts) < 2 {
		return
	}
	for _, held := range parts[1:] { // the first has the id of the whole, which was asked for already
		for i := range parts {
			p.withholdFor(&parts[i], held.ID)
		}
	}
}

// releasable holds a charge for a reason that a person can release, unless one has for such an amount.
func (p *planner) releasable(charge *Charge, code HoldCode, reason string) {
	if p.in.Releases.covers(charge.ID, charge.AmountMinor) {
		return
	}
	addHold(charge, code, reason+"; release it with `creditmill invoice release "+charge.ID+"`")
	charge.Releasable = append(charge.Releasable, reason)
}

// median of an even number is the middle of the two in the middle.
func median(values []decimal.Decimal) decimal.Decimal {
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, decimal.Decimal.Cmp)
	middle := len(sorted) >> 1
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return sorted[middle-1].Add(sorted[middle]).Mul(decimal.New(5, -1))
}

// seen is a frozen charge as the plan shows it: held where nobody is left to bill, though post looks again.
func (p *planner) seen(frozen FrozenCharge) Charge {
	charge := frozen.Planned()
	if charge.Status != StatusReady || frozen.State != StateOpen {
		return charge
	}
	now := frozen.Charge
	if customer := p.in.StripeCustomers[charge.CustomerID]; customer != "" {
		now.StripeCustomer = customer // post chooses again where the one it was frozen for is gone
	}
	now.Split = frozen.OwnInvoice()
	if code, reason := p.in.blocked(now, frozen.Target); reason != "" && frozen.Mode != ModeCreditNote {
		addReason(&charge, code, reason)
	}
	p.withhold(&charge)
	return charge
}
