package invoice

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/explain"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/reconcile"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// Runner plans and posts, compares the ledger with Stripe, and takes the decisions of persons.
type Runner struct {
	config Config
	poster *post.Poster
}

// NewRunner returns a Runner.
func NewRunner(config Config) *Runner {
	if config.Fault == nil {
		config.Fault = func(string) {}
	}
	kept := config.ledger()
	poster := post.Config{
		Stripe: config.Stripe, Events: kept, Account: config.account(), Refreeze: kept.Refreeze, Policy: config.Policy,
		RunID: config.RunID, Now: config.Now, Sleep: config.Sleep, Parallel: config.Parallel, Fault: config.Fault,
		Log: config.Log, Words: plan.Wording{Catalog: config.Catalog},
	}
	return &Runner{config: config, poster: post.New(poster)}
}

// Account is the Stripe account whose charges are planned.
func (r *Runner) Account() string { return r.config.StripeAccount }

// Plan computes what would be posted. It writes nothing; what is committed while it reads may count or not.
func (r *Runner) Plan(ctx context.Context) (plan.Plan, error) { return makePlan(ctx, r.config) }

// Days are the charges of a plan that this Runner made, in the plan's order, with the spend by day. It is read from the
// warehouse meanwhile, and nothing of it is kept. An error is the last that comes.
func (r *Runner) Days(ctx context.Context, planned plan.Plan) iter.Seq2[plan.ChargeDays, error] {
	return days(ctx, r.config, planned)
}

// Post freezes the plan's ready charges and posts them, with those that an earlier run left open. Reports come in the
// plan's order. The error is one that ended the run; what was done is reported all the same.
func (r *Runner) Post(ctx context.Context, planned plan.Plan) ([]post.Report, error) {
	reports, err := r.postFor(ctx, planned, everybody)
	if err != nil {
		return reports, err
	}
	return reports, r.caughtUp(ctx, planned, reports)
}

// postFor is Post for some customers of the plan. The others' periods do not close.
func (r *Runner) postFor(ctx context.Context, planned plan.Plan, whose customers) ([]post.Report, error) {
	if r.config.Livemode != r.config.Stripe.Livemode {
		return nil, fmt.Errorf("post in livemode %t with a key of the other mode: %w", r.config.Livemode, stripe.ErrSetting)
	}
	sending, choosing, reports, err := r.sorted(ctx, planned, whose)
	if err != nil {
		return nil, err
	}
	var fresh []plan.FrozenCharge
	known, err := subscription.All(ctx, r.config.Warehouse)
	if err != nil {
		return inOrder(planned, whose, reports), err
	}
	if len(sending)+len(choosing) > 0 {
		if err := r.awaitQuiet(ctx); err != nil {
			return inOrder(planned, whose, reports), err
		}
	}
	chosen, held, err := r.choose(ctx, planned, choosing, known)
	for _, report := range held {
		reports[report.ChargeID] = report
	}
	if err == nil {
		fresh, held, err = freeze(ctx, r.config, planned, whose, chosen)
	}
	for _, report := range held {
		reports[report.ChargeID] = report
	}
	var sent []post.Report
	if err == nil {
		sent, err = r.send(ctx, append(sending, fresh...), planned.Inputs.StripeCustomers)
	}
	for _, report := range sent {
		reports[report.ChargeID] = report
	}
	if ctx.Err() == nil {
		err = errors.Join(err, subscription.StoreStripeStates(ctx, r.config.Warehouse, r.poster.Seen(), r.config.Now()))
	}
	return inOrder(planned, whose, reports), err
}

