package invoice

import (
	"context"
	"slices"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
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

// Settle writes down what is new of settlements. It returns how many were. The caller holds the writer lock.
func (r *Runner) Settle(ctx context.Context, settlements []Settlement) (int, error) {
	count := 0
	for some := range slices.Chunk(settlements, settledAtOnce) {
		news, err := r.newSettlements(ctx, some)
		if err == nil && len(news) > 0 {
			err = r.ledger.Append(ctx, news...)
		}
		if err != nil {
			return count, err
		}
		count += len(news)
	}
	return count, nil
}

// settledAtOnce bounds what one statement reads and writes.
const settledAtOnce = 1000

// newSettlements are the events of those that say more than the ledger does.
func (r *Runner) newSettlements(ctx context.Context, settlements []Settlement) ([]ledger.Event, error) {
	ids := make([]string, 0, len(settlements))
	for _, settlement := range settlements {
		ids = append(ids, settlement.ChargeID)
	}
	events, err := r.ledger.Events(ctx, ids)
	if err != nil {
		return nil, err
	}
	known := map[string]int{}
	for _, event := range events {
		if event.Kind == ledger.Settled {
			known[event.ChargeID] = max(known[event.ChargeID], settledRank[event.ErrCode])
		}
	}
	var news []ledger.Event
	for _, settlement := range settlements {
		if settledRank[settlement.Status] <= known[settlement.ChargeID] {
			continue
		}
		news = append(news, ledger.Event{
			ChargeID: settlement.ChargeID, Step: ledger.StepItem, Kind: ledger.Settled,
			At:    r.config.Now().Truncate(time.Millisecond),
			RunID: r.config.RunID, StripeID: settlement.InvoiceID, ErrCode: settlement.Status,
			AmountMinor: settlement.AmountMinor,
		})
	}
	return news, nil
}
