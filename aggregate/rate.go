package aggregate

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// survey finds out what must be known of the usage before it is rated: the models that were used, and which totals
// serve. Loads may be rolled up between the survey and the rating.
func (a *Aggregator) survey(ctx context.Context, r *rating) error {
	if err := r.setSliceTables(); err != nil {
		return err
	}
	if !r.byDay { // totals are coarser than days
		if err := a.findTotals(ctx, r); err != nil {
			return err
		}
	}
	found := *r
	both, reading := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		found.models, err = a.models(reading, found)
		return err
	})
	both.Go(func() error { return a.fitTotals(reading, r) })
	err := both.Wait()
	r.models = found.models
	return err
}

// params are those that the statements over usage have in common.
func (r rating) params() warehouse.Params {
	params := subscription.Only(r.query.Customers)
	params["timezone"] = r.query.Catalog.Timezone.String()
	return params
}

// rate sums and prices the usage of every slice, as the survey found it. each is called for one customer after the
// other, in order; that nothing was lost or doubled is known only when rate has returned.
func (a *Aggregator) rate(
	ctx context.Context, r rating, each func(customer string, spend []sliceSpend) error,
) error {
	if r.keepTotals && a.totalsAreDue(r) {
		if err := r.checked(); err != nil { // totals rest on the rollup for good
			return err
		}
		if err := a.renewTotals(ctx, &r); err != nil {
			return err
		}
	}
	counted, unfit, err := r.loadTables()
	if err != nil {
		return err
	}
	rates, kinds, err := ratesOf(r.books, r.models, r.slices)
	if err != nil {
		return err
	}
	alone := rowByRow(r.books, r.models)
	params := r.params()
	anyRaw := anyUnrolled(r.loads) || len(alone) > 0 || r.splitDays.Block().Rows() > 0
	params["any_raw"], params["any_exact"] = anyRaw, anyRaw || r.totals.Exact > 0
	params["any_replaced"], params["none_replaced"] = r.replaces(), !r.replaces()
	params["any_replaced_exact"] = r.replaces() && params["any_exact"] == true
	params["all_raw"] = len(alone) > 0 || len(r.totals.unfit) > 0
	params["row_by_row"], params["by_day"], params["totals_seq"] = alone, r.byDay, r.totals.Seq
	params["counted"], params["unfit"], params["rates"] = counted, unfit, rates
	params["slices"], params["split_days"] = r.sliceTable, r.splitDays
	var rated, counts uint64
	both, asking := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		rated, err = a.readSpend(asking, params, kinds, each)
		return err
	})
	both.Go(func() (err error) {
		counts, err = a.countEvents(asking, r)
		return err
	})
	if err := both.Wait(); err != nil {
		return err
	}
	if counts != rated && !r.byDay {
		return fmt.Errorf("rate usage: %w: %d events count, %d were rated", ErrInvariant, counts, rated)
	}
	return nil
}

// models lists the models that were used.
func (a *Aggregator) models(ctx context.Context, r rating) ([]modelUse, error) {
	counted, _, err := r.loadTables()
	if err != nil {
		return nil, err
	}
	params := r.params()
	params["any_unrolled"], params["by_pool"] = anyUnrolled(r.loads), r.books.LacksPools()
	params["counted"], params["totals_seq"] = counted, r.totals.Seq
	models, err := warehouse.Select[modelUse](ctx, a.warehouse, "aggregate/models.sql", params)
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	return models, nil
}

// countEvents counts the events once more, without slices and prices: none may be lost or doubled by the joins.
func (a *Aggregator) countEvents(ctx context.Context, r rating) (events uint64, err error) {
	held := r.totals.held()
	divided := func(load loadState) bool { return held[load.Seq] && !load.OccurredTo.Before(r.query.AsOf) }
	r.totals.unfit = nil // of every event the totals know whether it counts
	if slices.ContainsFunc(r.loads, divided) {
		r.totals = totals{}
	}
	recounted, _, err := r.loadTables()
	if err != nil {
		return 0, err
	}
	counted := r.params()
	counted["any_divided"] = anyUnrolled(r.loads) || r.cutsLoads(r.query.AsOf)
	counted["counted"] = recounted
	counted["any_replaced"] = r.replaces()
	counted["as_of"], counted["totals_seq"], counted["totals_events"] = r.query.AsOf, r.totals.Seq, r.totals.Events
	err = a.warehouse.QueryRow(ctx, "aggregate/counted_events.sql", counted, &events)
	if err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return events, nil
}

