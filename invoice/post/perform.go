package post

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

const (
	// maxRounds is how often a charge is tried in one run before it is left open for the next.
	maxRounds = 4
	// sendTimeout bounds one announced request with stripe-go's repeats.
	sendTimeout = 60 * time.Second
)

// step is one request of a charge that must take effect once: how to see whether it has, and how to send it.
type step struct {
	name string
	// find looks for the request's effect at Stripe. An error means that it cannot be told.
	find func(ctx context.Context) (found, error)
	// send makes the request under the key and says what its answer proves.
	send func(ctx context.Context, key string) (outcome, error)
	// before must be done, and say ready, before what Stripe holds is adopted. Nil: nothing must.
	before func(ctx context.Context, stripeID string) (result stepResult, ready bool, err error)
	// key takes the place of the name in keys; empty: the name.
	key string
	// shared: another charge does the same, so that its effect may be there already.
	shared bool
	// lookedAt is when something else was seen that must still hold when the request is sent; zero if nothing was.
	lookedAt time.Time
}

// found is what Stripe holds of a step.
type found struct {
	ids    []string
	amount int64
	// at is when Stripe was asked; zero: just now.
	at time.Time
	// differs names what is not as it was frozen.
	differs string
}

// stepResult is where a step stands after this run's rounds.
type stepResult struct {
	status   string // StatusPosted, StatusHeld or StatusOpen
	stripeID string
	amount   int64
	reason   string
}

func open(format string, values ...any) stepResult {
	return stepResult{status: plan.StatusOpen, reason: fmt.Sprintf(format, values...)}
}

// perform runs S3 to S11 for one step of a charge. The error is one that ends the run: the ledger cannot be written, or
// the key is refused.
func (p *Poster) perform(ctx context.Context, charge plan.FrozenCharge, step step) (stepResult, error) {
	last := open("not tried")
	for round := range maxRounds {
		if round > 0 {
			if err := p.sleep(ctx, time.Second<<(round-1)); err != nil {
				return last, nil
			}
		}
		result, again, err := p.round(ctx, charge, step)
		if err != nil || !again {
			return result, err
		}
		last = result
	}
	return last, nil
}

// round is one pass: read the ledger, look at Stripe, announce, verify, send, write down. again says that another round
// may get further.
func (p *Poster) round(
	ctx context.Context, charge plan.FrozenCharge, step step) (result stepResult, again bool, err error,
) {
	events, err := p.events.Events(ctx, []string{charge.ID})
	if err != nil {
		return stepResult{}, false, err
	}
	p.at("S3")
	state := ledger.Fold(events, step.name)
	if state.Ack != nil {
		return stepResult{status: plan.StatusPosted, stripeID: state.Ack.StripeID, amount: state.Ack.AmountMinor}, false, nil
	}
	if state.Manual {
		return stepResult{status: plan.StatusAlreadyPosted, reason: "settled by hand"}, false, nil
	}
	lookedAt := p.now()
	if !step.lookedAt.IsZero() {
		lookedAt = step.lookedAt
	}
	looking := ctx
	if state.Announced { // a request of its own may have changed what others saw
		looking = alone(ctx)
	}
	there, err := step.find(looking)
	if err != nil {
		result, err := p.cannotTell(err)
		return result, true, err
	}
	p.at("S4")
	if !there.at.IsZero() && there.at.Before(lookedAt) {
		lookedAt = there.at
	}
	if err := p.stripe.CheckClock(); err != nil {
		return stepResult{}, false, err
	}
	switch {
	case len(there.ids) > 1:
		return open("Stripe holds %d objects for this charge: %s; remove all but one",
			len(there.ids), strings.Join(there.ids, ", ")), false, nil
	case len(there.ids) == 1:
		if !state.Announced && !step.shared {
			p.adopted.Store(charge.ID, true)
		}
		result, err := p.adopt(ctx, charge, step, state.Epoch, there)
		return result, false, err
	case state.Rejected && !state.Poisoned:
		return stepResult{status: plan.StatusHeld, reason: "Stripe refused it before; a person has to look at it"}, false, nil
	}

	epoch := state.Epoch
	if state.Poisoned {
		if rest := ledger.SettleTime - p.Clock().Sub(state.LastIntent); rest > 0 {
			return open("Stripe keeps a failure under its key; post again in %s", rest.Round(time.Second)), false, nil
		}
		epoch++
	}
	p.at("S5")
	return p.send(ctx, charge, step, epoch, state, lookedAt)
}

