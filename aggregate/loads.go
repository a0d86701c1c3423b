package aggregate

import (
	"context"
	"fmt"
	"slices"
	"time"

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
}

// loadsOf are the loads to compute with: those that count now, where the query does not name others.
func (a *Aggregator) loadsOf(ctx context.Context, query Query) ([]loadState, error) {
	if query.Raw {
		return a.rawLoads(ctx, query)
	}
	loads, err := a.countedLoads(ctx, query.Catalog.Timezone)
	if query.Loads == nil {
		return loads, err
	}
	named := make(map[uint64]bool, len(query.Loads))
	for _, seq := range query.Loads {
		named[seq] = true
	}
	return slices.DeleteFunc(loads, func(load loadState) bool { return !named[load.Seq] }), err
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
