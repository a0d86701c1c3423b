package aggregate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// loadState is a committed load and what is known of its rollup.
type loadState struct {
	Seq          uint64    `ch:"load_seq"`
	Rolled       uint8     `ch:"rolled"`
	DailyRows    uint64    `ch:"daily_rows"` // of its rollup
	Events       uint64    `ch:"events"`
	Superseded   uint64    `ch:"superseded"` // of the events, by other loads
	Replaced     uint64    `ch:"replaced"`   // events of other loads that it takes off
	UnitList     string    `ch:"unit_list"`  // of all events that no other load has; empty if they have several
	Shard        uint32    `ch:"shard"`      // that holds its rows; 0 where there is one server
	OccurredFrom time.Time `ch:"occurred_from"`
	OccurredTo   time.Time `ch:"occurred_to"`
	Committed    time.Time `ch:"changed_at"`
	// Expired: its raw rows were removed but for some days, and the rollup stands for them.
	Expired uint8 `ch:"expired"`
}

// loadsOf are the loads to compute with: those that count now, where the query does not name others.
func (a *Aggregator) loadsOf(ctx context.Context, query Query) ([]loadState, error) {
	if query.Raw {
		loads, err := a.rawLoads(ctx, query)
		if err != nil {
			return nil, err
		}
		return loads, expiredFor(query.AsOf, query.Catalog.Timezone, loads)
	}
	loads, err := a.countedLoads(ctx, query.Catalog.Timezone)
	if err != nil {
		return nil, err
	}
	if query.Loads != nil {
		named := make(map[uint64]bool, len(query.Loads))
		for _, seq := range query.Loads {
			named[seq] = true
		}
		loads = slices.DeleteFunc(loads, func(load loadState) bool { return !named[load.Seq] })
	}
	return loads, expiredFor(query.AsOf, query.Catalog.Timezone, loads)
}

// expiredFor is an error where figures as of an instant need raw rows that expired: of a load with events on both sides
// of it, or that is not rolled up for the timezone.
func expiredFor(asOf time.Time, loc *time.Location, loads []loadState) error {
	for _, load := range loads {
		switch {
		case load.Expired == 0:
		case load.Rolled == 0:
			return fmt.Errorf("%w: those of load %s are rolled up for another timezone than %s, and cannot be any more; "+
				"set the catalog's timezone as it was", ErrExpired, schemas.LoadID(load.Seq), loc)
		case load.OccurredFrom.Before(asOf) && !load.OccurredTo.Before(asOf):
			return fmt.Errorf("%w: figures as of %s need those of load %s, which goes from %s to %s; ask as of another time",
				ErrExpired, asOf.UTC().Format(time.RFC3339), schemas.LoadID(load.Seq),
				load.OccurredFrom.UTC().Format(time.RFC3339), load.OccurredTo.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// rawLoads are the named loads, withdrawn ones too, given as not rolled up, so that their raw events are read; but for
// those whose raw rows expired.
func (a *Aggregator) rawLoads(ctx context.Context, query Query) ([]loadState, error) {
	loads, err := warehouse.Select[loadState](ctx, a.warehouse, "aggregate/named_loads.sql",
		warehouse.Params{"loads": query.Loads, "timezone": query.Catalog.Timezone.String()})
	if err != nil {
		return nil, fmt.Errorf("list named loads: %w", err)
	}
	return loads, nil
}

// countedLoads is the snapshot of loads that one computation works with: all its statements see the same ones, whatever
// is committed or withdrawn meanwhile.
func (a *Aggregator) countedLoads(ctx context.Context, loc *time.Location) ([]loadState, error) {
	loads, err := warehouse.Select[loadState](ctx, a.warehouse, "aggregate/loads.sql",
		warehouse.Params{"timezone": loc.String()})
	if err != nil {
		return nil, fmt.Errorf("list loads: %w", err)
	}
	return loads, nil
}