// sorted tells apart the charges of a plan that are frozen and sent, those that may be frozen, and what is reported of
// the others.
func (r *Runner) sorted(ctx context.Context, planned plan.Plan, whose customers) (
	sending []plan.FrozenCharge, choosing []plan.Charge, reports map[string]post.Report, err error,
) {
	waiting, err := r.unapproved(ctx, planned)
	if err != nil {
		return nil, nil, nil, err
	}
	notVoid := r.stillVoid(ctx, planned)
	reports = map[string]post.Report{}
	for _, charge := range planned.Charges {
		frozen, isFrozen := planned.Frozen[charge.ID]
		switch {
		case !whose(charge.CustomerID):
		case charge.Status == plan.StatusHeld && (!isFrozen || frozen.Planned().Status == plan.StatusHeld),
			charge.Status == plan.StatusHeld && planned.Inputs.Withheld[charge.ID] != "":
			reports[charge.ID] = post.ReportOn(plan.FrozenCharge{Charge: charge}, plan.StatusHeld, "", charge.HoldReason)
		case charge.Status == plan.StatusPosted:
			report := post.ReportOn(frozen, plan.StatusAlreadyPosted, frozen.StripeID, "")
			report.AmountMinor = frozen.ChargedMinor()
			reports[charge.ID] = report
		case notVoid(charge) != "":
			reports[charge.ID] = post.HeldFor(charge, plan.HoldNotVoid, notVoid(charge))
		case isFrozen:
			sending = append(sending, frozen)
		case waiting(charge) != "":
			reports[charge.ID] = post.HeldFor(charge, plan.HoldNotApproved, waiting(charge))
		default:
			choosing = append(choosing, charge)
		}
	}
	return sending, together(planned, choosing, reports), reports, nil
}

// together leaves out the charges of which another part waits, and reports them as that one: all parts are frozen
// before the first is sent, or none.
func together(planned plan.Plan, choosing []plan.Charge, reports map[string]post.Report) []plan.Charge {
	waits := map[string]post.Report{}
	for _, charge := range slices.Backward(planned.Charges) { // the first that waits is told
		_, isFrozen := planned.Frozen[charge.ID]
		if report := reports[charge.ID]; report.Status == plan.StatusHeld && !isFrozen {
			waits[charge.WholeID()] = report
		}
	}
	return slices.DeleteFunc(choosing, func(charge plan.Charge) bool {
		other, found := waits[charge.WholeID()]
		if found {
			charge.HoldCodes = other.HoldCodes
			reports[charge.ID] = post.ReportOn(plan.FrozenCharge{Charge: charge}, plan.StatusHeld, "", other.Reason)
		}
		return found
	})
}

// choose makes charges ready to be frozen, but for those that must wait.
func (r *Runner) choose(
	ctx context.Context, planned plan.Plan, charges []plan.Charge, known []subscription.Subscription,
) (chosen []plan.FrozenCharge, held []post.Report, err error) {
	charges, held, err = r.withoutBarred(ctx, planned, charges)
	if err != nil {
		return nil, held, err
	}
	chosen, others, err := r.poster.Choose(ctx, planned, charges, known)
	return chosen, append(held, others...), err
}

// send posts what is frozen, once it is expected to be stored from now on. What the plan was made of is compared again:
// a part may have been lost since, or while a person was asked.
func (r *Runner) send(
	ctx context.Context, charges []plan.FrozenCharge, customers map[string]string,
) ([]post.Report, error) {
	if len(charges) > 0 {
		if err := r.config.Warehouse.CheckComplete(ctx); err != nil {
			return nil, fmt.Errorf("post %d frozen charges: nothing was sent: %w", len(charges), err)
		}
	}
	return r.poster.Post(ctx, charges, customers)
}

// inOrder lists the reports as the plan has the charges; a charge without one was not reached.
func inOrder(p plan.Plan, whose customers, reports map[string]post.Report) []post.Report {
	ordered := []post.Report{}
	for _, charge := range p.Charges {
		if !whose(charge.CustomerID) {
			continue
		}
		report, found := reports[charge.ID]
		if !found {
			report = post.ReportOn(plan.FrozenCharge{Charge: charge}, plan.StatusOpen, "", "the run ended before its turn")
		}
		ordered = append(ordered, report)
	}
	return ordered
}