// cannotTell is a look at Stripe that told nothing.
func (p *Poster) cannotTell(err error) (stepResult, error) {
	if stops(err) {
		return stepResult{}, err
	}
	return open("Stripe could not be asked: %s", err), nil
}

// adopt takes what Stripe holds for the truth, whoever sent it.
func (p *Poster) adopt(ctx context.Context, charge plan.FrozenCharge, step step, epoch uint32, there found,
) (stepResult, error) {
	if step.before != nil {
		result, ready, err := step.before(ctx, there.ids[0])
		if err != nil || !ready {
			return result, err
		}
	}
	var events []ledger.Event
	if there.differs != "" {
		events = append(events, p.event(charge, step.name, epoch, outcome{
			kind: ledger.Drift, stripeID: there.ids[0], amount: there.amount, code: "figures_differ",
		}))
	}
	events = append(events, p.event(charge, step.name, epoch, outcome{
		kind: ledger.Ack, stripeID: there.ids[0], amount: there.amount, code: "listed",
	}))
	if err := p.append(ctx, events...); err != nil {
		return stepResult{}, err
	}
	return stepResult{status: plan.StatusPosted, stripeID: there.ids[0], amount: there.amount}, nil
}

// send runs S6 to S10.
func (p *Poster) send(ctx context.Context, charge plan.FrozenCharge, step step, epoch uint32, before ledger.State,
	lookedAt time.Time,
) (result stepResult, again bool, err error) {
	if ctx.Err() != nil {
		return open("interrupted before it was sent"), false, nil
	}
	// From here on an interrupt waits until the answer is written down.
	ctx = context.WithoutCancel(ctx)
	if err := p.append(ctx, p.event(charge, step.name, epoch, outcome{kind: ledger.Intent})); err != nil {
		return stepResult{}, false, err
	}
	p.at("S6")
	events, err := p.events.Events(ctx, []string{charge.ID})
	if err != nil {
		return stepResult{}, false, err
	}
	p.at("S7")
	if ledger.Foreign(events, step.name, p.runID, epoch, p.Clock()) {
		return open("another run is posting this charge"), true, nil
	}
	sendCtx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	// The guard itself (S8) is in the transport, right before the request leaves.
	sendCtx, sending := stripe.Announced(sendCtx, lookedAt)
	p.at("S8")
	out, err := step.send(sendCtx, fmt.Sprintf("%s:%s:%d", charge.ID, cmp.Or(step.key, step.name), epoch))
	p.at("S9")
	if err != nil {
		if sending.Count() == 0 && stops(err) { // the step looked at something first
			return stepResult{}, false, err
		}
		if sending.Count() == 0 {
			return open("nothing was sent: %s", err), true, nil
		}
		// Only the sole attempt of the epoch, by anyone, proves by being refused that nothing is there.
		first := sending.Count() == 1 && (!before.Announced || before.Epoch != epoch)
		out = classifyError(err, first)
	}
	if out.kind != "" {
		if err := p.append(ctx, p.event(charge, step.name, epoch, out)); err != nil {
			return stepResult{}, false, err
		}
	}
	p.at("S10")
	result, again, err = p.conclude(out)
	p.at("S11")
	return result, again, err
}

// conclude says what an outcome means for this run.
func (p *Poster) conclude(out outcome) (result stepResult, again bool, err error) {
	switch {
	case out.stop != nil:
		return stepResult{}, false, out.stop
	case out.kind == ledger.Ack:
		return stepResult{status: plan.StatusPosted, stripeID: out.stripeID, amount: out.amount}, false, nil
	case out.kind == ledger.Reject:
		return stepResult{status: plan.StatusHeld, reason: out.detail}, false, nil
	case out.code == codeDraftGone:
		return open("%s", out.detail), false, nil
	}
	return open("not known to be posted: %s", out.detail), true, nil
}

func (p *Poster) reportOf(charge plan.FrozenCharge, result stepResult) Report {
	report := ReportOn(charge, result.status, result.stripeID, result.reason)
	if strings.HasPrefix(result.stripeID, "ii_") || isCreditNote(result.stripeID) {
		report.AmountMinor = result.amount
	}
	return report
}
