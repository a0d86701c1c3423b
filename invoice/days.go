package invoice

import (
	"context"
	"errors"
	"iter"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/plan"
)

// days are the charges of a plan with the spend by day, as they are read.
func days(ctx context.Context, c Config, planned plan.Plan) iter.Seq2[plan.ChargeDays, error] {
	return func(yield func(plan.ChargeDays, error) bool) {
		var periods []*aggregate.PeriodBalance
		var firsts []int // the first charges of these periods
		known := planned.Context()
		for i, charge := range planned.Charges {
			if i > 0 && charge.Key() == planned.Charges[i-1].Key() {
				continue
			}
			if balance := known.Balance(charge); balance != nil {
				periods, firsts = append(periods, balance), append(firsts, i)
			}
		}
		if len(periods) == 0 {
			planned.WithoutDays()(yield)
			return
		}
		stopped, next := errors.New("no more is wanted"), 0
		upTo := func(end int) error {
			for ; next < end; next++ {
				if !yield(plan.ChargeDays{Charge: planned.Charges[next]}, nil) {
					return stopped
				}
			}
			return nil
		}
		query := c.query(planned.Loads)
		query.Known = &planned.Known
		err := c.Aggregator.Daily(ctx, query, periods,
			func(period int, days []aggregate.DaySpend) error {
				if err := upTo(firsts[period]); err != nil {
					return err
				}
				if !yield(plan.ChargeDays{Charge: planned.Charges[next], Days: days}, nil) {
					return stopped
				}
				next++
				return nil
			})
		if err == nil {
			err = upTo(len(planned.Charges))
		}
		if err != nil && !errors.Is(err, stopped) {
			yield(plan.ChargeDays{}, err)
		}
	}
}
