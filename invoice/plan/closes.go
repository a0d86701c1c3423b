package plan

import (
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// Closes finds the time that a plan closes when it is frozen with the chosen charges: every period that has ended and
// is not closed, those that billed nothing included. A period stays open whose charge is held or could not be chosen,
// and one without a charge for which usage is missing or may still arrive, since it ended after settled, or whose
// customer's figures are not all known.
func (p Plan) Closes(
	ended []subscription.Closed, chosen []FrozenCharge, settled time.Time, runID string, at time.Time,
) []Closing {
	type period struct {
		customer   string
		start, end time.Time
	}
	chargeOf, waiting := map[period]string{}, map[period]bool{}
	for _, charge := range chosen {
		chargeOf[period{charge.CustomerID, charge.PeriodStart.UTC(), charge.PeriodEnd.UTC()}] = charge.ID
	}
	for _, charge := range p.Charges {
		if _, frozen := p.Frozen[charge.ID]; !frozen {
			waiting[period{charge.CustomerID, charge.PeriodStart.UTC(), charge.PeriodEnd.UTC()}] = true
		}
	}
	pending := map[period]string{}
	for _, rebill := range p.Inputs.Rebills {
		if rebill.Pending {
			pending[period{rebill.CustomerID, rebill.Period.Start, rebill.Period.End}] = rebill.ID
		}
	}
	unknown := map[string]bool{}
	for _, problem := range p.Inputs.Problems {
		unknown[problem.CustomerID] = true
	}
	var stretches []Closing
	for _, stretch := range ended {
		whole := stretch.Period
		if !stretch.Window.End.IsZero() {
			whole = stretch.Window
		}
		key := period{stretch.CustomerID, whole.Start.UTC(), whole.End.UTC()}
		next := Closing{
			Closed: stretch, ChargeID: chargeOf[key], RebillID: pending[key],
			PlanSHA: p.SHA, RunID: runID, ClosedAt: at,
		}
		open := waiting[key] || unknown[key.customer] || p.Inputs.misses(whole) || whole.End.After(settled)
		if next.ChargeID == "" && open {
			continue
		}
		if last := len(stretches) - 1; last >= 0 && stretches[last].extend(next) {
			continue
		}
		stretches = append(stretches, next)
	}
	return stretches
}
