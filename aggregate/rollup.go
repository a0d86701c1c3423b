package aggregate

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// rollupBatch bounds the loads of one rollup statement, and with it the memory of its grouping.
const rollupBatch = 100

// RollUp writes usage_daily for every committed load that has no rollup in the catalog's timezone yet, or one that does
// not tell apart what its prices do. Killed at any point, the next call removes what is left of it and starts again: a
// load counts as rolled up by its row in rollups alone, which is written last.
func (a *Aggregator) RollUp(ctx context.Context, catalog *schemas.Catalog) error {
	loads, err := a.loadsToRollUp(ctx, catalog, afterAll)
	if err != nil {
		return err
	}
	books := func(context.Context) (pricebook.Books, error) { return pricebook.Books{}.With(catalog), nil }
	_, last, err := a.rollUp(ctx, catalog.Timezone, loads, books)
	if err != nil {
		return err
	}
	return a.finishRollup(ctx, last)
}

// afterAll is after every event.
var afterAll = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// loadsToRollUp are the loads that count, for figures as of an instant; those whose rollup is no good are given as not
// rolled up.
func (a *Aggregator) loadsToRollUp(
	ctx context.Context, catalog *schemas.Catalog, asOf time.Time,
) ([]loadState, error) {
	loads, err := a.countedLoads(ctx, catalog.Timezone)
	if err != nil {
		return nil, err
	}
	if err := a.findLostRollups(ctx, catalog.Timezone, loads); err != nil {
		return nil, err
	}
	if err := a.findStaleRollups(ctx, catalog, loads); err != nil {
		return nil, err
	}
	return loads, expiredFor(asOf, catalog.Timezone, loads)
}

// rollup is one of loads that is written and not yet checked.
type rollup struct {
	loads  []*loadState
	params warehouse.Params
}

// rollUp rolls up those of the loads that are not, for the prices of the books, and returns them all as they are then.
// The last of it is still to be
// finished: till then it must not be stored that its loads are rolled up, nor anything that is kept longer than a run.
func (a *Aggregator) rollUp(
	ctx context.Context, loc *time.Location, loads []loadState, prices func(context.Context) (pricebook.Books, error),
) (rolled []loadState, last rollup, err error) {
	rolled = slices.Clone(loads)
	var missing []*loadState
	for i := range rolled {
		if rolled[i].Rolled == 0 {
			missing = append(missing, &rolled[i])
		}
	}
	if len(missing) == 0 {
		return rolled, rollup{}, nil
	}
	books, err := prices(ctx)
	if err != nil {
		return nil, rollup{}, err
	}
	for batch := range batches(missing) {
		if err := a.finishRollup(ctx, last); err != nil {
			return nil, rollup{}, err
		}
		if last, err = a.writeRollup(ctx, loc, batch, books, loads); err != nil {
			return nil, rollup{}, err
		}
	}
	return rolled, last, nil
}

// batches are the loads of one rollup statement each: of one shard, which takes the rows of their days too.
func batches(loads []*loadState) iter.Seq[[]*loadState] {
	byShard := slices.Clone(loads)
	slices.SortStableFunc(byShard, func(a, b *loadState) int { return cmp.Compare(a.Shard, b.Shard) })
	return func(yield func([]*loadState) bool) {
		for len(byShard) > 0 {
			n := 1
			for n < min(len(byShard), rollupBatch) && byShard[n].Shard == byShard[0].Shard {
				n++
			}
			if !yield(byShard[:n]) {
				return
			}
			byShard = byShard[n:]
		}
	}
}

// findLostRollups has those loads rolled up again whose rollup lost rows, or has too many.
func (a *Aggregator) findLostRollups(ctx context.Context, loc *time.Location, loads []loadState) error {
	seqs := make([]uint64, len(loads))
	for i, load := range loads {
		seqs[i] = load.Seq
	}
	stored, err := warehouse.Select[loadState](ctx, a.warehouse, "aggregate/rollup_remains.sql",
		warehouse.Params{"timezone": loc.String(), "loads": seqs})
	if err != nil {
		return fmt.Errorf("count rollups: %w", err)
	}
	rows := make(map[uint64]uint64, len(stored))
	for _, load := range stored {
		rows[load.Seq] = load.DailyRows
	}
	for i := range loads {
		if load := &loads[i]; load.Rolled != 0 && load.DailyRows != rows[load.Seq] {
			if load.Expired != 0 {
				return fmt.Errorf("%w: the rollup of load %s has %d of %d rows, and what it was made of is gone; restore a backup",
					ErrExpired, schemas.LoadID(load.Seq), rows[load.Seq], load.DailyRows)
			}
			a.log.Warn().Uint64("load_seq", load.Seq).Uint64("rows", load.DailyRows).Uint64("found", rows[load.Seq]).
				Msg("rollup_lost_rows_and_is_made_again")
			load.Rolled, load.DailyRows = 0, 0
		}
	}
	return nil
}

