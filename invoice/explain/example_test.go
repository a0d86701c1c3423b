package explain_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/invoice/explain"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/warehouse"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// A name may be a charge's id or its beginning, or a customer, here or at Stripe: the latest charge comes first.
// Nothing is posted here yet, so all are those of the present plan.
func ExampleExplainer_Find() {
	ctx := context.Background()
	store, err := warehouse.Open(ctx, warehouse.Config{DSN: warehousetest.NewDSN(), Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // the engine goes with the tests
	october := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	explainer := explain.Explainer{Warehouse: store, Plan: func(context.Context) (plan.Plan, error) {
		return plan.Plan{AsOf: october.AddDate(0, 2, 0), Charges: []plan.Charge{
			{ID: "oc_aaaaaaaaaaaaa1", CustomerID: "acme", StripeCustomer: "cus_1", PeriodStart: october},
			{ID: "oc_bbbbbbbbbbbbb2", CustomerID: "acme", StripeCustomer: "cus_1", PeriodStart: october.AddDate(0, 1, 0)},
			{ID: "oc_ccccccccccccc3", CustomerID: "beta", PeriodStart: october},
		}}, nil
	}}
	for _, name := range []string{"acme", "cus_1", "oc_cccccccccccc", "oc_ccccc", "gamma"} {
		found, err := explainer.Find(ctx, name)
		fmt.Println(name, found, errors.Is(err, explain.ErrNoCharge))
	}
	// Output:
	// acme [oc_bbbbbbbbbbbbb2 oc_aaaaaaaaaaaaa1] false
	// cus_1 [oc_bbbbbbbbbbbbb2 oc_aaaaaaaaaaaaa1] false
	// oc_cccccccccccc [oc_ccccccccccccc3] false
	// oc_ccccc [] true
	// gamma [] true
}
