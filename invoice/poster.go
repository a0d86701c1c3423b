package invoice

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// eventLog is where a Poster writes down what it is about to do and what came of it. An append that returned is
// durable, and every later read sees it.
type eventLog interface {
	Events(ctx context.Context, chargeIDs []string) ([]ledger.Event, error)
	Append(ctx context.Context, events ...ledger.Event) error
}

// poster sends frozen charges to Stripe.
type poster struct {
	stripe *stripe.Client
	events eventLog
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	runID  string
	log    zerolog.Logger
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
	// seen are the states at Stripe that keep charges back, by Stripe's id.
	seen sync.Map
	// account is what Stripe holds at other customers.
	account accountItems
}

const (
	defaultParallel = 8
	// maxRounds is how often a charge is tried in one run before it is left open for the next.
	maxRounds = 4
	// sendTimeout bounds one announced request with stripe-go's repeats.
	sendTimeout = 60 * time.Second
)

// Report says what became of a charge. Its JSON is that of `invoice post`.
type Report struct {
	ChargeID    string `json:"charge_id"`
	CustomerID  string `json:"customer_id"`
	Status      string `json:"status"`
	StripeID    string `json:"stripe_id"`
	AmountMinor int64  `json:"amount_minor"`
	// Reason says why a charge is held or open.
	Reason string `json:"hold_reason"`
	// Currency of AmountMinor.
	Currency string `json:"currency"`
}

func reportOn(f plan.FrozenCharge, status, stripeID, reason string) Report {
	return Report{
		ChargeID: f.ID, CustomerID: f.CustomerID, Status: status, StripeID: stripeID, AmountMinor: f.AmountMinor,
		Reason: reason, Currency: f.Currency,
	}
}

// post sends the charges, customers in parallel, one request at a time for each. The error is one that ended the run;
// the reports are those of all charges all the same.
func (p *poster) post(ctx context.Context, charges []plan.FrozenCharge) ([]Report, error) {
	p.lookFrom(charges)
	byCustomer := map[string][]plan.FrozenCharge{}
	for _, charge := range charges {
		byCustomer[charge.StripeCustomer] = append(byCustomer[charge.StripeCustomer], charge)
	}
	var mu sync.Mutex
	reports := map[string]Report{}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(p.parallel)
	for _, id := range slices.Sorted(maps.Keys(byCustomer)) {
		group.Go(func() error {
			done, err := p.postCustomer(groupCtx, byCustomer[id])
			mu.Lock()
			defer mu.Unlock()
			for _, report := range done {
				reports[report.ChargeID] = report
			}
			return err
		})
	}
	err := group.Wait()
	var all []Report
	for _, charge := range charges {
		report, done := reports[charge.ID]
		if !done {
			report = reportOn(charge, plan.StatusOpen, "", "the run ended before its turn")
		}
		all = append(all, report)
	}
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return all, err
}

// verifyTimeout bounds the last look at a customer's items.
const verifyTimeout = 2 * time.Minute

// postCustomer posts the charges of one Stripe customer in turn and then looks at all of them again.
func (p *poster) postCustomer(ctx context.Context, charges []plan.FrozenCharge) ([]Report, error) {
	var reports []Report
	var posted []plan.FrozenCharge
	for _, charge := range charges {
		if ctx.Err() != nil {
			return reports, nil
		}
		report, err := p.postCharge(ctx, charge)
		if err != nil {
			return append(reports, reportOn(charge, plan.StatusOpen, "", err.Error())), err
		}
		reports = append(reports, report)
		p.log.Info().Str("charge_id", charge.ID).Str("status", report.Status).Str("stripe_id", report.StripeID).
			Int64("amount_minor", report.AmountMinor).Str("reason", report.Reason).Msg("charge")
		if now, moved := p.anew.Load(charge.ID); moved {
			charge = now.(plan.FrozenCharge)
		}
		if report.Status == plan.StatusPosted {
			posted = append(posted, charge)
		}
	}
	if len(posted) == 0 {
		return reports, nil
	}
	// An interrupt does not keep what was sent from being seen.
	verifying, done := context.WithTimeout(context.WithoutCancel(ctx), verifyTimeout)
	defer done()
	wrong, err := p.verify(verifying, posted)
	p.at("S12")
	for i, report := range reports {
		if reason := wrong[report.ChargeID]; reason != "" {
			reports[i].Status, reports[i].Reason = plan.StatusOpen, reason
		}
	}
	return reports, err
}

