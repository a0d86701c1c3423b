package plan

import (
	"fmt"
	"iter"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
)

// addAll plans all periods. Those of one customer follow each other and are planned in their order; customers do not
// depend on each other.
func (p *planner) addAll() {
	plan := func(periods []aggregate.PeriodBalance) ([]Charge, error) { // never fails
		some := *p
		some.charges, some.used = make([]Charge, 0, len(periods)), map[[2]string][]decimal.Decimal{}
		for _, balance := range periods {
			some.add(balance)
		}
		some.addWindows()
		return some.charges, nil
	}
	var parts [][]Charge
	_ = SideBySide(wholeCustomers(p.in.Periods), plan, func(charges []Charge) error {
		parts = append(parts, charges)
		return nil
	})
	p.charges = slices.Concat(parts...)
}

// wholeCustomers cuts the periods in chunks between customers.
func wholeCustomers(periods []aggregate.PeriodBalance) iter.Seq[[]aggregate.PeriodBalance] {
	return func(yield func([]aggregate.PeriodBalance) bool) {
		for len(periods) > 0 {
			end := min(ChargesAtOnce, len(periods))
			for end < len(periods) && periods[end].CustomerID == periods[end-1].CustomerID {
				end++
			}
			if !yield(periods[:end]) {
				return
			}
			periods = periods[end:]
		}
	}
}

// add plans one period. Whatever cannot be planned holds that period and nothing else.
func (p *planner) add(balance aggregate.PeriodBalance) {
	if err := p.addPeriod(balance); err != nil {
		p.addUnplanned(balance, err)
	}
}

// addPeriod plans a period's overage, or if it is closed, the adjustment.
func (p *planner) addPeriod(balance aggregate.PeriodBalance) error {
	key := balanceKey(balance)
	closed := p.closed[key]
	if closed != nil {
		closed.visited = true
	}
	over := !balance.Period.End.IsZero() && !balance.Period.End.After(p.in.AsOf)
	if over {
		defer p.remember(balance)
	}
	if _, ok := windowOf(balance); ok {
		p.addToWindow(balance)
		return nil
	}
	if closed == nil && balance.Closed != nil { // it was closed without a charge
		closed = &closedPeriod{}
	}
	if !over {
		if closed == nil {
			_ = p.addThreshold(balance) // what is wrong is told once the period has ended: until then nothing is due
		}
		return nil
	}
	catalog := p.catalogOf(balance)
	if !p.chargeable(balance) {
		if closed != nil && p.ended(balance.Period, catalog) {
			return p.adjust(balance, closed, Total{})
		}
		if closed == nil && len(p.of(balance)) > 0 { // its product sold overage when it was charged within the period
			return p.addEnd(balance, Total{})
		}
		return nil
	}
	now, err := Price(balance, catalog.Currency)
	if err != nil {
		return err
	}
	if closed != nil {
		return p.adjust(balance, closed, now)
	}
	return p.addEnd(balance, now)
}

// addEnd plans the charge at a period's end: its total, less what was charged within it.
func (p *planner) addEnd(balance aggregate.PeriodBalance, now Total) error {
	currency := p.catalogOf(balance).Currency
	before, err := sumOf(p.withinOf(balance), currency.Code)
	if err != nil {
		return err
	}
	due := now.less(before, currency)
	// Unrated usage may cost something once it is priced, so its period is shown even where it costs nothing now.
	if due.Minor == 0 && before.other == "" && balance.UnratedEvents == 0 {
		return nil
	}
	charge := p.charge(balance, KindOverage, "overage:"+balance.CreditSystem, due)
	p.hold(&charge, balance.UnratedEvents)
	p.holdAnomaly(&charge, balance)
	p.holdIncomplete(&charge)
	p.holdCredit(&charge, before)
	p.holdVoid(&charge, before)
	if other, found := p.overlapping(balanceKey(balance)); found {
		addReason(&charge, HoldOverlap, fmt.Sprintf("the period overlaps %s to %s, which charge %s closed",
			p.day(other.PeriodStart), p.day(other.PeriodEnd), other.ID))
	}
	return p.append(balance, charge)
}

// overlapping finds a closed period that shares time with an open one: history was changed after closing.
func (p *planner) overlapping(key periodKey) (FrozenCharge, bool) {
	for _, charge := range p.byCustomer[key.customerID] {
		if charge.Kind != KindThreshold && charge.CreditSystem == key.creditSystem && charge.PeriodStart.Before(key.end) &&
			key.start.Before(charge.PeriodEnd) {
			return charge, true
		}
	}
	return FrozenCharge{}, false
}