// LookAgain asks Stripe whether what a sync or post saw still keeps charges back, and stores what does not: so a run
// that posts whatever is ready needs no sync in between. What cannot be asked stays as it was seen.
func (r *Runner) LookAgain(ctx context.Context) error {
	states, err := subscription.StripeStates(ctx, r.config.Warehouse)
	if err != nil {
		return err
	}
	freed, err := r.poster.Freed(ctx, states)
	if err != nil {
		return err
	}
	return subscription.StoreStripeStates(ctx, r.config.Warehouse, freed, r.config.Now())
}

// Reconcile compares the ledger with Stripe. It writes nothing, here or there. The ledger is read first and then
// Stripe, so that what is posted in between is extra at worst and never missing.
func (r *Runner) Reconcile(ctx context.Context) (reconcile.Result, error) {
	planned, err := r.Plan(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	frozen, err := r.config.ledger().Charges(ctx, r.config.StripeAccount, r.config.Livemode)
	if err != nil {
		return reconcile.Result{}, err
	}
	items, bills, err := reconcile.Listed(ctx, r.config.Stripe, frozen, r.config.AsOf)
	if err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Compare(reconcile.Books{
		Plan: planned, Frozen: frozen, Items: items, Bills: bills, Catalog: r.config.Catalog, Now: r.config.AsOf,
	}), nil
}

// Repair deletes the surplus items of charges that Stripe holds several of, one by one, each after another look at
// Stripe, and only while they are pending or on a draft. Everything else needs a person. The caller holds the writer
// lock.
func (r *Runner) Repair(ctx context.Context, found reconcile.Result) ([]post.Repaired, error) {
	repaired := []post.Repaired{}
	for _, twice := range found.Twice {
		some, err := r.poster.Repair(ctx, twice.Charge, twice.Items-1)
		repaired = append(repaired, some...)
		if err != nil {
			return repaired, err
		}
	}
	return repaired, nil
}

// Settle writes down on which invoices charges ended. It returns how much of that is new. The caller holds the writer
// lock.
func (r *Runner) Settle(ctx context.Context, settlements []ledger.Settlement) (int, error) {
	return r.config.ledger().Settle(ctx, settlements, r.config.Now(), r.config.RunID)
}

// Release writes down that a person lets a held charge be posted, for the amount that it has in the plan. It ends holds
// for max_charge, anomaly and credits. A missing Stripe customer, unrated usage and the like stay: they are fixed, not
// released. The caller holds the writer lock.
func (r *Runner) Release(ctx context.Context, planned plan.Plan, release Release) (Released, error) {
	return releaseHeld(ctx, r.config, planned, release)
}

// Rebill writes down that a person has a closed period billed again, by the catalog, product and grants of today within
// the bounds it has. The difference is in the next plan, held until it is released. The caller holds the writer lock.
func (r *Runner) Rebill(ctx context.Context, asked Rebilling) (plan.Rebill, error) {
	return rebill(ctx, r.config, asked)
}

// Resolve writes down that a person settled a charge that is not posted and, as it stands, will not be: billed
// outside of creditmill, or waived. It is never posted then, and its period counts as charged. The caller holds the
// writer lock.
func (r *Runner) Resolve(ctx context.Context, by Release) (plan.FrozenCharge, error) {
	return resolve(ctx, r.config, r.poster, by)
}

// Explain walks a charge down to the files: a frozen one, or one of the present plan.
func (r *Runner) Explain(ctx context.Context, chargeID string, withRows bool) (explain.Explanation, error) {
	return r.explainer().Explain(ctx, chargeID, withRows)
}

// Find returns the ids of the charges that a name means.
func (r *Runner) Find(ctx context.Context, name string) ([]string, error) {
	return r.explainer().Find(ctx, name)
}

func (r *Runner) explainer() explain.Explainer {
	return explain.Explainer{
		Warehouse: r.config.Warehouse, Aggregator: r.config.Aggregator, Catalog: r.config.Catalog,
		Account: r.config.account(), Plan: r.Plan,
	}
}
