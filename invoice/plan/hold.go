package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

const (
	// anomalyPeriods is how many earlier periods a customer's usual spend is the median of, anomalyLeast how many it
	// takes to know it.
	anomalyPeriods = 6
	anomalyLeast   = 3
)

// Gap is a time for which something that is expected is not loaded. It holds the periods it touches.
type Gap struct {
	From, Until time.Time
	// Reason says what is missing and what to do.
	Reason string
}

// hold gives the reasons that a plan alone can see.
func (p *planner) hold(charge *Charge, unratedEvents uint64) {
	if charge.StripeCustomer == "" {
		addReason(charge, "no Stripe customer: import one with `creditmill customers import`")
	}
	own, _ := SubscriptionOf(p.subscriptions[charge.CustomerID], *charge)
	part := *charge
	part.Split = charge.inParts()
	if blocked := p.in.blocked(part, own.StripeSubscription); blocked != "" && own.StripeHold == "" {
		addReason(charge, blocked)
	}
	if subscription, found := SubscriptionOf(p.uncollected[charge.CustomerID], *charge); found {
		addReason(charge, "subscription "+subscription.StripeSubscription+" is "+subscription.StripeHold+
			", as the last sync saw it: once Stripe collects it, run `creditmill sync`")
	}
	if unratedEvents > 0 {
		addReason(charge, unratedReason(unratedEvents))
	}
	if charge.AmountMinor > p.in.MaxChargeMinor || charge.AmountMinor < -p.in.MaxChargeMinor {
		format := p.in.Catalog.Currency.Format
		p.releasable(charge, format(charge.AmountMinor)+" is above max_charge "+format(p.in.MaxChargeMinor))
	}
}

func unratedReason(events uint64) string {
	return "the period has unrated usage (" + strconv.FormatUint(events, 10) +
		" events): add its models or pools to the catalog"
}

// byCustomer are the subscriptions of each customer.
func byCustomer(subscriptions []subscription.Subscription) map[string][]subscription.Subscription {
	own := map[string][]subscription.Subscription{}
	for _, subscription := range subscriptions {
		own[subscription.CustomerID] = append(own[subscription.CustomerID], subscription)
	}
	return own
}

// uncollected are the subscriptions that Stripe does not collect, by customer.
func uncollected(subscriptions []subscription.Subscription) map[string][]subscription.Subscription {
	held := map[string][]subscription.Subscription{}
	for _, subscription := range subscriptions {
		if subscription.StripeHold != "" {
			held[subscription.CustomerID] = append(held[subscription.CustomerID], subscription)
		}
	}
	return held
}

// SubscriptionOf is the one of a customer's that a charge's period belongs to.
func SubscriptionOf(own []subscription.Subscription, charge Charge) (subscription.Subscription, bool) {
	for _, subscription := range own {
		if subscription.Product == charge.Product && !charge.PeriodStart.Before(subscription.StartsAt) &&
			(subscription.EndsAt.IsZero() || charge.PeriodStart.Before(subscription.EndsAt)) {
			return subscription, true
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
		p.releasable(charge, fmt.Sprintf("%s credits used are more than anomaly_factor %s times the usual %s",
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
			addReason(charge, gap.Reason)
			return
		}
	}
}

// releasable holds a charge for a reason that a person can release, unless one has for such an amount.
func (p *planner) releasable(charge *Charge, reason string) {
	if p.in.Releases.covers(charge.ID, charge.AmountMinor) {
		return
	}
	addHold(charge, reason+"; release it with `creditmill invoice release "+charge.ID+"`")
	charge.Releasable = append(charge.Releasable, reason)
}

// addReason holds a charge for a reason that only its cause can end.
func addReason(charge *Charge, reason string) {
	addHold(charge, reason)
	charge.Mending = append(charge.Mending, reason)
}

func addHold(charge *Charge, reason string) {
	charge.Status = StatusHeld
	charge.HoldReason = strings.TrimPrefix(charge.HoldReason+"; "+reason, "; ")
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

// Misses tells whether usage of a period is missing.
func (in Inputs) Misses(period schemas.Period) bool {
	for _, gap := range in.Gaps {
		if gap.From.Before(period.End) && period.Start.Before(gap.Until) {
			return true
		}
	}
	return false
}

// Releases are the amounts up to which holds are released, by charge id.
type Releases map[string][]int64

// covers tells whether a release is good for an amount: one of the same sign that is not larger.
func (r Releases) covers(chargeID string, amountMinor int64) bool {
	for _, released := range r[chargeID] {
		if amountMinor >= 0 && amountMinor <= released || amountMinor <= 0 && amountMinor >= released {
			return true
		}
	}
	return false
}