func (a *Aggregator) readSpend(
	ctx context.Context, params warehouse.Params, kinds []pricebook.Kind,
	each func(customer string, spend []sliceSpend) error,
) (events uint64, err error) {
	var last, customer string
	var number, kind uint32
	var row sliceSpend
	var sums [schemas.PoolCount]struct{ low, high uint64 }
	into := []any{&customer, &number, &row.Day, &kind, &row.Events, &row.Unrated}
	for pool := range sums {
		into = append(into, &sums[pool].low, &sums[pool].high)
	}
	into = append(into, &row.Credits)
	var spend []sliceSpend
	err = a.warehouse.Each(ctx, "aggregate/rate.sql", params, into, func() (err error) {
		if customer != last && len(spend) > 0 {
			if err := each(last, spend); err != nil {
				return err
			}
			spend = make([]sliceSpend, 0, len(spend)) // the next customer's are about as many
		}
		last = customer
		row.Slice, row.System, row.Feature = int(number), kinds[kind].CreditSystem, kinds[kind].FeatureID
		events += row.Events
		memory := new(tokenMemory)
		for pool, sum := range sums {
			row.Tokens[pool] = memory.sum(pool, sum.low, sum.high)
		}
		spend = addSpend(spend, row)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("rate usage: %w", err)
	}
	if len(spend) > 0 {
		return events, each(last, spend)
	}
	return events, nil
}

// tokenMemory is where the sums of one row lie: in one piece, since a rating reads very many rows.
type tokenMemory struct {
	sums  [schemas.PoolCount]big.Int
	words [schemas.PoolCount][2]big.Word
}

// sum is a pool's number of 128 bits.
func (m *tokenMemory) sum(pool int, low, high uint64) *big.Int {
	sum := m.sums[pool].SetBits(m.words[pool][:0])
	if high == 0 {
		return sum.SetUint64(low)
	}
	sum.SetUint64(high)
	return sum.Lsh(sum, 64).Add(sum, new(big.Int).SetUint64(low))
}

// addSpend adds a row to the customer's list; rows of the same slice, system, feature and day follow each other.
// Whether the sums can be stored is looked at when the customer is settled.
func addSpend(list []sliceSpend, row sliceSpend) []sliceSpend {
	if len(list) == 0 {
		return append(list, row)
	}
	last := &list[len(list)-1]
	if last.Slice != row.Slice || last.System != row.System || last.Feature != row.Feature || !last.Day.Equal(row.Day) {
		return append(list, row)
	}
	last.Events += row.Events
	last.Unrated += row.Unrated
	for pool, tokens := range row.Tokens {
		last.Tokens[pool].Add(last.Tokens[pool], tokens)
	}
	last.Credits = last.Credits.Add(row.Credits)
	return list
}

// setSliceTables makes the tables of the slices, numbered by their place, and of the days that a boundary splits.
func (r *rating) setSliceTables() error {
	table, err := ext.NewTable("slices",
		ext.Column("timeline", "String"), ext.Column("slice", "UInt32"),
		ext.Column("starts_at", "DateTime64(9, 'UTC')"), ext.Column("ends_at", "DateTime64(9, 'UTC')"),
		ext.Column("first_day", "Date"), ext.Column("end_day", "Date"),
		ext.Column("epoch", "UInt32"), ext.Column("product_system", "String"))
	if err != nil {
		return fmt.Errorf("set up slices: %w", err)
	}
	splitDays, err := ext.NewTable("split_days", ext.Column("timeline", "String"), ext.Column("day", "Date"))
	if err != nil {
		return fmt.Errorf("set up slices: %w", err)
	}
	if err := r.fillSlices(table); err != nil {
		return fmt.Errorf("set up slices: %w", err)
	}
	for _, s := range r.slices {
		for _, boundary := range []cut{s.from, s.to} {
			for _, date := range boundary.splitDays() {
				if err := splitDays.Append(s.timeline, date); err != nil {
					return fmt.Errorf("set up slices: %w", err)
				}
			}
		}
	}
	r.sliceTable, r.splitDays = table, splitDays
	return nil
}

// fillSlices fills the table column by column: there are very many rows.
func (r rating) fillSlices(table *ext.Table) error {
	count := len(r.slices)
	timelines, systems := make([]string, count), make([]string, count)
	numbers, epochs := make([]uint32, count), make([]uint32, count)
	starts, ends := make([]time.Time, count), make([]time.Time, count)
	firstDays, endDays := make([]time.Time, count), make([]time.Time, count)
	for i, s := range r.slices {
		timelines[i], numbers[i], epochs[i], systems[i] = s.timeline, uint32(i), uint32(s.epoch), s.system
		starts[i], ends[i], firstDays[i], endDays[i] = s.from.At, s.to.At, s.from.First.date(), s.to.End.date()
	}
	return fill(table, timelines, numbers, starts, ends, firstDays, endDays, epochs, systems)
}