func (a *Aggregator) writeRollup(
	ctx context.Context, loc *time.Location, loads []*loadState, books pricebook.Books, counted []loadState,
) (rollup, error) {
	seqs := make([]uint64, len(loads))
	from, to := loads[0].OccurredFrom, loads[0].OccurredTo
	for i, load := range loads {
		seqs[i] = load.Seq
		from, to = schemas.Earlier(from, load.OccurredFrom), schemas.Later(to, load.OccurredTo)
	}
	params := warehouse.Params{"timezone": loc.String(), "loads": seqs, "from": from, "to": to}
	lists := make([]string, len(loads))
	for i, load := range loads {
		lists[i] = load.UnitList
	}
	params["unit_lists"], params["many_lists"] = lists, slices.Contains(lists, "")
	params["one_list"] = !slices.Contains(lists, "")
	remains, err := warehouse.Select[loadState](ctx, a.warehouse, "aggregate/rollup_remains.sql",
		warehouse.Params{"timezone": loc.String(), "loads": seqs})
	if err != nil {
		return rollup{}, fmt.Errorf("look for remains of a rollup: %w", err)
	}
	if len(remains) > 0 {
		a.log.Info().Int("loads", len(remains)).Msg("rollup_remains_removed")
		err = a.warehouse.Delete(ctx, "aggregate/delete_rollup_remains.sql",
			warehouse.Params{"timezone": loc.String(), "loads": seqs})
		if err != nil {
			return rollup{}, fmt.Errorf("remove remains of a rollup: %w", err)
		}
	}
	used, err := usedBy(ctx, a.warehouse, books, seqs)
	if err != nil {
		return rollup{}, err
	}
	tests, err := testedOf(books, used, counted).params()
	if err != nil {
		return rollup{}, err
	}
	maps.Copy(tests, params)
	onto := a.warehouse.Onto(ctx, loads[0].Shard)
	if err := a.warehouse.Exec(onto, "aggregate/insert_usage_daily.sql", tests); err != nil {
		return rollup{}, fmt.Errorf("roll up loads: %w", err)
	}
	a.fault("after-usage")
	written, err := warehouse.Select[loadState](ctx, a.warehouse, "aggregate/rollup_remains.sql",
		warehouse.Params{"timezone": loc.String(), "loads": seqs})
	if err != nil {
		return rollup{}, fmt.Errorf("count rollup: %w", err)
	}
	rows := make(map[uint64]uint64, len(written))
	for _, load := range written {
		rows[load.Seq] = load.DailyRows
	}
	for _, load := range loads {
		load.Rolled, load.DailyRows = 1, rows[load.Seq]
	}
	return rollup{loads: loads, params: params}, nil
}

// finishRollup checks a rollup and marks its loads as rolled up.
func (a *Aggregator) finishRollup(ctx context.Context, written rollup) error {
	if len(written.loads) == 0 {
		return nil
	}
	rolled, err := a.checkRollup(ctx, written.loads, written.params)
	if err != nil {
		return err
	}
	err = a.warehouse.Exec(ctx, "aggregate/insert_rollups.sql",
		warehouse.Params{"rolled_loads": rolled, "timezone": written.params["timezone"], "now": a.now().UTC()})
	if err != nil {
		return fmt.Errorf("mark loads as rolled up: %w", err)
	}
	a.fault("after-rollup")
	return nil
}

// checkRollup reads the rollup back and holds it against the raw events: same events, same quantity of every unit, and
// as many events as the load recorded when it was committed.
func (a *Aggregator) checkRollup(
	ctx context.Context, loads []*loadState, params warehouse.Params,
) (*ext.Table, error) {
	type sums struct {
		Seq          uint64 `ch:"load_seq"`
		DailyRows    uint64 `ch:"daily_rows"`
		RolledEvents uint64 `ch:"rolled_events"`
		RawEvents    uint64 `ch:"raw_events"`
		RolledUnits  string `ch:"rolled_units"`
		RawUnits     string `ch:"raw_units"`
	}
	found, err := warehouse.Select[sums](ctx, a.warehouse, "aggregate/rollup_sums.sql", params)
	if err != nil {
		return nil, fmt.Errorf("read rollup back: %w", err)
	}
	bySeq := make(map[uint64]sums, len(found))
	for _, sum := range found {
		bySeq[sum.Seq] = sum
	}
	table, err := ext.NewTable("rolled_loads",
		ext.Column("load_seq", "UInt64"), ext.Column("daily_rows", "UInt64"), ext.Column("events", "UInt64"))
	if err != nil {
		return nil, fmt.Errorf("mark loads as rolled up: %w", err)
	}
	for _, load := range loads {
		sum := bySeq[load.Seq]
		if sum.RolledEvents != sum.RawEvents || sum.RolledUnits != sum.RawUnits {
			return nil, fmt.Errorf("roll up load %s: %w: %d events with %s rolled up, %d with %s raw",
				schemas.LoadID(load.Seq), ErrInvariant, sum.RolledEvents, sum.RolledUnits, sum.RawEvents, sum.RawUnits)
		}
		if sum.RawEvents != load.Events {
			return nil, fmt.Errorf("roll up load %s: %w: %d events found, %d were committed",
				schemas.LoadID(load.Seq), ErrInvariant, sum.RawEvents, load.Events)
		}
		if err := table.Append(load.Seq, sum.DailyRows, sum.RolledEvents); err != nil {
			return nil, fmt.Errorf("mark loads as rolled up: %w", err)
		}
	}
	return table, nil
}
