package aggregate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// expirySums is a row of sums.sql.
type expirySums struct {
	Seq           uint64                     `ch:"load_seq"`
	Removed       uint64                     `ch:"rows_removed"`
	Kept          uint64                     `ch:"rows_kept"`
	DaysKept      uint64                     `ch:"days_kept"`
	Quantities    map[string]decimal.Decimal `ch:"quantities"`
	Checksum      uint64                     `ch:"checksum"`
	From          time.Time                  `ch:"occurred_from"`
	To            time.Time                  `ch:"occurred_to"`
	IDMin         string                     `ch:"event_id_min"`
	IDMax         string                     `ch:"event_id_max"`
	Differing     uint64                     `ch:"differing"`
	Identities    uint64                     `ch:"identities"`
	IdentitiesSum uint64                     `ch:"identities_sum"`
	RowsLoaded    uint64                     `ch:"rows_loaded"`
}

// check holds what was written for a load against its rows: nothing is removed that is not accounted for.
func (s expirySums) check() error {
	switch {
	case s.Removed+s.Kept != s.RowsLoaded:
		return fmt.Errorf("%w: %d rows are there, %d were loaded", ErrInvariant, s.Removed+s.Kept, s.RowsLoaded)
	case s.Differing > 0:
		return fmt.Errorf("%w: the sums of %d units are not those of the roll-up", ErrInvariant, s.Differing)
	case s.Identities != s.Removed || s.IdentitiesSum != s.Checksum:
		return fmt.Errorf("%w: %d identities were written for %d rows", ErrInvariant, s.Identities, s.Removed)
	}
	return nil
}

// removable tells apart loads of which some row can go and those that keep all, with what would go. of are ready.
func (a *Aggregator) removable(
	ctx context.Context, r *rating, of []loadState,
) (ready []loadState, kept, would []ExpiredLoad, err error) {
	if len(of) == 0 {
		return nil, nil, nil, nil
	}
	type rowsOf struct {
		Seq     uint64 `ch:"load_seq"`
		Removed uint64 `ch:"rows_removed"`
		Kept    uint64 `ch:"rows_kept"`
	}
	found, err := warehouse.Select[rowsOf](ctx, a.warehouse, "expiry/removable.sql", warehouse.Params{
		"loads": seqsOf(of), "timezone": r.query.Catalog.Timezone.String(), "slices": r.sliceTable,
		"split_days": r.splitDays,
	})
	if err != nil {
		return nil, nil, nil, fmt.Errorf("count rows that can go: %w", err)
	}
	rows := make(map[uint64]rowsOf, len(found))
	for _, load := range found {
		rows[load.Seq] = load
	}
	for _, load := range of {
		one := ExpiredLoad{Seq: load.Seq, Removed: rows[load.Seq].Removed, Kept: rows[load.Seq].Kept}
		if one.Removed == 0 {
			one.Waits = "each of its days is divided by a boundary, or has rows that replace others or are replaced"
			kept = append(kept, one)
			continue
		}
		ready, would = append(ready, load), append(would, one)
	}
	return ready, kept, would, nil
}

// expire removes the rows of some loads: what stands for them is written and checked first.
func (a *Aggregator) expire(
	ctx context.Context, r *rating, loads []uint64, removal string, expiry Expiry,
) ([]expirySums, error) {
	timezone := expiry.Catalog.Timezone.String()
	params := warehouse.Params{"loads": loads, "timezone": timezone}
	err := a.warehouse.Exec(ctx, "expiry/insert_kept_days.sql", warehouse.Params{
		"loads": loads, "timezone": timezone, "slices": r.sliceTable, "split_days": r.splitDays,
	})
	if err != nil {
		return nil, fmt.Errorf("keep divided days: %w", err)
	}
	a.fault("expire-kept")
	if err := a.warehouse.Exec(ctx, "expiry/insert_identities.sql", params); err != nil {
		return nil, fmt.Errorf("keep identities: %w", err)
	}
	a.fault("expire-identities")
	sums, err := warehouse.Select[expirySums](ctx, a.warehouse, "expiry/sums.sql", params)
	if err != nil {
		return nil, fmt.Errorf("add up rows that expire: %w", err)
	}
	if len(sums) != len(loads) {
		return nil, fmt.Errorf("expire rows: %w: %d of %d loads have rows", ErrInvariant, len(sums), len(loads))
	}
	for _, sum := range sums {
		if err := sum.check(); err != nil {
			return nil, fmt.Errorf("expire rows of load %s: %w", schemas.LoadID(sum.Seq), err)
		}
	}
	if err := a.beginExpiry(ctx, sums, removal, expiry); err != nil {
		return nil, err
	}
	a.fault("expire-begun")
	if err := a.removeRows(ctx, params); err != nil {
		return nil, err
	}
	return sums, nil
}

