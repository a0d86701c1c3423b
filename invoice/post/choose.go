package post

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// chosen is a charge with the way it will go; without one, report says why.
type chosen struct {
	charge plan.Charge
	way    target
	report *Report
}

// Choose asks Stripe how each charge of a plan can reach its customer (S2) and makes it ready to be frozen.
// subscriptions are those that are known.
func (p *Poster) Choose(
	ctx context.Context, planned plan.Plan, charges []plan.Charge, subscriptions []subscription.Subscription,
) ([]plan.FrozenCharge, []Report, error) {
	known := map[string][]subscription.Subscription{}
	for _, one := range subscriptions {
		known[one.CustomerID] = append(known[one.CustomerID], one)
	}
	all := make([]chosen, len(charges))
	group, groupCtx := errgroup.WithContext(sharing(ctx, nil))
	group.SetLimit(p.parallel)
	for i, charge := range charges {
		of, _ := plan.SubscriptionOf(known[charge.CustomerID], charge)
		all[i].charge = charge
		if reason := p.unsettled(planned.AsOf, charge); reason != "" {
			report := HeldFor(charge, plan.HoldSettling, reason)
			all[i].report = &report
			continue
		}
		group.Go(func() error {
			var credit target
			if p.policy.CreditNotes && charge.AmountMinor < 0 {
				var err error
				if credit, err = p.onCreditNote(groupCtx, charge, planned.Inputs.Frozen); err != nil || credit.mode != "" {
					return p.take(&all[i], credit, obstacle{}, err)
				}
			}
			way, held, err := p.choose(groupCtx, charge, of.StripeSubscription, p.policy)
			way.note = cmp.Or(way.note, credit.note)
			return p.take(&all[i], way, held, err)
		})
	}
	err := group.Wait()
	if err == nil {
		err = p.spread(ctx, planned, all)
	}
	together(all)
	var ready []plan.FrozenCharge
	var reports []Report
	for _, one := range all {
		switch {
		case one.report != nil:
			reports = append(reports, *one.report)
		case one.way.mode != "" && err == nil:
			var frozen plan.FrozenCharge
			p.noteOn(one.charge.ID, one.way)
			frozen, err = goingBy(p.open(one.charge, planned.SHA), one.way, p.words)
			ready = append(ready, frozen)
		}
	}
	return ready, reports, err
}

// ByHand makes a charge of a plan ready to be frozen as one that is never sent.
func (p *Poster) ByHand(charge plan.Charge, planSHA string) (plan.FrozenCharge, error) {
	return goingBy(p.open(charge, planSHA), target{mode: plan.ModeManual}, p.words)
}

// HeldBy says why a charge that is ready by its plan cannot reach its customer; empty if it can.
func (p *Poster) HeldBy(ctx context.Context, charge plan.Charge) (reason string, err error) {
	policy := p.policy
	policy.Renewal = false // an invoice that Stripe makes in a moment holds nothing
	_, held, err := p.choose(ctx, charge, "", policy)
	return held.reason, err
}

func (p *Poster) open(charge plan.Charge, planSHA string) plan.FrozenCharge {
	return plan.FrozenCharge{
		Charge: charge, PlanSHA: planSHA, StripeAccount: p.of.ID, Livemode: p.of.Livemode,
		RunID: p.runID, FrozenAt: p.now().UTC().Truncate(time.Millisecond), State: plan.StateOpen,
	}
}

// take notes a charge's way, or why it has none.
func (p *Poster) take(one *chosen, way target, held obstacle, err error) error {
	one.way = way
	if err != nil {
		report, err := p.openOrStop(plan.FrozenCharge{Charge: one.charge}, err)
		one.report = &report
		return err
	}
	if held != (obstacle{}) {
		report := HeldFor(one.charge, held.code, held.reason)
		one.report = &report
	}
	return nil
}

// together keeps the parts of a charge back of which one has no way: all are frozen before the first is sent.
func together(all []chosen) {
	without := map[string]*Report{}
	for _, one := range all {
		if one.report != nil {
			without[one.charge.WholeID()] = one.report
		}
	}
	for i, one := range all {
		other, found := without[one.charge.WholeID()]
		if found && one.report == nil {
			one.charge.HoldCodes = other.HoldCodes
			report := ReportOn(plan.FrozenCharge{Charge: one.charge}, plan.StatusHeld, "", other.Reason)
			all[i].report = &report
		}
	}
}

