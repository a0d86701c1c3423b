package aggregate

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

// Known reads what is known now.
func (a *Aggregator) Known(ctx context.Context) (Known, error) {
	return a.known(ctx, Query{})
}

// known is what the query was given, else what is stored.
func (a *Aggregator) known(ctx context.Context, query Query) (Known, error) {
	if query.Known != nil {
		return *query.Known, nil
	}
	var known Known
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		known.Subscriptions, err = subscription.Of(ctx, a.warehouse, query.Customers)
		return err
	})
	both.Go(func() (err error) {
		known.Grants, err = subscription.Grants(ctx, a.warehouse, query.Customers)
		return err
	})
	both.Go(func() (err error) {
		known.Closed, err = a.closed(ctx, query.Customers)
		return err
	})
	err := both.Wait()
	return known, err
}
