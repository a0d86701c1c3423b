package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Posted is a frozen charge as `invoice show` tells of it: its figures never change, its events are what happened to
// it.
type Posted struct {
	plan.Charge
	State         string    `json:"state"`
	Mode          string    `json:"mode"`
	StripeAccount string    `json:"stripe_account"`
	Livemode      bool      `json:"livemode"`
	StripeID      string    `json:"stripe_id"`
	PostedMinor   *int64    `json:"posted_minor"`
	PlanSHA       string    `json:"plan_sha"`
	RunID         string    `json:"run_id"`
	FrozenAt      time.Time `json:"frozen_at"`
	// Events are in the order of their time.
	Events []PostedEvent `json:"events"`
}

// PostedEvent is one entry of a charge's ledger.
type PostedEvent struct {
	At         time.Time `json:"at"`
	RunID      string    `json:"run_id"`
	Step       string    `json:"step"`
	Kind       string    `json:"kind"`
	Epoch      uint32    `json:"epoch"`
	HTTPStatus int       `json:"http_status"`
	StripeID   string    `json:"stripe_id"`
	RequestID  string    `json:"request_id"`
	Replayed   bool      `json:"replayed"`
	ErrCode    string    `json:"err_code"`
	// AmountMinor is what the request asked for or the answer said.
	AmountMinor int64 `json:"amount_minor"`
}

// Show reads the frozen charges of the periods that begin in the given one, or of those that hold its Start if its End
// is zero. It asks the warehouse alone.
func Show(ctx context.Context, w *warehouse.Warehouse, period schemas.Period) ([]Posted, error) {
	byStart := !period.End.IsZero()
	if !byStart {
		period.End = period.Start
	}
	rows, err := warehouse.Select[chargeRow](ctx, w, "invoice/show_charges.sql",
		warehouse.Params{"from": period.Start, "to": period.End, "by_start": byStart})
	if err != nil {
		return nil, fmt.Errorf("read charges: %w", err)
	}
	posted := make([]Posted, 0, len(rows))
	place := map[string]int{}
	ids := []string{}
	for _, row := range rows {
		charge, err := row.charge()
		if err != nil {
			return nil, err
		}
		shown := Posted{
			Charge: charge.Planned(), State: charge.State, Mode: charge.Mode, StripeAccount: charge.StripeAccount,
			Livemode: charge.Livemode, StripeID: charge.StripeID, PlanSHA: charge.PlanSHA, RunID: charge.RunID,
			FrozenAt: charge.FrozenAt, Events: []PostedEvent{},
		}
		if charge.StripeID != "" {
			shown.PostedMinor = &charge.PostedMinor
		}
		place[charge.ID] = len(posted)
		ids = append(ids, charge.ID)
		posted = append(posted, shown)
	}
	for some := range slices.Chunk(ids, shownAtOnce) {
		events, err := Ledger{Warehouse: w}.Events(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, event := range events {
			shown := &posted[place[event.ChargeID]]
			shown.Events = append(shown.Events, event.shown())
		}
	}
	return posted, nil
}

// shownAtOnce bounds the ids in one statement.
const shownAtOnce = 1000

func (e Event) shown() PostedEvent {
	return PostedEvent{
		At: e.At, RunID: e.RunID, Step: e.Step, Kind: e.Kind, Epoch: e.Epoch, HTTPStatus: e.HTTPStatus,
		StripeID: e.StripeID, RequestID: e.RequestID, Replayed: e.Replayed, ErrCode: e.ErrCode, AmountMinor: e.AmountMinor,
	}
}
