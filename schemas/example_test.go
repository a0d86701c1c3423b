package schemas_test

import (
	"fmt"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// A catalog says what a product includes and what comes on top; a mistake is named with its place and what was meant.
func ExampleParseCatalog() {
	const text = `
currency: usd
timezone: UTC
features: [{id: text, models: [m]}]
credit_systems: [{id: ai, costs: [{effective: 2026-01-01, per_token: {text: 1}}]}]
products:
  - id: pro
    default: true
    credits: {system: ai, included: 10000, every: month, overage: {per_credit: "0.01"}}
`
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(text))
	if problems.Err() != nil {
		fmt.Println(problems.Err())
		return
	}
	terms := catalog.DefaultProduct().At(time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC))
	fmt.Println(catalog.DefaultProduct().ID, terms.Credits.Included)

	_, problems = schemas.ParseCatalog("catalog.yaml", []byte("currencey: usd"+text[len("\ncurrency: usd"):]))
	fmt.Println(problems[0])
	// Output:
	// pro 10000
	// catalog.yaml:1:1: unknown field "currencey" (did you mean "currency"?)
}
