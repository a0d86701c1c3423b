package pricebook

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

const pricedByEvent = `
currency: usd
features:
  - {id: large, models: [large-model]}
  - {id: both, models: [both-model]}
  - {id: free, models: [free-model]}
credit_systems:
  - id: first
    costs:
      - {effective: 2026-01-01, per_token: {large: {input: 5, cached_input: 0.5, output: 7}, both: 1}}
      - {effective: 2026-10-01, per_token: {large: 6, both: 1}}
  - id: second
    costs: [{effective: 2026-01-01, per_token: {both: 2}}]
products: [{id: free, default: true, credits: {system: second, included: 1, every: month}}]
`

func TestPriceEvent(t *testing.T) {
	book := New(parse(t, pricedByEvent))
	change := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	all := counts(100, 10, 0, 20, 0)
	tests := []struct {
		name, model, system string
		at                  time.Time
		tokens              schemas.Amounts
		want                EventPrice
		credits             string
	}{
		{
			"before the change", "large-model", "", change.Add(-1), all,
			EventPrice{FeatureID: "large", CreditSystem: "first"},
			"645",
		},
		{"at the change", "large-model", "", change, all, EventPrice{FeatureID: "large", CreditSystem: "first"}, "780"},
		{
			"a pool without a price", "large-model", "", change.Add(-1),
			counts(1, 0, 0, 0, 9),
			EventPrice{FeatureID: "large", CreditSystem: "first", Unrated: true},
			"5",
		},
		{
			"the product's system", "both-model", "second", change, all,
			EventPrice{FeatureID: "both", CreditSystem: "second"},
			"260",
		},
		{"no costs", "free-model", "", change, all, EventPrice{FeatureID: "free", Unrated: true}, "0"},
		{"no feature", "Large-model", "", change, all, EventPrice{Unrated: true}, "0"},
		{"too early", "large-model", "", change.AddDate(-1, 0, 0), all, EventPrice{FeatureID: "large", Unrated: true}, "0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			event := schemas.Event{Model: test.model, OccurredAt: test.at, Units: test.tokens}
			got, err := book.PriceEvent(event, test.system)
			if err != nil {
				t.Fatal(err)
			}
			if got.Credits.String() != test.credits {
				t.Errorf("credits %s, want %s", got.Credits, test.credits)
			}
			got.Credits = test.want.Credits
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// counts are tokens in the order of schemas.ColumnUnits.
func counts(tokens ...int64) (amounts schemas.Amounts) {
	for i, unit := range schemas.ColumnUnits() {
		amounts.Add(unit, decimal.NewFromInt(tokens[i]))
	}
	return amounts
}
