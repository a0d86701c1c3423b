package schemas

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func overriddenCatalog(t *testing.T) *Catalog {
	t.Helper()
	catalog, problems := ParseCatalog("overrides.yaml", read(t, "../testdata/catalogs/overrides.yaml"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return catalog
}

func TestTerms(t *testing.T) {
	catalog := overriddenCatalog(t)
	tests := []struct{ name, customer, product, at, want string }{
		{"everyone", "someone", "pro", "2026-05-01T00:00:00Z", "1000, 0.01 each, limit 5000, trial 14"},
		{"before the override", "acme", "pro", "2026-02-28T22:59:59Z", "1000, 0.01 each, limit 5000, trial 14"},
		{"at its very instant, in Berlin", "acme", "pro", "2026-02-28T23:00:00Z", "2000, 0.008 each, limit 5000, trial 14"},
		{"the next one", "acme", "pro", "2026-08-31T22:00:00Z", "unlimited, 0.01 each, limit 5000, trial 14"},
		{"another product", "acme", "team", "2026-05-01T00:00:00Z", "10000, 0.01 to 10000, 0.008 to 50000, 0.0055 each"},
		{"the default product", "acme", "free", "2026-05-01T00:00:00Z", "100, hard cap"},
		{"tiers for a price, and no limit", "globex", "pro", "2026-05-01T00:00:00Z", "1000, 1 to 10, 2 each, trial 14"},
		{"a cap for tiers", "initech", "team", "2026-05-01T00:00:00Z", "10000, hard cap"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			product, _ := catalog.Product(test.product)
			if got := describe(catalog.Terms(test.customer, product, instant(t, test.at))); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func describe(terms ProductVersion) string {
	parts := []string{terms.Credits.Included.String()}
	if terms.Credits.Unlimited {
		parts[0] = unlimited
	}
	if overage := terms.Credits.Overage; overage != nil {
		for _, tier := range overage.Prices() {
			text := tier.PerCredit.String() + " each"
			if tier.UpTo.IsPositive() {
				text = tier.PerCredit.String() + " to " + tier.UpTo.String()
			}
			parts = append(parts, text)
		}
		if overage.Limit.IsPositive() {
			parts = append(parts, "limit "+overage.Limit.String())
		}
	}
	if terms.Credits.HardCap {
		parts = append(parts, "hard cap")
	}
	if terms.TrialDays > 0 {
		parts = append(parts, fmt.Sprint("trial ", terms.TrialDays))
	}
	return strings.Join(parts, ", ")
}

func TestCostsFor(t *testing.T) {
	catalog := overriddenCatalog(t)
	system, _ := catalog.CreditSystem("credits")
	tests := []struct{ name, customer, feature, at, want string }{
		{"everyone", "", "chat-tokens", "2026-06-20T00:00:00Z", "1 1 1 1 1"},
		{"before the price list", "acme", "chat-tokens", "2025-12-31T22:59:59Z", ""},
		{"before the override", "acme", "chat-tokens", "2026-06-14T21:59:59Z", "1 1 1 1 1"},
		{"one pool of its own", "acme", "chat-tokens", "2026-06-14T22:00:00Z", "1 1 1 2 1"},
		{"over the next price list", "acme", "chat-tokens", "2026-06-30T22:00:00Z", "1 0.1 1 2 4"},
		{"all pools", "acme", "image-tokens", "2026-07-01T00:00:00Z", "5 5 5 5 5"},
		{"everyone, after that", "", "chat-tokens", "2026-07-01T00:00:00Z", "1 0.1 1 4 4"},
		{"without costs of its own", "globex", "image-tokens", "2026-07-01T00:00:00Z", "8 8 8 8 8"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			costs, ok := catalog.CostsFor(test.customer, system, test.feature, instant(t, test.at))
			if got := columnCosts(costs); got != test.want || ok != (test.want != "") {
				t.Errorf("%s, %t; want %s", got, ok, test.want)
			}
		})
	}
	if got := strings.Join(catalog.OverriddenCustomers(), " "); got != "acme globex initech" {
		t.Errorf("overridden customers: %s", got)
	}
	if n := len(catalog.OverridesOf("acme")); n != 3 {
		t.Errorf("%d overrides of acme", n)
	}
	if _, ok := catalog.CostsFor("acme", system, "chat-tokens", time.Time{}); ok {
		t.Error("costs at the beginning of time")
	}
}
