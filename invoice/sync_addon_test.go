package invoice

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/stripetest"
	"github.com/creditmill/creditmill/invoice/sync"
	"github.com/creditmill/creditmill/schemas"
)

const addOnCatalog = syncCatalog + `
  - id: extra
    add_on: true
    price: {amount: "10.00", every: month, stripe_price: price_extra}
    credits: {system: c, included: 100, every: month}
  - id: boost
    add_on: true
    price: {amount: "20.00", every: month, stripe_price: price_boost}
    credits: {system: c, included: 1000, every: month}
`

func withAddOns(t *testing.T) *office {
	t.Helper()
	o := stocked(t)
	catalog, problems := schemas.ParseCatalog("catalog.yaml", []byte(addOnCatalog))
	if catalog == nil || problems.Err() != nil {
		t.Fatal(problems)
	}
	o.catalog = catalog
	o.Fake.AddPrice("price_extra", "usd", 1000)
	o.Fake.AddPrice("price_boost", "usd", 2000)
	return o
}

// TestSyncAddOns: an add-on is a subscription at Stripe of its own, or an item of the one to the product. It begins and
// ends beside that.
func TestSyncAddOns(t *testing.T) {
	o := withAddOns(t)
	both := o.subscribe("acme", "price_pro")
	apart := o.subscribe("acme", "price_extra")
	o.assert(o.sync(), "add acme pro 2026-11-02T03:00:00Z never\nadd acme extra 2026-11-02T03:00:00Z never")

	// Added to the product's own subscription later, it counts from now.
	o.Clock.Advance(24 * time.Hour)
	o.Request("POST", "/v1/subscriptions/"+both, "items[0][price]=price_pro&items[1][price]=price_boost")
	o.assert(o.sync(), "add acme boost 2026-11-03T03:00:00Z never")

	// The product changes and one add-on ends; the others stay.
	o.Clock.Advance(24 * time.Hour)
	o.Request("POST", "/v1/subscriptions/"+both, "items[0][price]=price_team&items[1][price]=price_boost")
	o.Request("DELETE", "/v1/subscriptions/"+apart, "")
	o.assert(o.sync(), "change acme pro 2026-11-02T03:00:00Z 2026-11-04T03:00:00Z\n"+
		"change acme extra 2026-11-02T03:00:00Z 2026-11-04T03:00:00Z\nadd acme team 2026-11-04T03:00:00Z never")

	// Taken out of the subscription, it ends now.
	o.Clock.Advance(24 * time.Hour)
	o.Request("POST", "/v1/subscriptions/"+both, "items[0][price]=price_team")
	o.assert(o.sync(), "change acme boost 2026-11-03T03:00:00Z 2026-11-05T03:00:00Z")
}

// TestSyncAddOnTwice: the same add-on twice at once needs a person, as two products do.
func TestSyncAddOnTwice(t *testing.T) {
	o := withAddOns(t)
	o.subscribe("acme", "price_extra")
	o.Clock.Advance(time.Hour)
	o.subscribe("acme", "price_extra")
	plan := o.plan()
	if !strings.Contains(strings.Join(plan.Problems, "\n"), "at once; end one of them") || told(plan) != "" {
		t.Fatalf("%q", plan.Problems)
	}
}

// TestCheckoutBeside: who has a product can buy an add-on, and the other way round, but nothing twice.
func TestCheckoutBeside(t *testing.T) {
	o := withAddOns(t)
	ask := func(customer, product string) error {
		found, _ := o.catalog.Product(product)
		_, err := sync.Checkout(context.Background(), o.Client(stripetest.InProcess(o.Fake)), sync.CheckoutRequest{
			CustomerID: customer, StripeCustomer: "cus_" + customer, Price: found.Versions[0].Price.StripePrice,
			Beside: sync.Beside(o.catalog, found), SuccessURL: "https://example.com/", CancelURL: "https://example.com/",
		})
		return err
	}
	o.subscribe("acme", "price_pro")
	o.subscribe("beta", "price_extra")
	for _, test := range []struct {
		customer, product string
		refused           bool
	}{
		{"acme", "extra", false},
		{"acme", "team", true},
		{"beta", "pro", false},
		{"beta", "boost", false},
		{"beta", "extra", true},
	} {
		err := ask(test.customer, test.product)
		if refused := err != nil && strings.Contains(err.Error(), "has a running subscription"); refused != test.refused {
			t.Errorf("%s, %s: %v", test.customer, test.product, errors.Unwrap(err))
		}
	}
}
