package subscription

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/warehouse"
)

// What keeps charges from a Stripe customer or subscription. A subscription may also be paused, unpaid or incomplete.
const (
	// StripeGone: Stripe does not have it any more.
	StripeGone = "gone"
	// StripeNobody: the customer has neither payment method nor e-mail, so an invoice of its own reaches nobody.
	StripeNobody = "nobody"
	// StripeTaxed: Stripe computes the subscription's tax, so its invoices take no credits. All else they take.
	StripeTaxed = "taxed"
)

// StripeState is what keeps charges from a Stripe customer or subscription, as the last sync or post saw it.
type StripeState struct {
	// ID is cus_… or sub_….
	ID string `json:"id"`
	// Hold is empty where nothing does, or does any more.
	Hold string `json:"hold"`
	// Running are a customer's subscriptions that go on, each with its currency: "sub_1 usd"; "-" for one that does not
	// collect. The others reach the customer all the same.
	Running []string `json:"running"`
}

// StripeStates returns what keeps charges back, by Stripe's ids.
func StripeStates(ctx context.Context, w *warehouse.Warehouse) (map[string]StripeState, error) {
	type stateRow struct {
		ID      string   `ch:"stripe_id"`
		Hold    string   `ch:"hold"`
		Running []string `ch:"running"`
	}
	rows, err := warehouse.Select[stateRow](ctx, w, "subscription/stripe_states.sql", nil)
	if err != nil {
		return nil, fmt.Errorf("read states at Stripe: %w", err)
	}
	states := make(map[string]StripeState, len(rows))
	for _, row := range rows {
		states[row.ID] = StripeState(row)
	}
	return states, nil
}

// StoreStripeStates stores what was seen at Stripe. The caller holds the warehouse's writer lock.
func StoreStripeStates(
	ctx context.Context, w *warehouse.Warehouse, states map[string]StripeState, now time.Time,
) error {
	if len(states) == 0 {
		return nil
	}
	table, err := ext.NewTable("new_states", ext.Column("stripe_id", "String"), ext.Column("hold", "String"),
		ext.Column("running", "Array(String)"))
	if err != nil {
		return fmt.Errorf("store states at Stripe: %w", err)
	}
	for _, id := range slices.Sorted(maps.Keys(states)) {
		if err := table.Append(id, states[id].Hold, states[id].Running); err != nil {
			return fmt.Errorf("store state of %s: %w", id, err)
		}
	}
	err = w.Exec(ctx, "subscription/insert_stripe_states.sql", warehouse.Params{"new_states": table, "now": now.UTC()})
	if err != nil {
		return fmt.Errorf("store states at Stripe: %w", err)
	}
	return nil
}
