package aggregate

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/warehouse"
)

// Known is what a replay knows beside usage and catalog. Kept with a figure, it lets the figure be computed again,
// whatever was changed since.
type Known struct {
	Subscriptions []subscription.Subscription `json:"subscriptions"`
	Grants        []subscription.Grant        `json:"grants"`
	// Closed are stretches of time that were billed. Whoever keeps the rest keeps them on their own.
	Closed []subscription.Closed `json:"-"`
}

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

// rawLoads are the named loads, withdrawn ones too, given as not rolled up, so that their raw events are read.
func (a *Aggregator) rawLoads(ctx context.Context, query Query) ([]loadState, error) {
	loads, err := warehouse.Select[loadState](ctx, a.warehouse, "aggregate/named_loads.sql",
		warehouse.Params{"loads": query.Loads})
	if err != nil {
		return nil, fmt.Errorf("list named loads: %w", err)
	}
	return loads, nil
}
