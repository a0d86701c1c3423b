package invoice

import (
	"context"
	"errors"
	"iter"

	"github.com/creditmill/creditmill/aggregate"
)

// ChargeDays is a charge with the spend by day of its period. Charges of one period share it: the first has it.
type ChargeDays struct {
	Charge Charge
	Days   []aggregate.DaySpend
}

// withoutDays are the plan's charges alone.
func (p Plan) withoutDays() iter.Seq2[ChargeDays, error] {
	return func(yield func(ChargeDays, error) bool) {
		for _, charge := range p.Charges {
			if !yield(ChargeDays{Charge: charge}, nil) {
				return
			}
		}
	}
}

// Days are the charges of a plan that this Runner made, in the plan's order, with the spend by day. It is read from the
// warehouse meanwhile, and nothing of it is kept. An error is the last that comes.
func (r *Runner) Days(ctx context.Context, plan Plan) iter.Seq2[ChargeDays, error] {
	return func(yield func(ChargeDays, error) bool) {
		var periods []*aggregate.PeriodBalance
		var firsts []int // the first charges of these periods
		known := plan.context()
		for i, charge := range plan.Charges {
			if i > 0 && charge.key() == plan.Charges[i-1].key() {
				continue
			}
			if balance := known.balance(charge); balance != nil {
				periods, firsts = append(periods, balance), append(firsts, i)
			}
		}
		if len(periods) == 0 {
			plan.withoutDays()(yield)
			return
		}
		stopped, next := errors.New("no more is wanted"), 0
		upTo := func(end int) error {
			for ; next < end; next++ {
				if !yield(ChargeDays{Charge: plan.Charges[next]}, nil) {
					return stopped
				}
			}
			return nil
		}
		query := r.query(plan.loads)
		query.Known = &plan.known
		err := r.config.Aggregator.Daily(ctx, query, periods,
			func(period int, days []aggregate.DaySpend) error {
				if err := upTo(firsts[period]); err != nil {
					return err
				}
				if !yield(ChargeDays{Charge: plan.Charges[next], Days: days}, nil) {
					return stopped
				}
				next++
				return nil
			})
		if err == nil {
			err = upTo(len(plan.Charges))
		}
		if err != nil && !errors.Is(err, stopped) {
			yield(ChargeDays{}, err)
		}
	}
}
