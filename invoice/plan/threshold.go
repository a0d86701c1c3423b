package plan

import (
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

// thresholdsADay is how many charges of a customer within its periods are frozen in 24 hours. Each has an invoice, and
// Stripe makes 20 for a subscription in a day.
const thresholdsADay = 10

// customerSystem names a customer's credits.
type customerSystem struct{ customerID, creditSystem string }

// within is a frozen charge that was made before its period ended.
type within struct {
	FrozenCharge
	visited bool // a period counts it
}

// history is what was charged before: for closed periods, and within others.
type history struct {
	closed map[periodKey]*closedPeriod
	within map[customerSystem][]*within
	all    []*within // in the order of the frozen charges
}

// historyOf sorts frozen charges.
func historyOf(frozen []FrozenCharge) history {
	h := history{
		closed: make(map[periodKey]*closedPeriod, len(frozen)), within: map[customerSystem][]*within{},
	}
	for _, charge := range frozen {
		if charge.Kind == KindThreshold {
			of := customerSystem{charge.CustomerID, charge.CreditSystem}
			one := &within{FrozenCharge: charge}
			h.within[of], h.all = append(h.within[of], one), append(h.all, one)
			continue
		}
		key := charge.Key()
		if h.closed[key] == nil {
			h.closed[key] = &closedPeriod{}
		}
		h.closed[key].charges = append(h.closed[key].charges, charge)
	}
	return h
}

// of are the charges within a period: those of a period that began in it, wherever that was to end. So a period that is
// cut short, or begins elsewhere by now, has each of them once.
func (h history) of(balance aggregate.PeriodBalance) []*within {
	var found []*within
	for _, charge := range h.within[customerSystem{balance.CustomerID, balance.CreditSystem}] {
		if balance.Period.Contains(charge.PeriodStart) {
			found = append(found, charge)
		}
	}
	return found
}

// withinOf are the charges within a period that it is about to count.
func (p *planner) withinOf(balance aggregate.PeriodBalance) []FrozenCharge {
	var charges []FrozenCharge
	for _, charge := range p.of(balance) {
		charge.visited = true
		charges = append(charges, charge.FrozenCharge)
	}
	return charges
}

// addThreshold plans what is due of a period that goes on: the multiples of charge_every that its overage has passed,
// less what was charged within it. The credits are those of the charge at its end.
func (p *planner) addThreshold(balance aggregate.PeriodBalance) error {
	catalog := p.catalogOf(balance)
	from := catalog.BillingFrom
	if !SellsOverage(balance) || from != nil && balance.Period.Start.Before(*from) {
		return nil
	}
	overage := balance.Terms.Credits.Overage
	if _, overlaps := p.overlapping(balanceKey(balance)); overlaps || !overage.ChargeEvery.IsPositive() {
		return nil
	}
	now, err := Price(balance, catalog.Currency)
	if err != nil {
		return err
	}
	charges := p.withinOf(balance)
	before, err := sumOf(charges, catalog.Currency.Code)
	if err != nil || before.other != "" {
		return err
	}
	due, err := now.DueWithin(overage.ChargeEvery, before.minor, catalog.Currency)
	if err != nil || due <= 0 || p.manyToday(balance.CustomerID) {
		return err
	}
	code := "threshold:" + balance.CreditSystem + ":" + strconv.Itoa(len(charges)+1)
	charge := p.charge(balance, KindThreshold, code, Total{Exact: catalog.Currency.FromMinor(due), Minor: due})
	p.hold(&charge, 0)
	p.holdAnomaly(&charge, balance)
	p.holdVoid(&charge, before)
	return p.append(balance, charge)
}

// DueWithin is what is due before a period's end whose total so far is t, charged minor units of which were charged:
// the multiples of every that it has passed, less those.
func (t Total) DueWithin(every decimal.Decimal, charged int64, currency money.Currency) (int64, error) {
	step, err := currency.Round(every)
	if err != nil || step == 0 {
		return 0, err
	}
	return t.Minor/step*step - charged, nil
}

// manyToday tells whether the customer has had as many charges within its periods as a day takes.
func (p *planner) manyToday(customer string) bool {
	count := 0
	for _, charge := range p.byCustomer[customer] {
		if charge.Kind == KindThreshold && charge.FrozenAt.After(p.in.AsOf.Add(-24*time.Hour)) {
			count++
		}
	}
	return count >= thresholdsADay
}

// less is a total without what was charged before.
func (t Total) less(before charged, currency money.Currency) Total {
	difference := Total{
		billable: t.billable.Sub(before.billable), billed: t.billed.Sub(before.billed),
		Exact: t.Exact.Sub(before.exact), Minor: t.Minor - before.minor,
	}
	if before.other != "" { // amounts of two currencies have no difference; credits have
		difference.Minor, difference.Exact = 0, decimal.Zero
	}
	difference.residual = currency.FromMinor(difference.Minor).Sub(difference.Exact)
	return difference
}

// holdCredit holds a charge at a period's end where more was charged within the period.
func (p *planner) holdCredit(charge *Charge, before charged) {
	if before.other != "" {
		addReason(charge, HoldOtherCurrency, otherCurrency(before, *charge))
	}
	if charge.AmountMinor >= 0 {
		return
	}
	if before.unposted != "" {
		addReason(charge, HoldEarlierOpen, notPosted(before))
	}
	p.releasable(charge, HoldCredit, "more was charged within the period than it comes to: a credit needs approval")
}

// addVanishedThresholds credits what was charged within periods that have ended without usage, loads having been
// withdrawn.
func (p *planner) addVanishedThresholds() {
	for _, frozen := range p.all {
		if frozen.visited || p.closed[frozen.Key()] != nil || frozen.PeriodEnd.After(p.in.AsOf) ||
			p.problem[frozen.CustomerID] {
			continue
		}
		balance := aggregate.PeriodBalance{
			CustomerID: frozen.CustomerID, Product: frozen.Product, CreditSystem: frozen.CreditSystem,
			Period: schemas.Period{Start: frozen.PeriodStart, End: frozen.PeriodEnd},
			Closed: &subscription.Closed{Catalog: p.billedBy(frozen.FrozenCharge)},
		}
		if err := p.addEnd(balance, Total{}); err != nil {
			p.addUnplanned(balance, err)
		}
	}
}

// CountWithin notes which of the charges came before this one within its period. frozen is the charge as it was frozen,
// if it was.
func (e *Entry) CountWithin(charges []FrozenCharge, frozen FrozenCharge) {
	period := schemas.Period{Start: e.PeriodStart, End: e.PeriodEnd}
	for _, charge := range charges {
		later := frozen.ID != "" && !charge.FrozenAt.Before(frozen.FrozenAt)
		if charge.Void != nil && (frozen.ID == "" || charge.Void.At.Before(frozen.FrozenAt)) {
			continue
		}
		if e.Kind != KindAdjustment && charge.ID != e.ID && !later && period.Contains(charge.PeriodStart) {
			e.WithinMinor += charge.ChargedMinor()
			e.within = e.within.Add(charge.AmountExact)
		}
	}
}
