package schemas

import (
	"strings"
	"testing"
)

// TestOnceWithOverage: credits given once have no period's end at which overage could be billed.
func TestOnceWithOverage(t *testing.T) {
	const text = `currency: usd
features: [{id: f, models: [m]}]
credit_systems: [{id: c, costs: [{effective: 2026-01-01, per_token: {f: 1}}]}]
products:
  - {id: free, default: true, credits: {system: c, included: 5, every: month}}
  - {id: pack, price: {amount: "9", every: month}, credits: {system: c, included: 5, every: once%s}}
`
	for beyond, refused := range map[string]bool{
		"": false, ", hard_cap: true": false, `, overage: {per_credit: "0.01"}`: true,
		`, overage: {tiers: [{up_to: 5, per_credit: "1"}, {per_credit: "2"}]}`: true,
	} {
		_, problems := ParseCatalog("catalog.yaml", []byte(strings.Replace(text, "%s", beyond, 1)))
		err := problems.Err()
		if refused != (err != nil) || refused && !strings.Contains(err.Error(), "credits given once have no period") {
			t.Errorf("%q: %v", beyond, err)
		}
	}
}
