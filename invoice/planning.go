package invoice

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
)

// makePlan reads what a plan is made from and makes it. What is committed while it reads may count or not.
func makePlan(ctx context.Context, c Config) (plan.Plan, error) {
	kept := c.ledger()
	var loads []uint64
	var known aggregate.Known
	in := plan.Inputs{
		AsOf: c.AsOf, Catalog: c.Catalog, StripeAccount: c.StripeAccount,
		Livemode: c.Livemode, LateWindow: c.LateWindow, MaxChargeMinor: c.MaxChargeMinor,
		AnomalyFactor: c.AnomalyFactor, AutomaticTax: c.Policy.AutomaticTax,
		ByFeature: c.Policy.ByFeature,
	}
	var closed plan.Closings
	var settled func(*aggregate.PeriodBalance) bool
	frozen := make(chan struct{}) // closed when in.Frozen is read
	reads, reading := errgroup.WithContext(ctx)
	reads.Go(func() (err error) {
		if closed, err = kept.Closings(reading, c.account(), c.Catalog); err != nil {
			return err
		}
		if loads, err = kept.Loads(reading); err != nil {
			return err
		}
		if known, err = c.Aggregator.Known(reading); err != nil {
			return err
		}
		known.Closed, in.Rebills = closed.Effective()
		query := c.query(loads)
		query.Known, in.Subscriptions = &known, known.Subscriptions
		query.Settled = func(balance *aggregate.PeriodBalance) bool {
			select {
			case <-frozen:
				return settled(balance)
			case <-reading.Done():
				return false
			}
		}
		in.Periods, in.Problems, err = c.Aggregator.ReplayEach(reading, query)
		return err
	})
	reads.Go(func() (err error) {
		if in.Frozen, err = kept.Charges(reading, c.StripeAccount, c.Livemode); err != nil {
			return err
		}
		settled = plan.Settled(in.AsOf, in.Catalog, in.Frozen)
		close(frozen)
		if in.StripeCustomers, err = subscription.StripeCustomers(reading, c.Warehouse); err != nil {
			return err
		}
		if in.StripeStates, err = subscription.StripeStates(reading, c.Warehouse); err != nil {
			return err
		}
		in.Releases, in.Withheld, err = kept.Decided(reading)
		return err
	})
	if err := reads.Wait(); err != nil {
		return plan.Plan{}, err
	}
	gaps, err := gaps(ctx, c, in.Periods)
	if err != nil {
		return plan.Plan{}, err
	}
	in.Gaps = gaps
	planned, err := plan.Build(in)
	if err != nil {
		return plan.Plan{}, err
	}
	planned.Loads, planned.Known, planned.Closings = loads, known, closed
	return planned, nil
}
