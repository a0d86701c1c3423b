package subscription_test

import (
	"fmt"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// A customer buys pro on 20 October: the free month ends there, and pro's months are counted from then on.
func ExampleLayOut() {
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(`
currency: usd
timezone: UTC
features: [{id: text, models: [m]}]
credit_systems: [{id: ai, costs: [{effective: 2026-01-01, per_token: {text: 1}}]}]
products:
  - {id: free, default: true, credits: {system: ai, included: 100, every: month}}
  - {id: pro, credits: {system: ai, included: 10000, every: month}}
`))
	if problems.Err() != nil {
		fmt.Println(problems.Err())
		return
	}
	bought := time.Date(2026, 10, 20, 9, 30, 0, 0, time.UTC)
	timeline, err := subscription.LayOut("acme", []subscription.Subscription{
		{CustomerID: "acme", Product: "pro", StartsAt: bought, Anchor: bought},
	}, nil, catalog)
	if err != nil {
		fmt.Println(err)
		return
	}
	first, last := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC)
	for _, span := range timeline.Spans(first, last, time.UTC) {
		fmt.Println(span.Product.ID, span.Start.Format(time.DateTime), span.End.Format(time.DateTime),
			span.Terms.Credits.Included)
	}
	// Output:
	// free 2026-10-01 00:00:00 2026-10-20 09:30:00 100
	// pro 2026-10-20 09:30:00 2026-11-20 09:30:00 10000
}
