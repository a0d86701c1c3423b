package ledger

import (
	"context"
	"slices"
	"time"
)

// Settlement is where a charge's item ended: the invoice and its status (draft, open, paid, uncollectible, void).
type Settlement struct {
	ChargeID    string
	InvoiceID   string
	Status      string
	AmountMinor int64
}

// settledRank orders what is known of an invoice: what comes later in its life is higher, and a paid one stays so.
var settledRank = map[string]int{"draft": 1, "open": 2, "uncollectible": 3, "void": 4, "paid": 5}

// settledAtOnce bounds what one statement reads and writes.
const settledAtOnce = 1000

// Settle writes down what is new of settlements, as of a time and by a run. It returns how many were. The caller holds
// the writer lock.
func (l Ledger) Settle(ctx context.Context, settlements []Settlement, at time.Time, runID string) (int, error) {
	count := 0
	for some := range slices.Chunk(settlements, settledAtOnce) {
		news, err := l.newSettlements(ctx, some, at, runID)
		if err == nil && len(news) > 0 {
			err = l.Append(ctx, news...)
		}
		if err != nil {
			return count, err
		}
		count += len(news)
	}
	return count, nil
}

// newSettlements are the events of those that say more than the ledger does.
func (l Ledger) newSettlements(
	ctx context.Context, settlements []Settlement, at time.Time, runID string,
) ([]Event, error) {
	ids := make([]string, 0, len(settlements))
	for _, settlement := range settlements {
		ids = append(ids, settlement.ChargeID)
	}
	events, err := l.Events(ctx, ids)
	if err != nil {
		return nil, err
	}
	known := map[string]int{}
	for _, event := range events {
		if event.Kind == Settled {
			known[event.ChargeID] = max(known[event.ChargeID], settledRank[event.ErrCode])
		}
	}
	var news []Event
	for _, settlement := range settlements {
		if settledRank[settlement.Status] <= known[settlement.ChargeID] {
			continue
		}
		news = append(news, Event{
			ChargeID: settlement.ChargeID, Step: StepItem, Kind: Settled,
			At:    at.Truncate(time.Millisecond),
			RunID: runID, StripeID: settlement.InvoiceID, ErrCode: settlement.Status,
			AmountMinor: settlement.AmountMinor,
		})
	}
	return news, nil
}
