package plan

import (
	"cmp"
	"slices"
)

// Build makes the plan. It reads and writes nothing.
func Build(in Inputs) (Plan, error) {
	if in.LateWindow == 0 {
		in.LateWindow = DefaultLateWindow
	}
	if in.MaxChargeMinor == 0 || in.MaxChargeMinor > maxChargeMinor {
		in.MaxChargeMinor = maxChargeMinor
	}
	p := planner{
		in: in, byCustomer: map[string][]FrozenCharge{}, problem: map[string]bool{},
	}
	p.uncollected, p.subscriptions = uncollectedOf(in.Subscriptions), ownOf(in.Subscriptions)
	p.close()
	p.wish()
	p.addAll()
	p.addProblems()
	p.addVanished()
	p.addVanishedThresholds()
	plan := Plan{AsOf: in.AsOf, Charges: p.charges, Frozen: map[string]FrozenCharge{}, Inputs: in}
	for _, charge := range in.Frozen {
		if p.listed(charge) {
			plan.Charges = append(plan.Charges, p.seen(charge))
			plan.Frozen[charge.ID] = charge
		}
	}
	slices.SortFunc(plan.Charges, func(a, b Charge) int {
		return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), cmp.Compare(a.CreditSystem, b.CreditSystem),
			a.PeriodStart.Compare(b.PeriodStart), a.PeriodEnd.Compare(b.PeriodEnd),
			-cmp.Compare(a.Kind, b.Kind), cmp.Compare(cmp.Or(a.PartOf, a.ID), cmp.Or(b.PartOf, b.ID)),
			cmp.Compare(a.Group.place(a.ID), b.Group.place(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	plan.Charges = onceEach(plan.Charges)
	return plan.seal()
}

// onceEach holds a charge that was planned twice, which only damaged data can bring about. They follow each other.
func onceEach(charges []Charge) []Charge {
	once := charges[:0]
	for i, charge := range charges {
		if last := len(once) - 1; i > 0 && charge.ID == once[last].ID {
			addReason(&once[last], HoldOverlap, "it is planned twice: look at the customer's subscriptions")
			continue
		}
		once = append(once, charge)
	}
	return once
}
