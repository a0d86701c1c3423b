package post

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
)

// ErrNotResolvable is returned for a charge that a person cannot settle: Stripe has it or may get it yet.
var ErrNotResolvable = errors.New("nothing to resolve")

const neverSent = "nothing of it was ever sent"

// Resolvable says why a frozen charge is open. The error is why it cannot be settled by hand: Stripe has it, or may get
// it yet.
func (p *Poster) Resolvable(ctx context.Context, charge plan.FrozenCharge) (why string, err error) {
	if charge.State != plan.StateOpen {
		return "", fmt.Errorf("it is %s already: %w", charge.State, ErrNotResolvable)
	}
	events, err := p.events.Events(ctx, []string{charge.ID})
	if err != nil {
		return "", err
	}
	return p.settleable(ctx, charge, events)
}

// settleable is Resolvable by the charge's events. Those of a ledger that was restored from a backup may know less than
// Stripe does, so it is asked wherever there is a key.
func (p *Poster) settleable(
	ctx context.Context, charge plan.FrozenCharge, events []ledger.Event) (why string, err error,
) {
	sent := slices.ContainsFunc(events, func(e ledger.Event) bool {
		return e.Kind == ledger.Intent || e.Kind == ledger.Ack
	})
	if !sent && (p.stripe == nil || charge.Mode == plan.ModeManual) {
		return neverSent, nil
	}
	if p.stripe == nil {
		return "", fmt.Errorf("a request of it was sent, so Stripe has to be asked: give the key: %w", ErrNotResolvable)
	}
	there, err := p.findItem(ctx, charge)
	if err != nil {
		return "", err
	}
	_, gone, err := p.targetUsable(ctx, charge)
	if err != nil {
		return "", err
	}
	if len(there.ids) == 1 && !gone { // of what is gone, no invoice may ever take the item
		//nolint:staticcheck // a name
		return "", fmt.Errorf("Stripe holds it as %s: run `creditmill invoice post`, which goes on from there: %w",
			there.ids[0], ErrNotResolvable)
	}
	for _, event := range events {
		if rest := ledger.SettleTime - p.Clock().Sub(event.At); rest > 0 {
			return "", fmt.Errorf("a request of it may be on its way: try again in %s: %w", rest.Round(time.Second),
				ErrNotResolvable)
		}
	}
	if !sent && len(there.ids) == 0 {
		return neverSent, nil
	}
	return fmt.Sprintf("Stripe holds %d items of it", len(there.ids)), nil
}
