package subscription

import (
	"context"
	"errors"
	"fmt"
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

// merge lays the rows over what is stored and returns what changes: subscriptions, and Stripe ids by customer.
func (f Import) merge(
	rows []importRow, held map[string][]Subscription,
) (revisions []revision, stripe map[string]string, err error) {
	var mistakes []error
	stripe = map[string]string{}
	result := map[string][]merged{}
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
			for _, stored := range held[id] {
				result[id] = append(result[id], merged{Subscription: stored})
			}
		}
		if row.Product != "" {
			result[id], err = f.lay(result[id], row)
			mistakes = append(mistakes, err)
		}
	}
	for _, row := range rows {
		mistakes = append(mistakes, f.overlap(row, result[row.CustomerID]))
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, nil, err
	}
	for _, row := range rows {
		for _, m := range result[row.CustomerID] {
			if m.row == row.number {
				revisions = append(revisions, revision{Subscription: m.Subscription})
			}
		}
	}
	return revisions, stripe, nil
}

// lay puts a row in the place of the stored one with its product and start, or beside the others.
func (f Import) lay(own []merged, row importRow) ([]merged, error) {
	i := slices.IndexFunc(own, func(m merged) bool {
		return m.Product == row.Product && m.StartsAt.Equal(row.StartsAt)
	})
	if i < 0 {
		return append(own, merged{Subscription: row.Subscription, row: row.number}), nil
	}
	if own[i].row != 0 {
		return own, &ImportError{f.File, row.number, fmt.Errorf("same customer, product and starts_at as %s", own[i])}
	}
	replaced := row.Subscription
	if replaced.StripeSubscription == "" {
		replaced.StripeSubscription = own[i].StripeSubscription
	}
	if stored := own[i]; replaced.StripeSubscription == stored.StripeSubscription { // what sync saw of it stays
		replaced.StripeHold, replaced.PastDue = stored.StripeHold, stored.PastDue
		replaced.TrialFrom, replaced.TrialTo = stored.TrialFrom, stored.TrialTo
		if _, err := stored.Seats.changes(); err == nil {
			replaced.Seats = stored.Seats
		}
	}
	own[i] = merged{Subscription: replaced, row: row.number}
	return own, nil
}

// overlap finds another subscription that is in force together with the row's; of two rows the later one says so.
func (f Import) overlap(row importRow, own []merged) error {
	if row.Product == "" {
		return nil
	}
	for _, other := range own {
		if other.row == row.number || other.row > row.number || !other.Overlaps(row.Subscription) {
			continue
		}
		return &ImportError{f.File, row.number, fmt.Errorf("%s of customer %s overlaps %s; give ends_at",
			row.Product, row.CustomerID, other)}
	}
	return nil
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
