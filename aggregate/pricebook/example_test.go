package pricebook_test

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/schemas"
)

// What one request costs: 300 prompt tokens and 20 generated ones, at two prices.
func ExampleBook_PriceEvent() {
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(`
currency: usd
features: [{id: large, models: [large-model]}]
credit_systems:
  - id: ai-credits
    costs: [{effective: 2026-01-01, per_token: {large: {input: 0.1, output: 5}}}]
products: [{id: free, default: true, credits: {system: ai-credits, included: 500, every: month}}]
`))
	if err := problems.Err(); err != nil {
		fmt.Println(err)
		return
	}
	event := schemas.Event{
		CustomerID: "acme", Model: "large-model", OccurredAt: time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC),
		Units: schemas.Amounts{
			{Unit: schemas.UnitInput, Quantity: decimal.NewFromInt(300)},
			{Unit: schemas.UnitOutput, Quantity: decimal.NewFromInt(20)},
		},
	}
	price, err := pricebook.New(catalog).PriceEvent(event, "ai-credits")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(price.Credits, price.CreditSystem, "for", price.FeatureID)
	// Output: 130 ai-credits for large
}
