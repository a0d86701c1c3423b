// Package subscription is who has which product and what else of credits, and since when.
//
// It reads and stores subscriptions, grants, customers and what Stripe says of them: by import, by a change that a
// customer asks for, and by sync. From them it lays a customer's time out as periods: each keeps the terms in force at
// its start, time that was billed stays as it was billed, and gaps are the default product's.
//
// It never knows usage, prices or balances. Nothing is updated in place: a new revision says what is now true, and all
// revisions of a change are one insert.
package subscription

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Where a subscription comes from.
const (
	OriginImport = "import"
	OriginAttach = "attach"
	OriginSync   = "sync"
)

// Subscription says that a customer has a product in [StartsAt, EndsAt). Where no subscription holds, the customer has
// the default product.
type Subscription struct {
	CustomerID string
	Product    string
	StartsAt   time.Time
	// EndsAt is exclusive; zero while it goes on.
	EndsAt time.Time
	// Anchor is what periods are counted from; it may lie before StartsAt.
	Anchor time.Time
	// StripeSubscription is sub_…; empty when there is none.
	StripeSubscription string
	// StripeHold is why Stripe collects none of its invoices, as the last sync saw it: paused, unpaid or incomplete. Empty
	// where it does, or where it is not known.
	StripeHold string
	// PastDue says that Stripe could not collect its latest invoice, as the last sync saw it: it is past due or unpaid.
	PastDue bool
	// Stripe's trial is [TrialFrom, TrialTo), as the last sync saw it, as far as the subscription holds in it. Zero where
	// Stripe tells of none: then a trial of the product's own holds.
	TrialFrom, TrialTo time.Time
	// Seats is how many of the product were bought, since when.
	Seats Seats
	// Origin is import, attach or sync.
	Origin string
}

// Period is the time in which the subscription is in force.
func (s Subscription) Period() schemas.Period {
	return schemas.Period{Start: s.StartsAt, End: s.EndsAt}
}

// Holds tells whether the subscription is in force at t.
func (s Subscription) Holds(t time.Time) bool { return s.Period().Contains(t) }

// Overlaps tells whether both are in force at some instant.
func (s Subscription) Overlaps(other Subscription) bool { return s.Period().Overlaps(other.Period()) }

// All returns all subscriptions that were, are or will be in force, sorted by customer and start.
func All(ctx context.Context, w *warehouse.Warehouse) ([]Subscription, error) {
	return Of(ctx, w, nil)
}

// Of returns those of the given customers, sorted like All; nil means all of them.
func Of(
	ctx context.Context, w *warehouse.Warehouse, customers []string,
) (subscriptions []Subscription, err error) {
	var row Subscription
	var ends, trialFrom, trialTo *time.Time
	into := []any{
		&row.CustomerID, &row.Product, &row.StartsAt, &ends, &row.Anchor, &row.StripeSubscription, &row.StripeHold,
		&row.PastDue, &trialFrom, &trialTo, (*string)(&row.Seats), &row.Origin,
	}
	err = w.Each(ctx, "subscription/subscriptions.sql", Only(customers), into, func() error {
		next := row
		next.StartsAt, next.Anchor, next.EndsAt = row.StartsAt.UTC(), row.Anchor.UTC(), timeOf(ends)
		next.TrialFrom, next.TrialTo = timeOf(trialFrom), timeOf(trialTo)
		subscriptions = append(subscriptions, next)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	return subscriptions, nil
}

// timeOf is zero for what is null.
func timeOf(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.UTC()
}

// customerRevision is the highest that is stored for any customer's subscriptions.
func customerRevision(ctx context.Context, w *warehouse.Warehouse) (revision uint64, err error) {
	if err := w.QueryRow(ctx, "subscription/customer_revision.sql", nil, &revision); err != nil {
		return 0, fmt.Errorf("read revision of subscriptions: %w", err)
	}
	return revision, nil
}

// TrialDays is the trial that a subscription beginning at a time would begin with; 0 for none.
func TrialDays(
	ctx context.Context, w *warehouse.Warehouse, customerID string, product schemas.Product, at time.Time,
) (int, error) {
	days := product.At(at).TrialDays
	if days == 0 {
		return 0, nil
	}
	stored, err := Of(ctx, w, []string{customerID})
	if err != nil {
		return 0, err
	}
	before := slices.DeleteFunc(stored, func(s Subscription) bool { return !s.StartsAt.Before(at) })
	if hadProduct(before, product.ID) {
		return 0, nil
	}
	return days, nil
}

// hadProduct tells whether one of a customer's earlier subscriptions was to the product: its trial is given once.
func hadProduct(before []Subscription, product string) bool {
	return slices.ContainsFunc(before, func(s Subscription) bool { return s.Product == product })
}

// StripeCustomers returns the Stripe ids of the customers that have one, by customer id.
func StripeCustomers(ctx context.Context, w *warehouse.Warehouse) (map[string]string, error) {
	known, err := readCustomers(ctx, w, nil)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]string, len(known))
	for _, customer := range known {
		if customer.StripeCustomer != "" {
			ids[customer.CustomerID] = customer.StripeCustomer
		}
	}
	return ids, nil
}

type customerRow struct {
	CustomerID     string `ch:"customer_id"`
	StripeCustomer string `ch:"stripe_customer"`
}

// readCustomers returns the customers known by import or attach, sorted by id; nil means all of them.
func readCustomers(ctx context.Context, w *warehouse.Warehouse, customers []string) ([]customerRow, error) {
	rows, err := warehouse.Select[customerRow](ctx, w, "subscription/stored_customers.sql", Only(customers))
	if err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	return rows, nil
}

// Known returns the ids of the customers known by import or attach, sorted; nil means all of them.
func Known(ctx context.Context, w *warehouse.Warehouse, customers []string) ([]string, error) {
	rows, err := readCustomers(ctx, w, customers)
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.CustomerID
	}
	return ids, err
}

// Only are the parameters of statements that can be limited to some customers.
func Only(customers []string) warehouse.Params {
	everyone := customers == nil
	if everyone {
		customers = []string{}
	}
	return warehouse.Params{"everyone": everyone, "customers": customers}
}

// ByCustomer groups subscriptions, in order of time.
func ByCustomer(subscriptions []Subscription) map[string][]Subscription {
	grouped := map[string][]Subscription{}
	for _, subscription := range subscriptions {
		grouped[subscription.CustomerID] = append(grouped[subscription.CustomerID], subscription)
	}
	for _, own := range grouped {
		slices.SortFunc(own, func(a, b Subscription) int {
			return cmp.Or(a.StartsAt.Compare(b.StartsAt), cmp.Compare(a.Product, b.Product))
		})
	}
	return grouped
}
