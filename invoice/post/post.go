package post

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
)

// Post sends the charges, customers in parallel, one request at a time for each. customers are Stripe's ids by customer
// as they are now, for charges that need another way. The error is one that ended the run; the reports are those of all
// charges all the same.
func (p *Poster) Post(
	ctx context.Context, charges []plan.FrozenCharge, customers map[string]string,
) ([]Report, error) {
	p.customers = customers
	p.account.lookFrom(charges)
	byCustomer := map[string][]plan.FrozenCharge{}
	for _, charge := range charges {
		byCustomer[charge.StripeCustomer] = append(byCustomer[charge.StripeCustomer], charge)
	}
	var mu sync.Mutex
	reports := map[string]Report{}
	together := len(byCustomer) >= manyCustomers
	var posted []plan.FrozenCharge
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(p.parallel)
	for _, id := range slices.Sorted(maps.Keys(byCustomer)) {
		group.Go(func() error {
			done, sent, err := p.postCustomer(groupCtx, byCustomer[id])
			if !together {
				err = errors.Join(err, p.lookBack(ctx, done, sent, p.verify))
			}
			mu.Lock()
			defer mu.Unlock()
			posted = append(posted, sent...)
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
			report = ReportOn(charge, plan.StatusOpen, "", "the run ended before its turn")
		}
		_, report.Adopted = p.adopted.Load(charge.ID)
		all = append(all, report)
	}
	if together {
		err = errors.Join(err, p.lookBack(ctx, all, posted, p.verifyTogether))
	}
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return all, err
}

// verifyTimeout bounds the last look at items.
const verifyTimeout = 2 * time.Minute

// postCustomer posts the charges of one Stripe customer in turn. posted are those to look at again.
func (p *Poster) postCustomer(
	ctx context.Context, charges []plan.FrozenCharge,
) (reports []Report, posted []plan.FrozenCharge, err error) {
	ctx = sharing(ctx, charges)
	for _, charge := range charges {
		if ctx.Err() != nil || err != nil {
			break
		}
		var report Report
		report, err = p.postOne(ctx, charge)
		reports = append(reports, report)
	}
	for i := range reports {
		if reports[i].again && ctx.Err() == nil && err == nil {
			reports[i], err = p.postOne(ctx, p.asMoved(charges[i]))
		}
		if reports[i].Status == plan.StatusPosted {
			posted = append(posted, p.asMoved(charges[i]))
		}
	}
	return reports, posted, err
}

// postOne posts a charge and tells of it. The error is one that ends the run.
func (p *Poster) postOne(ctx context.Context, charge plan.FrozenCharge) (Report, error) {
	report, err := p.postCharge(ctx, charge)
	if err != nil {
		return ReportOn(charge, plan.StatusOpen, "", err.Error()), err
	}
	if !report.again {
		p.log.Info().Str("charge_id", charge.ID).Str("status", report.Status).Str("stripe_id", report.StripeID).
			Int64("amount_minor", report.AmountMinor).Str("reason", report.Reason).Msg("charge")
	}
	return report, nil
}

// asMoved is a charge as it is now: another way may have been chosen for it in this run.
func (p *Poster) asMoved(charge plan.FrozenCharge) plan.FrozenCharge {
	if now, moved := p.anew.Load(charge.ID); moved {
		return now.(plan.FrozenCharge)
	}
	return charge
}

// verifying says by charge what is not as it was posted. The error is one that ends the run.
type verifying func(ctx context.Context, posted []plan.FrozenCharge) (wrong map[string]string, stop error)

// lookBack looks at what was posted once more (S12), and corrects the reports on it.
func (p *Poster) lookBack(ctx context.Context, reports []Report, posted []plan.FrozenCharge, verify verifying) error {
	if len(posted) == 0 {
		return nil
	}
	wrong, err := verify(context.WithoutCancel(ctx), posted) // an interrupt does not keep it from being seen
	p.at("S12")
	for i, report := range reports {
		if reason := wrong[report.ChargeID]; reason != "" {
			reports[i].Status, reports[i].Reason = plan.StatusOpen, reason
		}
	}
	return err
}

// verify lists the customer's items once more (S12): each charge that was posted is there once, with its amount. wrong
// says by charge what is not so; the error is one that ends the run.
func (p *Poster) verify(ctx context.Context, posted []plan.FrozenCharge) (wrong map[string]string, stop error) {
	wrong = map[string]string{}
	ctx, done := context.WithTimeout(sharing(ctx, posted), verifyTimeout)
	defer done()
	for _, charge := range posted {
		found, err := p.findItem(ctx, charge)
		if err != nil {
			wrong[charge.ID] = notSeenAgain(err)
			if stops(err) {
				stop = err
			}
		} else if reason := found.notOnce(); reason != "" {
			wrong[charge.ID] = reason
		}
	}
	return wrong, stop
}

// manyCustomers is from how many customers on what was posted is looked at in one list of the account.
const manyCustomers = 10

// verifyTogether is verify for many customers: the account's items are listed once, a hundred to a request. Where the
// account holds so many others that this asks more often, each customer's are.
func (p *Poster) verifyTogether(
	ctx context.Context, posted []plan.FrozenCharge,
) (wrong map[string]string, stop error) {
	byCustomer := map[string][]plan.FrozenCharge{}
	for _, charge := range posted {
		byCustomer[charge.StripeCustomer] = append(byCustomer[charge.StripeCustomer], charge)
	}
	wrong = map[string]string{}
	pages := p.account.pages(len(posted))
	if pages > len(byCustomer) {
		for _, id := range slices.Sorted(maps.Keys(byCustomer)) {
			some, err := p.verify(ctx, byCustomer[id])
			maps.Copy(wrong, some)
			stop = errors.Join(stop, err)
		}
		return wrong, stop
	}
	ctx, done := context.WithTimeout(ctx, verifyTimeout+time.Duration(pages)*time.Second)
	defer done()
	known, err := p.account.again(ctx, p.stripe)
	for _, charge := range posted {
		unseen := err
		if p.credits(charge) && err == nil {
			var credits []*stripego.InvoiceItem
			credits, unseen = p.creditsOf(ctx, charge)
			known[charge.ID] = append(known[charge.ID], credits...)
		}
		if unseen != nil {
			wrong[charge.ID] = notSeenAgain(unseen)
		} else if reason := foundAmong(known[charge.ID], charge).notOnce(); reason != "" {
			wrong[charge.ID] = reason
		}
	}
	if err != nil && stops(err) {
		return wrong, err
	}
	return wrong, nil
}

func notSeenAgain(err error) string { return "posted, but not seen again: " + err.Error() }

// notOnce says what is wrong with what Stripe holds of a posted charge; empty if that is one item, as it was frozen.
func (f found) notOnce() string {
	switch {
	case len(f.ids) != 1:
		return fmt.Sprintf("Stripe holds %d items for this charge: %s", len(f.ids), strings.Join(f.ids, ", "))
	case f.differs != "":
		return "Stripe holds it with " + f.differs
	}
	return ""
}

// postCharge takes a charge through its steps. The error is one that ends the run.
func (p *Poster) postCharge(ctx context.Context, charge plan.FrozenCharge) (Report, error) {
	events, err := p.events.Events(ctx, []string{charge.ID})
	if err != nil {
		return Report{}, err
	}
	if report, done := alreadyDone(charge, events); done {
		return report, nil
	}
	if charge.Mode == plan.ModeManual {
		return HeldFor(charge.Charge, plan.HoldBeingResolved, plan.UnfinishedResolve(charge.ID)), nil
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
		return ReportOn(charge, plan.StatusHeld, "", reason), nil
	}
	p.at("S2")
	report, err := p.postBy(ctx, charge, events)
	p.tell(&report)
	if stuck := gone && !moved && report.Status == plan.StatusOpen; stuck && err == nil {
		report.Status, report.Reason = plan.StatusHeld, was+"; "+report.Reason+"; "+plan.HowToResolve(charge.ID)
	}
	return report, err
}

// begun tells whether Stripe may have a charge: then it goes on, whatever its subscription is by now. A ledger that was
// restored from a backup may know nothing of it.
func (p *Poster) begun(ctx context.Context, charge plan.FrozenCharge, events []ledger.Event) (bool, error) {
	if item := ledger.Fold(events, ledger.StepItem); item.Announced || item.Ack != nil {
		return true, nil
	}
	there, err := p.findItem(ctx, charge)
	return len(there.ids) > 0, err
}

// postBy takes a charge through the steps of its mode.
func (p *Poster) postBy(ctx context.Context, charge plan.FrozenCharge, events []ledger.Event) (Report, error) {
	switch charge.Mode {
	case plan.ModeInvoice, plan.ModeDraft:
		return p.postInvoice(ctx, charge, events)
	case plan.ModeBillNow:
		return p.postNow(ctx, charge)
	case plan.ModeRenewal:
		return p.postRenewal(ctx, charge)
	case plan.ModeCreditNote:
		return p.postCredit(ctx, charge)
	}
	return p.postPending(ctx, charge)
}

// alreadyDone reports a charge whose last step is acknowledged or that a person settled.
func alreadyDone(charge plan.FrozenCharge, events []ledger.Event) (Report, bool) {
	item := ledger.Fold(events, ledger.StepItem)
	if item.Manual {
		return ReportOn(charge, plan.StatusAlreadyPosted, "", "settled by hand"), true
	}
	done := item.Ack != nil
	if charge.Mode == plan.ModeInvoice || charge.Mode == plan.ModeBillNow {
		done = done && ledger.Fold(events, ledger.StepFinalize).Ack != nil
	}
	if !done {
		return Report{}, false
	}
	report := ReportOn(charge, plan.StatusAlreadyPosted, item.Ack.StripeID, "")
	report.AmountMinor = item.Ack.AmountMinor
	return report, true
}
