package plan_test

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
)

// A customer used 12,000 credits of 10,000 in October: 2,000 cost a cent each.
func ExampleBuild() {
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(`
currency: usd
timezone: UTC
features: [{id: text, models: [m]}]
credit_systems: [{id: ai, costs: [{effective: 2026-01-01, per_token: {text: 1}}]}]
products:
  - id: pro
    default: true
    credits: {system: ai, included: 10000, every: month, overage: {per_credit: "0.01"}}
`))
	if problems.Err() != nil {
		fmt.Println(problems.Err())
		return
	}
	october := schemas.IntervalMonth.PeriodAt(time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), nil, time.UTC)
	product, _ := catalog.Product("pro")
	used := decimal.NewFromInt(12000)
	made, err := plan.Build(plan.Inputs{
		AsOf: october.End, Catalog: catalog, StripeAccount: "acct_1",
		StripeCustomers: map[string]string{"acme": "cus_1"},
		Periods: []aggregate.PeriodBalance{{
			CustomerID: "acme", Product: "pro", CreditSystem: "ai", Period: october, Terms: product.At(october.Start),
			Used: used, Billable: decimal.NewFromInt(2000),
			Features: []aggregate.FeatureSpend{{FeatureID: "text", Credits: used}},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, charge := range made.Charges {
		fmt.Println(charge.CustomerID, charge.Status, catalog.Currency.Format(charge.AmountMinor))
	}
	// Output: acme ready $20.00
}
