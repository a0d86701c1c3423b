package main

import (
	"context"
	"slices"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/warehouse"
)

// newAggregator returns an aggregator that keeps closed time as it was billed.
func (a *app) newAggregator(w *warehouse.Warehouse) *aggregate.Aggregator {
	return a.aggregatorWith(w, nil)
}

// aggregatorWith is newAggregator for a test that ends the process at a point; nil for none.
func (a *app) aggregatorWith(w *warehouse.Warehouse, fault func(point string)) *aggregate.Aggregator {
	closed := func(ctx context.Context, customers []string) ([]subscription.Closed, error) {
		return a.closedTime(ctx, w, customers)
	}
	return aggregate.New(aggregate.Config{Warehouse: w, Now: a.now, Closed: closed, Log: a.log, Fault: fault})
}

// closedTime is the time of customers, or for nil of all, that was billed; none where it is not known which
// account is meant.
func (a *app) closedTime(
	ctx context.Context, w *warehouse.Warehouse, customers []string,
) ([]subscription.Closed, error) {
	account, found, err := a.billedAccount(ctx, w)
	if err != nil || !found {
		return nil, err
	}
	return ledger.ClosedTime(ctx, w, account, customers)
}

// billedAccount is the account whose periods are closed: one that was posted to for real where any was, else in the
// test mode. Where several accounts were posted to, the config says which is meant; else none is.
func (a *app) billedAccount(ctx context.Context, w *warehouse.Warehouse) (ledger.Account, bool, error) {
	accounts, err := ledger.Accounts(ctx, w)
	if err != nil {
		return ledger.Account{}, false, err
	}
	named := a.config.Stripe.Account
	accounts = slices.DeleteFunc(accounts, func(account ledger.Account) bool {
		return named != "" && account.ID != named
	})
	if slices.ContainsFunc(accounts, func(account ledger.Account) bool { return account.Livemode }) {
		accounts = slices.DeleteFunc(accounts, func(account ledger.Account) bool { return !account.Livemode })
	}
	switch len(accounts) {
	case 0:
		return ledger.Account{}, false, nil
	case 1:
		return accounts[0], true, nil
	}
	a.note("charges were posted to %d Stripe accounts: say with stripe.account which one's closed periods are kept",
		len(accounts))
	return ledger.Account{}, false, nil
}
