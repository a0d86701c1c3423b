package plan

import (
	"strings"
	"testing"

	"github.com/creditmill/creditmill/schemas"
)

// TestAutomaticTaxHolds: an invoice with automatic tax takes no negative amount, and nothing of which it does not know
// whether tax is included.
func TestAutomaticTaxHolds(t *testing.T) {
	exclusive := &schemas.Tax{Behavior: schemas.TaxExclusive}
	pro := func(amountMinor int64, tax *schemas.Tax) Charge {
		return Charge{ID: "oc_1", Product: "pro", AmountMinor: amountMinor, Tax: tax}
	}
	for _, test := range []struct {
		name   string
		charge Charge
		want   string
	}{
		{"taxed", pro(100, exclusive), ""},
		{"nothing said", pro(100, nil), "give the product `tax: {behavior: exclusive}`"},
		{"a credit", pro(-100, exclusive), "creditmill invoice resolve oc_1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Inputs{AutomaticTax: true}.untaxable(test.charge, false)
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
			p := planner{in: Inputs{AutomaticTax: true, MaxChargeMinor: 1000, Catalog: &schemas.Catalog{}}}
			charge := test.charge
			charge.StripeCustomer, charge.Status = "cus_1", StatusReady
			p.hold(&charge, 0)
			if (charge.Status == StatusHeld) != (test.want != "") || len(charge.Releasable) != 0 {
				t.Errorf("%s: %s", charge.Status, charge.HoldReason)
			}
			p.in.AutomaticTax, charge.Status = false, StatusReady
			p.hold(&charge, 0)
			if charge.Status != StatusReady {
				t.Errorf("held without automatic tax: %s", charge.HoldReason)
			}
		})
	}
}

// TestTaxText: what the preview says of tax.
func TestTaxText(t *testing.T) {
	for want, tax := range map[string]*schemas.Tax{
		"": nil, "plus tax": {Behavior: schemas.TaxExclusive}, "tax included": {Behavior: schemas.TaxInclusive},
	} {
		if got := (Charge{Tax: tax}).TaxText(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
