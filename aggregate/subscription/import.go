package subscription

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/creditmill/creditmill/warehouse"
)

// ImportResult counts what an import stored.
type ImportResult struct {
	Rows          int `json:"rows"`
	Customers     int `json:"customers"`
	Subscriptions int `json:"subscriptions"`
}

// ImportCustomers stores the file's customers and subscriptions, all of them or, on any mistake, none; the error then
// names every row at fault. A subscription stored with the same customer, product and start is replaced; a Stripe id
// left empty stays as it was. The caller holds the warehouse's writer lock.
func ImportCustomers(ctx context.Context, w *warehouse.Warehouse, file Import, now time.Time) (ImportResult, error) {
	rows, mistakes := file.read()
	ids := make([]string, 0, len(rows))
	for _, row := range rows {
		ids = append(ids, row.CustomerID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	held, err := Of(ctx, w, nil)
	if err != nil {
		return ImportResult{}, err
	}
	last, err := customerRevision(ctx, w)
	if err != nil {
		return ImportResult{}, err
	}
	revisions, stripe, err := file.merge(rows, ByCustomer(held))
	if err := errors.Join(mistakes, err); err != nil {
		return ImportResult{}, err
	}
	if err := storeCustomers(ctx, w, ids, stripe, last+1, now); err != nil {
		return ImportResult{}, err
	}
	if err := storeSubscriptions(ctx, w, revisions, last+1, now); err != nil {
		return ImportResult{}, err
	}
	return ImportResult{Rows: len(rows), Customers: len(ids), Subscriptions: len(revisions)}, nil
}
