package subscription

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/warehouse"
)

// merged is a subscription as it will be after the import, and where it comes from.
type merged struct {
	Subscription
	row int // of the file; 0 for one that is stored already
}

func (m merged) String() string {
	if m.row == 0 {
		return fmt.Sprintf("the stored %s from %s", m.Product, m.StartsAt.Format(time.RFC3339))
	}
	return fmt.Sprintf("row %d", m.row)
}

// ownSubscriptions are those of one customer as they will be.
type ownSubscriptions struct {
	all []merged
	at  map[subscriptionKey]int // in all
}

// subscriptionKey is what a subscription is known by, within its customer.
type subscriptionKey struct {
	product string
	start   int64
}

func keyOf(s Subscription) subscriptionKey { return subscriptionKey{s.Product, s.StartsAt.UnixNano()} }

func newOwn(stored []Subscription) *ownSubscriptions {
	own := &ownSubscriptions{at: map[subscriptionKey]int{}}
	for _, s := range stored {
		own.at[keyOf(s)] = len(own.all)
		own.all = append(own.all, merged{Subscription: s})
	}
	return own
}

// merge lays the rows over what is stored and returns what changes: subscriptions, and Stripe ids by customer.
func (f Import) merge(
	rows []importRow, held map[string][]Subscription,
) (revisions []revision, stripe map[string]string, err error) {
	var mistakes []error
	stripe = map[string]string{}
	result := map[string]*ownSubscriptions{}
	named := map[string]int{} // row that gave the customer's Stripe id
	for _, row := range rows {
		id := row.CustomerID
		if row.stripeCustomer != "" {
			if known := stripe[id]; known != "" && known != row.stripeCustomer {
				mistakes = append(mistakes, &ImportError{f.File, row.number, fmt.Errorf(
					"stripe_customer %s: row %d has %s for the same customer", row.stripeCustomer, named[id], known)})
			}
			stripe[id], named[id] = row.stripeCustomer, row.number
		}
		if _, ok := result[id]; !ok {
			result[id] = newOwn(held[id])
		}
		if row.Product != "" {
			mistakes = append(mistakes, f.lay(result[id], row))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(result)) {
		for _, alike := range f.exclusive(result[id].all) {
			mistakes = append(mistakes, f.overlaps(alike)...)
		}
	}
	if err := f.join(mistakes); err != nil {
		return nil, nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(result)) {
		for _, m := range result[id].all {
			if m.row > 0 {
				revisions = append(revisions, revision{Subscription: m.Subscription})
			}
		}
	}
	return revisions, stripe, nil
}

// lay puts a row in the place of the stored one with its product and start, or beside the others.
func (f Import) lay(own *ownSubscriptions, row importRow) error {
	i, known := own.at[keyOf(row.Subscription)]
	if !known {
		own.at[keyOf(row.Subscription)] = len(own.all)
		own.all = append(own.all, merged{Subscription: row.Subscription, row: row.number})
		return nil
	}
	if own.all[i].row != 0 {
		return &ImportError{f.File, row.number, fmt.Errorf("same customer, product and starts_at as %s", own.all[i])}
	}
	replaced := row.Subscription
	if replaced.StripeSubscription == "" {
		replaced.StripeSubscription = own.all[i].StripeSubscription
	}
	if stored := own.all[i]; replaced.StripeSubscription == stored.StripeSubscription { // what sync saw of it stays
		replaced.StripeHold, replaced.PastDue = stored.StripeHold, stored.PastDue
		replaced.TrialFrom, replaced.TrialTo = stored.TrialFrom, stored.TrialTo
		if _, err := stored.Seats.changes(); err == nil {
			replaced.Seats = stored.Seats
		}
	}
	own.all[i] = merged{Subscription: replaced, row: row.number}
	return nil
}

// exclusive are the lists of subscriptions none of which may be in force together: those to products, and those to each
// add-on.
func (f Import) exclusive(own []merged) [][]merged {
	lists, at := [][]merged{nil}, map[string]int{}
	for _, one := range own {
		i := 0
		if product, ok := f.Catalog.Product(one.Product); ok && product.AddOn {
			if i, ok = at[product.ID]; !ok {
				i = len(lists)
				at[product.ID], lists = i, append(lists, nil)
			}
		}
		lists[i] = append(lists[i], one)
	}
	return lists
}

// overlaps finds subscriptions that are in force together; of two rows the later one says so. In order of their starts,
// one that overlaps any before it overlaps the one of those that ends last.
func (f Import) overlaps(own []merged) (mistakes []error) {
	inOrder := slices.Clone(own)
	slices.SortStableFunc(inOrder, func(a, b merged) int { return a.StartsAt.Compare(b.StartsAt) })
	last := 0
	for i := 1; i < len(inOrder); i++ {
		one, other := inOrder[i], inOrder[last]
		if one.EndsAt.IsZero() || !other.EndsAt.IsZero() && one.EndsAt.After(other.EndsAt) {
			last = i
		}
		if other.row > one.row {
			one, other = other, one
		}
		if one.row > 0 && one.Overlaps(other.Subscription) {
			mistakes = append(mistakes, &ImportError{f.File, one.row, fmt.Errorf(
				"%s of customer %s overlaps %s; give ends_at", one.Product, one.CustomerID, other)})
		}
	}
	return mistakes
}

// storeCustomers makes the customers known, with the Stripe ids that are given; an id that is not given stays.
func storeCustomers(
	ctx context.Context, w *warehouse.Warehouse, ids []string, stripe map[string]string, number uint64, now time.Time,
) error {
	table, err := ext.NewTable("new_customers",
		ext.Column("customer_id", "String"), ext.Column("stripe_customer", "String"))
	if err != nil {
		return fmt.Errorf("store customers: %w", err)
	}
	for _, id := range ids {
		if err := table.Append(id, stripe[id]); err != nil {
			return fmt.Errorf("store customer %s: %w", id, err)
		}
	}
	err = w.Exec(ctx, "subscription/insert_customers.sql",
		warehouse.Params{"new_customers": table, "revision": number, "now": now.UTC()})
	if err != nil {
		return fmt.Errorf("store customers: %w", err)
	}
	return nil
}