const (
	// itemsOnInvoice is how many pending items are left to one invoice of a subscription. Stripe takes 250 of them, the
	// rest waits for another cycle; persons may add some meanwhile.
	itemsOnInvoice = 200
	// itemsStripeTakes is Stripe's own bound.
	itemsStripeTakes = 250
	// invoicesInRun is how many invoices of one subscription a run makes: Stripe makes 20 a day.
	invoicesInRun = 15
	// itemsUnasked is how many of our items a subscription may have had in a year for Stripe not to be asked how many are
	// pending: those of a month are few, those of an hour are not.
	itemsUnasked = 50
)

// spread shares the charges of each subscription among invoices, so that what is pending for one is never more than it
// can take, in number or amount. Where an invoice is made at once, it takes all those before it: the last of them asks
// for it.
func (p *Poster) spread(ctx context.Context, planned plan.Plan, all []chosen) error {
	of := map[string][]*chosen{}
	for i := range all {
		if id := all[i].way.subscription; id != "" && all[i].report == nil {
			of[id] = append(of[id], &all[i])
		}
	}
	for id := range of {
		// One within its period asks for an invoice at once, which takes those before it.
		slices.SortStableFunc(of[id], func(a, b *chosen) int {
			return withinLast(a.charge.Kind) - withinLast(b.charge.Kind)
		})
		of[id] = overflow(of[id])
	}
	for _, id := range slices.Sorted(maps.Keys(of)) {
		waiting, err := p.waiting(ctx, planned, id, of[id])
		if err != nil {
			for _, one := range of[id] {
				if err := p.take(one, target{}, obstacle{}, err); err != nil {
					return err
				}
			}
			continue
		}
		for _, one := range spread(of[id], waiting) {
			report := HeldFor(one.charge, plan.HoldDayFull, fmt.Sprintf("subscription %s has more charges than the invoices "+
				"of a day can hold; the rest is posted tomorrow", id))
			one.way, one.report = target{}, &report
		}
	}
	return nil
}

func withinLast(kind string) int {
	if kind == plan.KindThreshold {
		return 1
	}
	return 0
}

// waiting is what is pending for a subscription before the charges of a run.
type waiting struct {
	items int
	minor int64
}

// waiting counts what is pending at Stripe and what is frozen and will be.
func (p *Poster) waiting(ctx context.Context, planned plan.Plan, id string, ours []*chosen) (waiting, error) {
	var before waiting
	ever := len(ours)
	for _, frozen := range planned.Inputs.Frozen {
		if frozen.Target != id || p.now().Sub(frozen.FrozenAt) > 400*24*time.Hour {
			continue
		}
		ever++
		if frozen.State == plan.StateOpen && frozen.Mode == plan.ModeSubscription {
			before.items, before.minor = before.items+1, before.minor+frozen.AmountMinor
		}
	}
	if ever <= itemsUnasked {
		return before, nil
	}
	items, err := p.stripe.InvoiceItems(ctx, url.Values{
		"customer": {ours[0].charge.StripeCustomer}, "pending": {"true"},
	})
	if err != nil {
		return waiting{}, err
	}
	for _, item := range items {
		if of := stripe.SubscriptionOfItem(item); of == "" || of == id {
			before.items, before.minor = before.items+1, before.minor+item.Amount
		}
	}
	return before, nil
}

// spread decides which charges of one subscription wait for an invoice and which ask for one. What is left has none.
func spread(ours []*chosen, before waiting) (left []*chosen) {
	invoices := 0
	for i, one := range ours {
		if invoices == invoicesInRun {
			return ours[i:]
		}
		before.items, before.minor = before.items+1, before.minor+one.charge.AmountMinor
		last := i == len(ours)-1
		full := before.items >= itemsOnInvoice || before.minor > plan.MaxPartMinor ||
			!last && before.minor+ours[i+1].charge.AmountMinor > plan.MaxPartMinor
		if !full && (!last || one.way.mode == plan.ModeSubscription) {
			one.way = one.way.pending()
			continue
		}
		one.way = one.way.atOnce()
		before = waiting{items: max(0, before.items-itemsStripeTakes)}
		invoices++
	}
	return nil
}
