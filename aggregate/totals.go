package aggregate

import (
	"context"
	"fmt"
	"maps"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Totals are made again when the loads that they do not hold have totalsGrowth times as many rows of the rollup as they
// have, or when one of totalsUnfit of their rows is of no use.
const (
	totalsGrowth = 4
	totalsUnfit  = 8
)

// findTotals looks for totals that serve the rating, and marks their loads.
func (a *Aggregator) findTotals(ctx context.Context, r *rating) error {
	last, err := warehouse.Select[totals](ctx, a.warehouse, "aggregate/last_totals.sql", nil)
	if err != nil {
		return fmt.Errorf("read last totals: %w", err)
	}
	if len(last) == 0 || last[0].Timezone != r.query.Catalog.Timezone.String() || last[0].Stored != last[0].Rows ||
		!r.rolled(last[0].Loads) {
		return nil
	}
	r.totals = last[0]
	return nil
}

// rolled tells whether all the loads count and are rolled up.
func (r rating) rolled(loads []uint64) bool {
	counted := make(map[uint64]bool, len(r.loads))
	for _, load := range r.loads {
		counted[load.Seq] = load.Rolled != 0
	}
	for _, seq := range loads {
		if !counted[seq] {
			return false
		}
	}
	return true
}

// fitTotals finds out of whom the totals are of no use.
func (a *Aggregator) fitTotals(ctx context.Context, r *rating) (err error) {
	if r.totals.Seq == 0 {
		return nil
	}
	params := subscription.Only(r.query.Customers)
	params["totals_seq"], params["any_exact"], params["slices"] = r.totals.Seq, r.totals.Exact > 0, r.sliceTable
	r.totals.unfit, err = warehouse.Select[unfitCustomer](ctx, a.warehouse, "aggregate/unfit.sql", params)
	if err != nil {
		return fmt.Errorf("hold totals against periods: %w", err)
	}
	for _, customer := range r.totals.unfit {
		r.totals.unfitRows += customer.Rows
	}
	return nil
}

// totalsAreDue tells whether it pays to add up again.
func (a *Aggregator) totalsAreDue(r rating) bool {
	held := r.totals.held()
	var rows, outside uint64
	for _, load := range r.loads {
		rows += load.DailyRows
		if !held[load.Seq] {
			outside += load.DailyRows
		}
	}
	stale := r.totals.Seq == 0 || outside > totalsGrowth*r.totals.Rows || totalsUnfit*r.totals.unfitRows > r.totals.Rows
	return stale && rows >= a.leastTotals
}

func (t totals) held() map[uint64]bool {
	held := make(map[uint64]bool, len(t.Loads))
	for _, seq := range t.Loads {
		held[seq] = true
	}
	return held
}

// renewTotals adds up all loads that are rolled up, by the slices of the rating, reads the sums back and holds them
// against the rollup. They are used from their row in totals on, which is written last; what a killed run left is
// removed. The totals used so far stay for those who read them now.
func (a *Aggregator) renewTotals(ctx context.Context, r *rating) error {
	last, err := warehouse.Select[totals](ctx, a.warehouse, "aggregate/last_totals.sql", nil)
	if err != nil {
		return fmt.Errorf("read last totals: %w", err)
	}
	var lastSeq uint64
	if len(last) > 0 {
		lastSeq = last[0].Seq
	}
	if err := a.dropTotals(ctx, lastSeq); err != nil {
		return err
	}
	next := totals{Seq: lastSeq + 1, Timezone: r.query.Catalog.Timezone.String()}
	counted, unfit, err := r.loadTables()
	if err != nil {
		return err
	}
	params, err := r.tested.params()
	if err != nil {
		return err
	}
	maps.Copy(params, warehouse.Params{
		"timezone": next.Timezone, "totals_seq": next.Seq, "known_seq": r.totals.Seq,
		"any_split": r.splitDays.Block().Rows() > 0, "any_unfit": len(r.totals.unfit) > 0,
		"any_replaced": r.replaces(),
		"counted":      counted, "unfit": unfit, "slices": r.sliceTable, "split_days": r.splitDays,
	})
	if err := a.warehouse.Exec(ctx, "aggregate/insert_usage_totals.sql", params); err != nil {
		return fmt.Errorf("add up usage: %w", err)
	}
	a.fault("after-usage-totals")
	var added, rolled string
	err = a.warehouse.QueryRow(ctx, "aggregate/totals_sums.sql",
		warehouse.Params{"counted": counted, "timezone": next.Timezone, "totals_seq": next.Seq},
		&next.Rows, &next.Exact, &next.Events, &added, &rolled)
	if err != nil {
		return fmt.Errorf("read totals back: %w", err)
	}
	if added != rolled {
		return fmt.Errorf("add up usage: %w: %s rolled up, %s added up", ErrInvariant, rolled, added)
	}
	err = a.warehouse.Exec(ctx, "aggregate/insert_totals.sql", warehouse.Params{
		"counted":  counted,
		"timezone": next.Timezone, "totals_seq": next.Seq, "rows": next.Rows, "exact_rows": next.Exact, "events": next.Events,
		"now": a.now().UTC(),
	})
	if err != nil {
		return fmt.Errorf("finish totals: %w", err)
	}
	a.fault("after-totals")
	for _, load := range r.loads {
		if load.Rolled != 0 {
			next.Loads = append(next.Loads, load.Seq)
		}
	}
	r.totals = next
	return a.fitTotals(ctx, r)
}

// dropTotals removes the rows of all totals but one.
func (a *Aggregator) dropTotals(ctx context.Context, kept uint64) error {
	stored, err := warehouse.Select[totals](ctx, a.warehouse, "aggregate/stored_totals.sql", nil)
	if err != nil {
		return fmt.Errorf("list stored totals: %w", err)
	}
	for _, t := range stored {
		if t.Seq == kept {
			continue
		}
		err := a.warehouse.Exec(ctx, "aggregate/drop_totals.sql", warehouse.Params{"totals_seq": t.Seq})
		if err != nil {
			return fmt.Errorf("drop totals %d: %w", t.Seq, err)
		}
	}
	return nil
}

// loadTables are the loads that count, and the customers of whom no totals are used. A load's rollup is read where not
// all of it is in totals that are used; the statements say which of its rows are.
func (r rating) loadTables() (counted, unfit *ext.Table, err error) {
	counted, err = ext.NewTable("counted", ext.Column("load_seq", "UInt64"), ext.Column("rolled", "UInt8"),
		ext.Column("to_cut", "UInt8"), ext.Column("totalled", "UInt8"), ext.Column("daily", "UInt8"),
		ext.Column("expired", "UInt8"))
	if err != nil {
		return nil, nil, fmt.Errorf("set up loads: %w", err)
	}
	held, cuts := r.totals.held(), r.cutsLoads(r.query.AsOf)
	for _, load := range r.loads {
		daily := load.Rolled != 0 && (!held[load.Seq] || load.Superseded+load.Replaced > 0 || len(r.totals.unfit) > 0)
		// What a load takes off may lie after all of its own events, and in totals only beside what it is taken off of.
		toCut := !load.OccurredTo.Before(r.query.AsOf) || cuts && load.Replaced > 0 && !held[load.Seq]
		err := counted.Append(load.Seq, load.Rolled, bit(toCut), bit(held[load.Seq]), bit(daily), load.Expired)
		if err != nil {
			return nil, nil, fmt.Errorf("set up load %s: %w", schemas.LoadID(load.Seq), err)
		}
	}
	unfit, err = ext.NewTable("unfit", ext.Column("customer_id", "String"))
	if err != nil {
		return nil, nil, fmt.Errorf("set up customers: %w", err)
	}
	for _, customer := range r.totals.unfit {
		if err := unfit.Append(customer.CustomerID); err != nil {
			return nil, nil, fmt.Errorf("set up customer %s: %w", customer.CustomerID, err)
		}
	}
	return counted, unfit, nil
}
