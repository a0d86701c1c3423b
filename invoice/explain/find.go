package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/warehouse"
)

const chargePrefix = "oc_"

// Find returns the ids of the charges that a name means, those of the latest period first: a charge's id or at least
// the first twelve characters behind its oc_, the id of an invoice or item at Stripe, or a customer. Frozen charges
// come before those that the present plan only shows. It returns ErrNoCharge where there is none.
func (x Explainer) Find(ctx context.Context, name string) ([]string, error) {
	prefix := "-"
	if strings.HasPrefix(name, chargePrefix) && len(name) >= len(chargePrefix)+plan.ShortestPrefix {
		prefix = name
	}
	found, err := warehouse.Select[struct {
		ChargeID string `ch:"charge_id"`
	}](ctx, x.Warehouse, "invoice/find_charges.sql", warehouse.Params{"name": name, "prefix": prefix})
	if err != nil {
		return nil, fmt.Errorf("find charges of %s: %w", name, err)
	}
	var ids []string
	for _, row := range found {
		ids = append(ids, row.ChargeID)
	}
	if slices.Contains(ids, name) {
		return []string{name}, nil
	}
	planned, err := x.Plan(ctx)
	if err != nil {
		return nil, err
	}
	var present []plan.Charge
	for _, charge := range planned.Charges {
		named := charge.CustomerID == name || charge.StripeCustomer == name || strings.HasPrefix(charge.ID, prefix)
		if named && !slices.Contains(ids, charge.ID) {
			present = append(present, charge)
		}
	}
	slices.SortStableFunc(present, func(a, b plan.Charge) int { return b.PeriodStart.Compare(a.PeriodStart) })
	for _, charge := range present {
		ids = append(ids, charge.ID)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("find charges of %s: %w: it names no charge, customer or Stripe object that was posted, "+
			"and the plan as of %s has none of it; ids are in `creditmill invoice preview`", name, ErrNoCharge,
			planned.AsOf.Format(time.RFC3339))
	}
	return ids, nil
}
