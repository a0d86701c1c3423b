package subscription

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Customer is one as `customers` lists it.
type Customer struct {
	CustomerID string
	Product    string
	// AddOns are those that the customer has beside it, sorted.
	AddOns []string
	// Since is when the present product began; zero for the default product of a customer who never had another.
	Since time.Time
	// StripeCustomer and StripeSubscription are empty when unknown.
	StripeCustomer     string
	StripeSubscription string
	// LastEvent is zero for a customer without usage.
	LastEvent time.Time
}

// Customers lists those with usage and those imported or attached, sorted by id, with the product they have at the
// instant.
func Customers(
	ctx context.Context, w *warehouse.Warehouse, catalog *schemas.Catalog, at time.Time,
) ([]Customer, error) {
	type usage struct {
		CustomerID string    `ch:"customer_id"`
		LastEvent  time.Time `ch:"last_event"`
	}
	used, err := warehouse.Select[usage](ctx, w, "subscription/last_events.sql", nil)
	if err != nil {
		return nil, fmt.Errorf("list customers: %w", err)
	}
	stored, err := readCustomers(ctx, w, nil)
	if err != nil {
		return nil, err
	}
	subscriptions, err := All(ctx, w)
	if err != nil {
		return nil, err
	}
	known := map[string]*Customer{}
	customer := func(id string) *Customer {
		if known[id] == nil {
			known[id] = &Customer{CustomerID: id, Product: catalog.DefaultProduct().ID}
		}
		return known[id]
	}
	for _, row := range used {
		customer(row.CustomerID).LastEvent = row.LastEvent.UTC()
	}
	for _, row := range stored {
		customer(row.CustomerID).StripeCustomer = row.StripeCustomer
	}
	subscriptions, addOns := Apart(subscriptions, catalog)
	for _, addOn := range addOns {
		if c := customer(addOn.CustomerID); addOn.Holds(at) {
			c.AddOns = append(c.AddOns, addOn.Product)
		}
	}
	for _, subscription := range subscriptions {
		c := customer(subscription.CustomerID)
		switch {
		case subscription.Holds(at):
			c.Product, c.Since = subscription.Product, subscription.StartsAt
			c.StripeSubscription = subscription.StripeSubscription
		case !subscription.StartsAt.After(at):
			c.Since = subscription.EndsAt
		}
	}
	result := make([]Customer, 0, len(known))
	for _, c := range known {
		slices.Sort(c.AddOns)
		result = append(result, *c)
	}
	slices.SortFunc(result, func(a, b Customer) int { return strings.Compare(a.CustomerID, b.CustomerID) })
	return result, nil
}
