package plan

import (
	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
)

// wish sorts the rebills by customer.
func (p *planner) wish() {
	p.rebills = map[string][]Rebill{}
	for _, rebill := range p.in.Rebills {
		p.rebills[rebill.CustomerID] = append(p.rebills[rebill.CustomerID], rebill)
	}
}

// windowOf is the window that a period is in, if any.
func windowOf(balance aggregate.PeriodBalance) (schemas.Period, bool) {
	c := balance.Closed
	switch {
	case c == nil:
		return schemas.Period{}, false
	case c.Again():
		return c.Period, true
	}
	return c.Window, !c.Window.End.IsZero()
}

// rebillOf is the rebill that a period waits for.
func (p *planner) rebillOf(balance aggregate.PeriodBalance) (Rebill, bool) {
	for _, rebill := range p.rebills[balance.CustomerID] {
		if rebill.Pending && rebill.Period.Start.Equal(balance.Period.Start) && rebill.Period.End.Equal(balance.Period.End) {
			return rebill, true
		}
	}
	return Rebill{}, false
}

// rebilledBefore is a rebill of an earlier period: what that left of grants and rollover may have changed this one.
func (p *planner) rebilledBefore(balance aggregate.PeriodBalance) (Rebill, bool) {
	for _, rebill := range p.rebills[balance.CustomerID] {
		if !rebill.Period.End.After(balance.Period.Start) {
			return rebill, true
		}
	}
	return Rebill{}, false
}