// verify lists the customer's items once more (S12): each charge that was posted is there once, with its amount. wrong
// says by charge what is not so; the error is one that ends the run.
func (p *poster) verify(ctx context.Context, posted []plan.FrozenCharge) (wrong map[string]string, stop error) {
	wrong = map[string]string{}
	for _, charge := range posted {
		found, err := p.findItem(ctx, charge)
		switch {
		case err != nil:
			wrong[charge.ID] = "posted, but not seen again: " + err.Error()
			if stops(err) {
				stop = err
			}
		case len(found.ids) != 1:
			wrong[charge.ID] = fmt.Sprintf("Stripe holds %d items for this charge: %s",
				len(found.ids), strings.Join(found.ids, ", "))
		case found.differs != "":
			wrong[charge.ID] = "Stripe holds it with " + found.differs
		}
	}
	return wrong, stop
}

// postCharge takes a charge through its steps. The error is one that ends the run.
func (p *poster) postCharge(ctx context.Context, charge plan.FrozenCharge) (Report, error) {
	events, err := p.events.Events(ctx, []string{charge.ID})
	if err != nil {
		return Report{}, err
	}
	if report, done := alreadyDone(charge, events); done {
		return report, nil
	}
	if charge.Mode == plan.ModeManual {
		return reportOn(charge, plan.StatusHeld, "", plan.UnfinishedResolve(charge.ID)), nil
	}
	reason, gone, err := p.targetUsable(ctx, charge)
	if err != nil {
		return p.openOrStop(charge, err)
	}
	was, moved := reason, false
	if gone {
		if charge, moved, reason, err = p.chooseAnew(ctx, charge, events, reason); err != nil {
			return p.openOrStop(charge, err)
		}
	}
	if reason != "" && !gone {
		begun, err := p.begun(ctx, charge, events)
		if err != nil {
			return p.openOrStop(charge, err)
		}
		if begun {
			reason = ""
		}
	}
	if reason != "" {
		return reportOn(charge, plan.StatusHeld, "", reason), nil
	}
	p.at("S2")
	report, err := p.postBy(ctx, charge, events)
	if stuck := gone && !moved && report.Status == plan.StatusOpen; stuck && err == nil {
		report.Status, report.Reason = plan.StatusHeld, was+"; "+report.Reason+"; "+plan.HowToResolve(charge.ID)
	}
	return report, err
}

// begun tells whether Stripe may have a charge: then it goes on, whatever its subscription is by now. A ledger that was
// restored from a backup may know nothing of it.
func (p *poster) begun(ctx context.Context, charge plan.FrozenCharge, events []ledger.Event) (bool, error) {
	if item := ledger.Fold(events, ledger.StepItem); item.Announced || item.Ack != nil {
		return true, nil
	}
	there, err := p.findItem(ctx, charge)
	return len(there.ids) > 0, err
}

// postBy takes a charge through the steps of its mode.
func (p *poster) postBy(ctx context.Context, charge plan.FrozenCharge, events []ledger.Event) (Report, error) {
	switch charge.Mode {
	case plan.ModeInvoice, plan.ModeDraft:
		return p.postInvoice(ctx, charge, events)
	case plan.ModeBillNow:
		return p.postNow(ctx, charge)
	}
	result, err := p.perform(ctx, charge, p.itemStep(charge, ""))
	return p.reportOf(charge, result), err
}

// alreadyDone reports a charge whose last step is acknowledged or that a person settled.
func alreadyDone(charge plan.FrozenCharge, events []ledger.Event) (Report, bool) {
	item := ledger.Fold(events, ledger.StepItem)
	if item.Manual {
		return reportOn(charge, plan.StatusAlreadyPosted, "", "settled by hand"), true
	}
	done := item.Ack != nil
	if charge.Mode == plan.ModeInvoice || charge.Mode == plan.ModeBillNow {
		done = done && ledger.Fold(events, ledger.StepFinalize).Ack != nil
	}
	if !done {
		return Report{}, false
	}
	report := reportOn(charge, plan.StatusAlreadyPosted, item.Ack.StripeID, "")
	report.AmountMinor = item.Ack.AmountMinor
	return report, true
}

func (p *poster) reportOf(charge plan.FrozenCharge, result stepResult) Report {
	report := reportOn(charge, result.status, result.stripeID, result.reason)
	if result.stripeID != "" && strings.HasPrefix(result.stripeID, "ii_") {
		report.AmountMinor = result.amount
	}
	return report
}

// openOrStop leaves a charge open after a look at Stripe that did not work, unless the key itself is refused.
func (p *poster) openOrStop(charge plan.FrozenCharge, err error) (Report, error) {
	if stops(err) {
		return Report{}, err
	}
	return reportOn(charge, plan.StatusOpen, "", err.Error()), nil
}

// clock is Stripe's time, as far as its answers told it: events of runs on several machines are compared by it.
func (p *poster) clock() time.Time { return p.now().Add(-p.stripe.ClockAhead()) }

// stops tells errors that end the run from those that leave one charge open.
func stops(err error) bool {
	return errors.Is(err, stripe.ErrCredentials) || errors.Is(err, stripe.ErrClock)
}
