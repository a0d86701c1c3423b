package aggregate

import (
	"context"
	"fmt"

	"github.com/creditmill/creditmill/warehouse"
)

// LiveState changes when anything does that LiveBalances depends on.
type LiveState struct {
	// Text is of loads, customers, subscriptions, grants, closed time. Events that serve loads from its spool do not
	// change it.
	Text string `ch:"state"`
	// Withdrawn is how many loads do not count any more.
	Withdrawn uint64 `ch:"withdrawn"`
}

// LiveState is that of the warehouse now.
func (a *Aggregator) LiveState(ctx context.Context) (LiveState, error) {
	rows, err := warehouse.Select[LiveState](ctx, a.warehouse, "aggregate/live_state.sql", nil)
	if err != nil {
		return LiveState{}, fmt.Errorf("look for changes: %w", err)
	}
	return rows[0], nil
}
