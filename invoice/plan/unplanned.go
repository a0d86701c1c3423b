package plan

import (
	"slices"
	"strconv"
	"time"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/schemas"
)

const mendUsage = "; look at the usage with `creditmill sql`, withdraw a load that holds wrong figures with " +
	"`creditmill unload`, or bill it by hand and run `creditmill invoice resolve`"

// addUnplanned holds a period that cannot be planned. Its amount is not known, so it stands with zero.
func (p *planner) addUnplanned(balance aggregate.PeriodBalance, cause error) {
	kind, code := KindOverage, "overage:"+balance.CreditSystem
	key := balanceKey(balance)
	if closed := p.closed[key]; closed != nil {
		if !slices.ContainsFunc(closed.charges, func(c FrozenCharge) bool { return c.State != StateManual }) {
			return // a person settled the period as it is
		}
		kind, code = KindAdjustment, "adjustment:"+balance.CreditSystem+":"+strconv.Itoa(closed.adjustments()+1)
	}
	charge := p.charge(balance, kind, code, Total{})
	charge.Lines = []Line{}
	p.hold(&charge, balance.UnratedEvents)
	addReason(&charge, HoldNotComputable, "it cannot be planned: "+cause.Error()+mendUsage)
	p.charges = append(p.charges, charge)
}

// adjustments is how many there are of a closed period.
func (c *closedPeriod) adjustments() int {
	count := 0
	for _, charge := range c.charges {
		if charge.Kind == KindAdjustment {
			count++
		}
	}
	return count
}

// addProblems holds the customers whose periods could not be computed, from the first such period on.
func (p *planner) addProblems() {
	for _, problem := range p.in.Problems {
		p.problem[problem.CustomerID] = true
		period := problem.Period
		if period.Start.IsZero() { // not even its time is known: told in the last calendar month
			at := p.in.AsOf.In(p.in.Catalog.Timezone)
			period.End = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, at.Location())
			period.Start = period.End.AddDate(0, -1, 0)
		}
		if period.End.IsZero() || period.End.After(p.in.AsOf) {
			continue // it goes on, so nothing is due yet
		}
		charge := p.charge(aggregate.PeriodBalance{
			CustomerID: problem.CustomerID, Period: schemas.Period{Start: period.Start, End: period.End},
		}, KindOverage, lineProblem, Total{})
		charge.Lines = []Line{}
		addReason(&charge, HoldNotComputable,
			"the customer's figures cannot be computed from this period on: "+problem.Reason)
		p.charges = append(p.charges, charge)
	}
}
