package plan

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// KeptInputs are what a plan was made from beside usage and catalog. They are kept with it, so that it can be made
// again from the raw events, whatever was changed since.
type KeptInputs struct {
	Version         int               `json:"version"`
	StripeAccount   string            `json:"stripe_account"`
	Livemode        bool              `json:"livemode"`
	LateWindowNS    int64             `json:"late_window_ns"`
	MaxChargeMinor  int64             `json:"max_charge_minor"`
	AnomalyFactor   decimal.Decimal   `json:"anomaly_factor"`
	AutomaticTax    bool              `json:"automatic_tax,omitempty"`
	ByFeature       bool              `json:"by_feature,omitempty"`
	Gaps            []Gap             `json:"gaps"`
	Releases        Releases          `json:"releases"`
	Withheld        Withheld          `json:"withheld,omitempty"`
	StripeCustomers map[string]string `json:"stripe_customers"`
	// StripeStates as the last sync or post saw them.
	StripeStates map[string]subscription.StripeState `json:"stripe_states"`

	Frozen []keptCharge    `json:"frozen"`
	Known  aggregate.Known `json:"known"`
	// Closings are the runs that had closed time, Rebills what was to be billed again: the rows themselves are kept apart.
	Closings []string `json:"closings"`
	Rebills  []string `json:"rebills"`
}

// keptCharge is how a frozen charge stood.
type keptCharge struct {
	ID          string `json:"charge_id"`
	State       string `json:"state"`
	StripeID    string `json:"stripe_id"`
	PostedMinor int64  `json:"posted_minor"`
	Void        *Void  `json:"void,omitempty"`
}

// Keep writes down what a plan was made from.
func Keep(plan Plan) ([]byte, error) {
	in := plan.Inputs
	kept := KeptInputs{
		Version: planVersion, StripeAccount: in.StripeAccount, Livemode: in.Livemode, LateWindowNS: int64(in.LateWindow),
		MaxChargeMinor: in.MaxChargeMinor, AnomalyFactor: in.AnomalyFactor, AutomaticTax: in.AutomaticTax,
		ByFeature: in.ByFeature, Gaps: in.Gaps, Releases: in.Releases, Withheld: in.Withheld,
		StripeCustomers: in.StripeCustomers, StripeStates: in.StripeStates, Frozen: []keptCharge{}, Known: plan.Known,
		Closings: plan.Closings.runs(), Rebills: plan.Closings.ids(),
	}
	for _, charge := range in.Frozen {
		kept.Frozen = append(kept.Frozen, keptCharge{
			charge.ID, charge.State, charge.StripeID, charge.PostedMinor, charge.Void,
		})
	}
	return Canonical(kept)
}

// Restore gives the inputs as they were. charges are all that are frozen now, by id.
func (k KeptInputs) Restore(catalog *schemas.Catalog, charges map[string]FrozenCharge) (Inputs, error) {
	in := Inputs{
		Catalog: catalog, StripeAccount: k.StripeAccount, Livemode: k.Livemode, LateWindow: time.Duration(k.LateWindowNS),
		MaxChargeMinor: k.MaxChargeMinor, AnomalyFactor: k.AnomalyFactor, AutomaticTax: k.AutomaticTax,
		ByFeature: k.ByFeature, Gaps: k.Gaps, Releases: k.Releases, Withheld: k.Withheld,
		StripeCustomers: k.StripeCustomers, StripeStates: k.StripeStates, Subscriptions: k.Known.Subscriptions,
	}
	for _, kept := range k.Frozen {
		charge, found := charges[kept.ID]
		if !found {
			return Inputs{}, fmt.Errorf("charge %s, which was frozen before, is not there", kept.ID)
		}
		charge.State, charge.StripeID, charge.PostedMinor = kept.State, kept.StripeID, kept.PostedMinor
		charge.Void = kept.Void
		in.Frozen = append(in.Frozen, charge)
	}
	return in, nil
}

// Of is what is known of one customer.
func (k KeptInputs) Of(customer string) *aggregate.Known {
	own := aggregate.Known{}
	for _, one := range k.Known.Subscriptions {
		if one.CustomerID == customer {
			own.Subscriptions = append(own.Subscriptions, one)
		}
	}
	for _, grant := range k.Known.Grants {
		if grant.CustomerID == customer {
			own.Grants = append(own.Grants, grant)
		}
	}
	return &own
}

// ReadInputs reads what Keep wrote.
func ReadInputs(text string) (KeptInputs, error) {
	var kept KeptInputs
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		return KeptInputs{}, fmt.Errorf("its inputs cannot be read: %w", err)
	}
	return kept, nil
}

// ClosedOf is what a plan that was frozen knew to be closed, of one customer or, without one, of all.
func (k KeptInputs) ClosedOf(all Closings, customer string) ([]subscription.Closed, []Rebill) {
	known := all.asOf(k.Closings, k.Rebills)
	if customer != "" {
		known = known.OfCustomer(customer)
	}
	return known.Effective()
}