func (a *Aggregator) beginExpiry(ctx context.Context, sums []expirySums, removal string, expiry Expiry) error {
	table, err := ext.NewTable("expiring", ext.Column("load_seq", "UInt64"), ext.Column("rows_removed", "UInt64"),
		ext.Column("rows_kept", "UInt64"), ext.Column("days_kept", "UInt64"),
		ext.Column("quantities", "Map(String, Decimal(76, 9))"), ext.Column("checksum", "UInt64"),
		ext.Column("occurred_from", "DateTime64(9, 'UTC')"), ext.Column("occurred_to", "DateTime64(9, 'UTC')"),
		ext.Column("event_id_min", "String"), ext.Column("event_id_max", "String"))
	for i := 0; i < len(sums) && err == nil; i++ {
		s := sums[i]
		err = table.Append(s.Seq, s.Removed, s.Kept, s.DaysKept, s.Quantities, s.Checksum, s.From, s.To, s.IDMin, s.IDMax)
	}
	if err != nil {
		return fmt.Errorf("set up what expires: %w", err)
	}
	err = a.warehouse.Exec(ctx, "expiry/insert_expired_loads.sql", warehouse.Params{
		"removal_id": removal, "before": expiry.Before.UTC(), "timezone": expiry.Catalog.Timezone.String(),
		"at": a.now().UTC(), "expiring": table,
	})
	if err != nil {
		return fmt.Errorf("write down what expires: %w", err)
	}
	return nil
}

// removeRows removes the rows of loads whose removal has begun, and writes down that they are gone.
func (a *Aggregator) removeRows(ctx context.Context, params warehouse.Params) error {
	if err := a.warehouse.Delete(ctx, "expiry/remove_rows.sql", params); err != nil {
		return fmt.Errorf("remove rows: %w", err)
	}
	a.fault("expire-removed")
	left, err := warehouse.Select[unfinishedExpiry](ctx, a.warehouse, "expiry/unfinished.sql", nil)
	if err != nil {
		return fmt.Errorf("read back what expired: %w", err)
	}
	loads, _ := params["loads"].([]uint64)
	for _, load := range left {
		if slices.Contains(loads, load.Seq) && load.Stored != load.Kept {
			return fmt.Errorf("expire rows of load %s: %w: %d rows are left, %d should be", schemas.LoadID(load.Seq),
				ErrInvariant, load.Stored, load.Kept)
		}
	}
	err = a.warehouse.Exec(ctx, "expiry/insert_done.sql", warehouse.Params{"loads": loads, "at": a.now().UTC()})
	if err != nil {
		return fmt.Errorf("write down that rows are gone: %w", err)
	}
	a.fault("expire-done")
	return nil
}

// unfinishedExpiry is a load whose rows are being removed.
type unfinishedExpiry struct {
	Seq       uint64    `ch:"load_seq"`
	RemovalID string    `ch:"removal_id"`
	Before    time.Time `ch:"before"`
	Timezone  string    `ch:"timezone"`
	Removed   uint64    `ch:"rows_removed"`
	Kept      uint64    `ch:"rows_kept"`
	Checksum  uint64    `ch:"checksum"`
	Stored    uint64    `ch:"rows_stored"`
}

// FinishExpiry removes what is left of rows whose removal was begun, and clears away what was written for one that
// never was. It returns the loads that it finished. The caller holds the writers' lock.
func (a *Aggregator) FinishExpiry(ctx context.Context) ([]ExpiredLoad, error) {
	if a.warehouse.Spread() { // no row of it ever expires
		return nil, nil
	}
	finished, err := a.finishExpiry(ctx)
	if err != nil {
		return nil, err
	}
	return finished, a.clearExpiryRemains(ctx)
}

// finishExpiry removes what is left of rows whose removal was begun.
func (a *Aggregator) finishExpiry(ctx context.Context) ([]ExpiredLoad, error) {
	begun, err := warehouse.Select[unfinishedExpiry](ctx, a.warehouse, "expiry/unfinished.sql", nil)
	if err != nil {
		return nil, fmt.Errorf("look for unfinished removals: %w", err)
	}
	var finished []ExpiredLoad
	for batch := range slices.Chunk(begun, expiredAtOnce) {
		byZone := map[string][]uint64{}
		for _, load := range batch {
			byZone[load.Timezone] = append(byZone[load.Timezone], load.Seq)
			finished = append(finished, ExpiredLoad{
				Seq: load.Seq, Removed: load.Removed, Kept: load.Kept, Checksum: load.Checksum,
			})
		}
		for timezone, loads := range byZone {
			if err := a.removeRows(ctx, warehouse.Params{"loads": loads, "timezone": timezone}); err != nil {
				return nil, err
			}
		}
	}
	return finished, nil
}

// clearExpiryRemains removes what stands for rows whose removal was never begun.
func (a *Aggregator) clearExpiryRemains(ctx context.Context) error {
	var rows uint64
	if err := a.warehouse.QueryRow(ctx, "expiry/count_remains.sql", nil, &rows); err != nil {
		return fmt.Errorf("look for remains of a removal: %w", err)
	}
	if rows == 0 {
		return nil
	}
	for _, statement := range []string{"expiry/clear_identities.sql", "expiry/clear_kept_days.sql"} {
		if err := a.warehouse.Delete(ctx, statement, nil); err != nil {
			return fmt.Errorf("clear remains of a removal: %w", err)
		}
	}
	return nil
}
