package aggregate

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// survey finds out what must be known of the usage before it is rated: what was used, and which totals
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
		found.uses, err = a.uses(reading, found)
		return err
	})
	both.Go(func() error { return a.fitTotals(reading, r) })
	if err := both.Wait(); err != nil {
		return err
	}
	r.uses, r.tested = found.uses, testedOf(r.books, allUsed(found.uses), r.loads)
	inTotals := func(use usedList) bool { return use.Totalled != 0 && r.tested.misses(use.used()) }
	if slices.ContainsFunc(r.uses, inTotals) { // made before prices depended on so much: they are of no use
		r.totals = totals{}
		var err error
		if r.uses, err = a.uses(ctx, *r); err != nil {
			return err
		}
	}
	r.uses, r.stale = r.tested.spread(r.uses)
	return nil
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
		if err := r.checked(); err != nil { // totals rest on the rollup from then on
			return err
		}
		if err := a.renewTotals(ctx, &r); err != nil {
			return err
		}
	}
	alone, aloneRows, err := rowByRow(r.books, r.uses, r.stale)
	if err != nil {
		return err
	}
	if aloneRows > 0 && r.expires() { // totals do not tell rows that expired from those that are read one by one
		r.totals = totals{}
	}
	counted, unfit, err := r.loadTables()
	if err != nil {
		return err
	}
	if aloneRows > 0 && r.expires() {
		if err := a.checkExpired(ctx, r, counted, unfit, alone); err != nil {
			return fmt.Errorf("rate usage: %w", err)
		}
	}
	rates, kinds, err := ratesOf(r.books, r.uses, r.slices)
	if err != nil {
		return err
	}
	alike, alikeRows, err := alikeOf(r.books, r.uses)
	if err != nil {
		return err
	}
	params := r.params()
	params["alike"], params["any_alike"] = alike, alikeRows > 0
	tests, err := r.tested.params()
	if err != nil {
		return err
	}
	maps.Copy(params, tests)
	anyRaw := anyUnrolled(r.loads) || aloneRows > 0 || r.splitDays.Block().Rows() > 0
	params["any_raw"], params["any_exact"] = anyRaw, anyRaw || r.totals.Exact > 0
	params["any_replaced"], params["none_replaced"] = r.replaces(), !r.replaces()
	params["any_replaced_exact"] = r.replaces() && params["any_exact"] == true
	params["any_told"] = params["any_tested"] == true && params["any_exact"] == true
	params["none_told"] = params["any_tested"] != true && params["any_exact"] == true
	params["all_raw"] = aloneRows > 0 || len(r.totals.unfit) > 0
	params["alone"], params["by_day"], params["totals_seq"] = alone, r.byDay, r.totals.Seq
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
	return r.checkCount(counts, rated)
}

// checkCount is an error where not every event that counts was rated. By day, the slices need not hold all of them.
func (r rating) checkCount(counts, rated uint64) error {
	switch {
	case counts == rated || r.byDay:
		return nil
	case r.expires():
		return fmt.Errorf("rate usage: %w: %d events count, %d can be rated: a price, a period or a grant now begins within "+
			"a day whose raw rows were removed; take that change back, or let it begin at midnight", ErrExpired, counts, rated)
	}
	return fmt.Errorf("rate usage: %w: %d events count, %d were rated", ErrInvariant, counts, rated)
}

// uses lists what was used. Of which units there is any is looked at only where some price lacks some unit.
func (a *Aggregator) uses(ctx context.Context, r rating) ([]usedList, error) {
	all, err := a.listUses(ctx, r, false)
	if err != nil || !slices.ContainsFunc(all, func(u usedList) bool { return r.books.Lacks(u.what(), u.units()) }) {
		return all, err
	}
	return a.listUses(ctx, r, true)
}

func (a *Aggregator) listUses(ctx context.Context, r rating, byUnit bool) ([]usedList, error) {
	counted, _, err := r.loadTables()
	if err != nil {
		return nil, err
	}
	params := r.params()
	params["any_unrolled"], params["by_unit"] = anyUnrolled(r.loads), byUnit
	params["counted"], params["totals_seq"] = counted, r.totals.Seq
	all, err := warehouse.Select[usedList](ctx, a.warehouse, "aggregate/uses.sql", params)
	if err != nil {
		return nil, fmt.Errorf("list what was used: %w", err)
	}
	return all, nil
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
	var sums unitSums
	var known uint8
	into := []any{
		&customer, &number, &row.Day, &kind, &sums.units, &row.Events, &row.Unrated, &sums.low, &sums.high,
		&row.Credits, &known,
	}
	var spend []sliceSpend
	err = a.warehouse.Each(ctx, "aggregate/rate.sql", params, into, func() (err error) {
		if known == 0 {
			return fmt.Errorf("%w: %d events of %s with %s were not looked for", ErrInvariant, row.Events, customer, sums.units)
		}
		if customer != last && len(spend) > 0 {
			if err := each(last, spend); err != nil {
				return err
			}
			spend = make([]sliceSpend, 0, len(spend)) // the next customer's are about as many
		}
		last = customer
		row.Slice, row.System, row.Feature = int(number), kinds[kind].CreditSystem, kinds[kind].FeatureID
		events += row.Events
		row.Units = sums.amounts()
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

// unitSums are the sums of a row by the names of a list of units, as their low and high 64 bits; high is empty where
// all are below 2^64.
type unitSums struct {
	units     string
	low, high []uint64
}

// amounts are those above zero.
func (s unitSums) amounts() schemas.Amounts {
	amounts := make(schemas.Amounts, 0, len(s.low))
	units, _ := schemas.SplitUnits(s.units)
	for place, name := range strings.Split(units, ",") {
		sum := new(big.Int).SetUint64(s.low[place])
		if len(s.high) > 0 {
			sum.Add(sum, new(big.Int).Lsh(new(big.Int).SetUint64(s.high[place]), 64))
		}
		if sum.Sign() == 0 {
			continue
		}
		exponent := int32(0)
		unit, inNanos := schemas.ListedUnit(name)
		if inNanos {
			exponent = -9
		}
		amounts.Add(unit, decimal.NewFromBigInt(sum, exponent))
	}
	return amounts
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
	last.Units.AddAll(row.Units)
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
