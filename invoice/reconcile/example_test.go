package reconcile_test

import (
	"fmt"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/reconcile"
)

// A charge was posted, and Stripe has no item of it any more: a person has to look.
func ExampleCompare() {
	found := reconcile.Compare(reconcile.Books{Frozen: []plan.FrozenCharge{{
		Charge: plan.Charge{ID: "oc_1", Currency: "usd", AmountMinor: 10000},
		State:  plan.StatePosted, StripeID: "ii_1", PostedMinor: 10000,
	}}})
	fmt.Println(found.Findings[0].Class, found.Findings[0].Detail)
	fmt.Println(found.Balances["usd"].AckedMinor, found.Balances["usd"].PostedMinor, found.NeedsPerson())
	// Output:
	// MISSING item ii_1 is gone; it is not posted again by itself
	// 10000 0 1
}
