package sync_test

import (
	"fmt"
	"time"

	"github.com/creditmill/creditmill/invoice/sync"
	"github.com/creditmill/creditmill/schemas"
)

// Stripe has a subscription that is not here yet.
func ExampleCompare() {
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(`
currency: usd
timezone: UTC
features: [{id: text, models: [m]}]
credit_systems: [{id: ai, costs: [{effective: 2026-01-01, per_token: {text: 1}}]}]
products:
  - {id: free, default: true, credits: {system: ai, included: 100, every: month}}
  - id: pro
    price: {amount: "100.00", every: month, stripe_price: price_pro}
    credits: {system: ai, included: 10000, every: month}
`))
	if problems.Err() != nil {
		fmt.Println(problems.Err())
		return
	}
	start := time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)
	found := sync.Compare(sync.Inputs{
		Catalog: catalog, Now: start.Add(time.Hour),
		Stripe: sync.State{Subscriptions: []sync.Subscription{{
			ID: "sub_1", StripeCustomer: "cus_1", CustomerID: "acme", Status: "active", StartsAt: start, Anchor: start,
			Items: []sync.Item{{Price: "price_pro", Quantity: 1}},
		}}},
	})
	for _, change := range found.Changes {
		fmt.Println(change.Action, change.CustomerID, change.Product+":", change.Why)
	}
	// Output:
	// customer acme : the customer's Stripe id is known now
	// add acme pro: Stripe has it, active
}
