// Package post sends frozen charges to Stripe exactly once, by the protocol that invoice/DESIGN.md describes: list,
// announce, verify, send under a key of its own, write down what came back.
//
// A Poster chooses how a charge reaches its customer (Choose), sends what is frozen (Post), deletes what Stripe holds
// twice (Repair), and says whether a person may settle a charge (Resolvable). It plans nothing and freezes nothing: a
// charge is handed to it, and what it does and hears it writes to the ledger.
package post

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// Config is what a Poster works with.
type Config struct {
	// Stripe may be nil where nothing is sent or asked.
	Stripe  *stripe.Client
	Events  EventLog
	Account ledger.Account
	// Refreeze writes down another way for a charge; nil where none may be chosen.
	Refreeze func(context.Context, plan.FrozenCharge) (plan.FrozenCharge, error)
	Policy   Policy
	// Words are what a customer reads on the invoice.
	Words plan.Wording
	RunID string
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
	// Parallel is how many customers are worked on at once; 0 means 8.
	Parallel int
	// Fault is called as each step of the protocol (S2 to S12) is done, so that tests can stop there. Nil: nothing.
	Fault func(step string)
	Log   zerolog.Logger
}

// Policy says how charges without a usable subscription are billed.
type Policy struct {
	// Draft leaves their invoices as drafts for a person to finalize.
	Draft bool
	// ByFeature posts a charge as one item a feature.
	ByFeature bool
	// CreditNotes writes credits as credit notes on the invoices that have what they credit. If not set, or where none
	// takes one, they are negative items.
	CreditNotes bool
	// Renewal puts the item on the draft that renews the subscription. Without one that fits, and if not set, it is left
	// to the next invoice.
	Renewal bool
	// BillNow makes an invoice of the subscription at once instead of leaving the item to the next one.
	BillNow bool
	// Settle is how long after a period's end usage may still arrive: with Renewal no charge goes before.
	Settle time.Duration
	// AutomaticTax lets Stripe compute the tax on invoices of charges' own.
	AutomaticTax bool
	// DaysUntilDue is for invoices that are mailed. 0: 30.
	DaysUntilDue int64
}

// Poster sends frozen charges to Stripe.
type Poster struct {
	stripe *stripe.Client
	events EventLog
	// of is the account that is posted to, words what a customer reads on the invoice.
	of    ledger.Account
	words plan.Wording
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	runID string
	log   zerolog.Logger
	// parallel is how many customers are worked on at once.
	parallel int
	// at is called as each step of the protocol is done, for tests that kill or suspend the process there.
	at func(point string)
	// refreeze writes down another way for a charge; nil where none may be chosen.
	refreeze func(ctx context.Context, charge plan.FrozenCharge, way target) (plan.FrozenCharge, error)
	// customers are Stripe's ids by customer as they are now, policy is for charges that need another way.
	customers map[string]string
	policy    Policy
	// anew are the charges that another way was chosen for in this run, as they are now.
	anew sync.Map
	// notes tell by charge why it is not on the invoice that renews its subscription.
	notes sync.Map
	// seen are the states at Stripe that keep charges back, by Stripe's id.
	seen sync.Map
	// adopted are the charges of which Stripe holds what the ledger did not know to be sent.
	adopted sync.Map
	// account is what Stripe holds at other customers.
	account accountItems
}

const (
	defaultParallel     = 8
	defaultDaysUntilDue = 30
)

// New returns a Poster.
func New(config Config) *Poster {
	p := &Poster{
		stripe: config.Stripe, events: newSharedLog(config.Events), of: config.Account, words: config.Words, now: config.Now,
		sleep: config.Sleep, runID: config.RunID, log: config.Log, parallel: config.Parallel, at: config.Fault,
		policy: config.Policy,
	}
	if p.parallel == 0 {
		p.parallel = defaultParallel
	}
	if p.policy.DaysUntilDue == 0 {
		p.policy.DaysUntilDue = defaultDaysUntilDue
	}
	if p.at == nil {
		p.at = func(string) {}
	}
	if config.Refreeze != nil {
		p.refreeze = func(ctx context.Context, charge plan.FrozenCharge, way target) (plan.FrozenCharge, error) {
			charge.RunID = p.runID
			charge, err := goingBy(charge, way, p.words)
			if err != nil {
				return plan.FrozenCharge{}, err
			}
			return config.Refreeze(ctx, charge)
		}
	}
	return p
}

// Seen are the states at Stripe that kept charges back in this run, by Stripe's id.
func (p *Poster) Seen() map[string]subscription.StripeState {
	states := map[string]subscription.StripeState{}
	p.seen.Range(func(id, state any) bool {
		states[id.(string)] = state.(subscription.StripeState)
		return true
	})
	return states
}

// saw notes what keeps charges back, so that the next plan knows it.
func (p *Poster) saw(id, hold string, running ...string) {
	p.seen.Store(id, subscription.StripeState{ID: id, Hold: hold, Running: running})
}

// Clock is Stripe's time, as far as its answers told it: events of runs on several machines are compared by it.
func (p *Poster) Clock() time.Time { return p.now().Add(-p.stripe.ClockAhead()) }

// stops tells errors that end the run from those that leave one charge open.
func stops(err error) bool {
	return errors.Is(err, stripe.ErrCredentials) || errors.Is(err, stripe.ErrClock)
}

// openOrStop leaves a charge open after a look at Stripe that did not work, unless the key itself is refused.
func (p *Poster) openOrStop(charge plan.FrozenCharge, err error) (Report, error) {
	if stops(err) {
		return Report{}, err
	}
	return ReportOn(charge, plan.StatusOpen, "", err.Error()), nil
}

func (p *Poster) event(charge plan.FrozenCharge, step string, epoch uint32, out outcome) ledger.Event {
	return ledger.Event{
		ChargeID: charge.ID, Step: step, Epoch: epoch, Kind: out.kind, At: p.Clock(), RunID: p.runID,
		HTTPStatus: out.status, StripeID: out.stripeID, RequestID: out.requestID, Replayed: out.replayed,
		ErrCode: out.code, AmountMinor: out.amount,
	}
}

// append writes events down, trying again for a while: an answer from Stripe should not be lost to a hiccup. A repeated
// row is harmless.
func (p *Poster) append(ctx context.Context, events ...ledger.Event) error {
	ctx = context.WithoutCancel(ctx)
	var err error
	for attempt := range 3 {
		if attempt > 0 {
			if sleepErr := p.sleep(ctx, time.Second<<attempt); sleepErr != nil {
				break
			}
		}
		if err = p.events.Append(ctx, events...); err == nil {
			return nil
		}
	}
	return fmt.Errorf("write down what was sent for charge %s: %w", events[0].ChargeID, err)
}
