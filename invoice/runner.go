package invoice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/explain"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/reconcile"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// errPlanChanged is returned when the plan to be posted is not the one that was previewed.
var errPlanChanged = errors.New("the plan is not the one that was previewed")

// Config is what a Runner works with.
type Config struct {
	Warehouse  *warehouse.Warehouse
	Aggregator *aggregate.Aggregator
	Catalog    *schemas.Catalog
	// AsOf: periods that ended by then are charged, and events before it count. Required.
	AsOf time.Time
	// Stripe is needed by Post only.
	Stripe *stripe.Client
	// StripeAccount and Livemode are part of every charge's identity.
	StripeAccount string
	Livemode      bool
	// LateWindow and MaxChargeMinor are as in Inputs.
	LateWindow     time.Duration
	MaxChargeMinor int64
	AnomalyFactor  decimal.Decimal
	// Expected are the sources that are to have usage in every hour or day.
	Expected []plan.Expectation
	// AcceptGaps charges periods although usage that is expected, or a file, is missing.
	AcceptGaps bool
	Policy     Policy
	// RunID marks what this run writes. Required.
	RunID string
	// Now is the clock, Sleep waits. Required.
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
	// Parallel is how many customers are worked on at once; 0 means 8.
	Parallel int
	// Fault is called as each step of the protocol (S1 to S12) is done, so that tests can stop there. Nil: nothing.
	Fault func(step string)
	// Log takes the events of the run. Zero value: nothing is logged.
	Log zerolog.Logger
}

// Policy says how charges without a usable subscription are billed.
type Policy struct {
	// Draft leaves their invoices as drafts for a person to finalize.
	Draft bool
	// BillNow makes an invoice of the subscription at once instead of leaving the item to the next one.
	BillNow bool
	// DaysUntilDue is for invoices that are mailed. 0: 30.
	DaysUntilDue int64
}

// Runner plans and posts.
type Runner struct {
	config Config
	ledger ledger.Ledger
	poster *poster
}

// NewRunner returns a Runner.
func NewRunner(config Config) *Runner {
	if config.Parallel == 0 {
		config.Parallel = defaultParallel
	}
	if config.Policy.DaysUntilDue == 0 {
		config.Policy.DaysUntilDue = 30
	}
	if config.Fault == nil {
		config.Fault = func(string) {}
	}
	kept := ledger.Ledger{Warehouse: config.Warehouse}
	return &Runner{config: config, ledger: kept, poster: &poster{
		stripe: config.Stripe, events: newSharedLog(kept), now: config.Now, sleep: config.Sleep, runID: config.RunID,
		log: config.Log, parallel: config.Parallel, at: config.Fault,
		policy: config.Policy,
	}}
}

// Plan computes what would be posted. It writes nothing; what is committed while it reads may count or not.
func (r *Runner) Plan(ctx context.Context) (plan.Plan, error) {
	var loads []uint64
	var known aggregate.Known
	in := plan.Inputs{
		AsOf: r.config.AsOf, Catalog: r.config.Catalog, StripeAccount: r.config.StripeAccount,
		Livemode: r.config.Livemode, LateWindow: r.config.LateWindow, MaxChargeMinor: r.config.MaxChargeMinor,
		AnomalyFactor: r.config.AnomalyFactor,
	}
	var closed plan.Closings
	var settled func(*aggregate.PeriodBalance) bool
	frozen := make(chan struct{}) // closed when in.Frozen is read
	reads, reading := errgroup.WithContext(ctx)
	reads.Go(func() (err error) {
		if closed, err = r.ledger.Closings(reading, r.account(), r.config.Catalog); err != nil {
			return err
		}
		if loads, err = r.ledger.Loads(reading); err != nil {
			return err
		}
		if known, err = r.config.Aggregator.Known(reading); err != nil {
			return err
		}
		known.Closed, in.Rebills = closed.Effective()
		query := r.query(loads)
		query.Known, in.Subscriptions = &known, known.Subscriptions
		query.Settled = func(balance *aggregate.PeriodBalance) bool {
			select {
			case <-frozen:
				return settled(balance)
			case <-reading.Done():
				return false
			}
		}
		in.Periods, in.Problems, err = r.config.Aggregator.ReplayEach(reading, query)
		return err
	})
	reads.Go(func() (err error) {
		if in.Frozen, err = r.ledger.Charges(reading, r.config.StripeAccount, r.config.Livemode); err != nil {
			return err
		}
		settled = plan.Settled(in.AsOf, in.Catalog, in.Frozen)
		close(frozen)
		if in.StripeCustomers, err = subscription.StripeCustomers(reading, r.config.Warehouse); err != nil {
			return err
		}
		if in.StripeStates, err = subscription.StripeStates(reading, r.config.Warehouse); err != nil {
			return err
		}
		in.Releases, err = r.ledger.Releases(reading)
		return err
	})
	if err := reads.Wait(); err != nil {
		return plan.Plan{}, err
	}
	gaps, err := r.gaps(ctx, in.Periods)
	if err != nil {
		return plan.Plan{}, err
	}
	in.Gaps = gaps
	planned, err := plan.Build(in)
	if err != nil {
		return plan.Plan{}, err
	}
	planned.Loads, planned.Known, planned.Closings = loads, known, closed
	return planned, nil
}

// account is the one that is posted to, in its mode.
func (r *Runner) account() ledger.Account {
	return ledger.Account{ID: r.config.StripeAccount, Livemode: r.config.Livemode}
}

// query asks for the ended periods, computed from the loads alone: what is loaded while it works does not come in.
func (r *Runner) query(loads []uint64) aggregate.Query {
	return plan.Query(r.config.AsOf, r.config.Catalog, loads)
}

// Account is the Stripe account whose charges are planned.
func (r *Runner) Account() string { return r.config.StripeAccount }

// Narrow makes sure that a plan is the one of the hash that was previewed. If it is not, but a plan of that hash was
// frozen before, the answer is what is frozen of it: an interrupted post goes on with exactly that.
func (r *Runner) Narrow(planned plan.Plan, sha string) (plan.Plan, error) {
	if len(sha) < explain.ShortestPrefix {
		return plan.Plan{}, fmt.Errorf("post plan %s: give at least the first %d characters of its hash: %w", sha,
			explain.ShortestPrefix, errPlanChanged)
	}
	if strings.HasPrefix(planned.SHA, sha) {
		return planned, nil
	}
	narrowed := planned
	narrowed.Narrowed = true
	narrowed.Charges = slices.DeleteFunc(slices.Clone(planned.Charges), func(charge plan.Charge) bool {
		frozen, found := planned.Frozen[charge.ID]
		return !found || !strings.HasPrefix(frozen.PlanSHA, sha)
	})
	if len(narrowed.Charges) == 0 {
		return plan.Plan{}, fmt.Errorf("post plan %s: now it would be plan %s; look at it with `creditmill invoice preview` "+
			"and give its hash: %w", sha, planned.SHA, errPlanChanged)
	}
	return narrowed, nil
}

// Post freezes the plan's ready charges and posts them, with those that an earlier run left open. Reports come in the
// plan's order. The error is one that ended the run; what was done is reported all the same.
func (r *Runner) Post(ctx context.Context, planned plan.Plan) ([]Report, error) {
	if r.config.Livemode != r.config.Stripe.Livemode {
		return nil, fmt.Errorf("post in livemode %t with a key of the other mode: %w", r.config.Livemode, stripe.ErrSetting)
	}
	reports := map[string]Report{}
	var sending, fresh []plan.FrozenCharge
	var choosing []plan.Charge
	for _, charge := range planned.Charges {
		frozen, isFrozen := planned.Frozen[charge.ID]
		switch {
		case charge.Status == plan.StatusHeld && (!isFrozen || frozen.Planned().Status == plan.StatusHeld):
			reports[charge.ID] = reportOn(plan.FrozenCharge{Charge: charge}, plan.StatusHeld, "", charge.HoldReason)
		case charge.Status == plan.StatusPosted:
			report := reportOn(frozen, plan.StatusAlreadyPosted, frozen.StripeID, "")
			report.AmountMinor = frozen.ChargedMinor()
			reports[charge.ID] = report
		case isFrozen:
			sending = append(sending, frozen)
		default:
			choosing = append(choosing, charge)
		}
	}
	r.poster.refreeze, r.poster.customers = r.refreeze, planned.Inputs.StripeCustomers
	chosen, held, err := r.choose(ctx, planned, choosing)
	for _, report := range held {
		reports[report.ChargeID] = report
	}
	if err == nil {
		fresh, held, err = r.freeze(ctx, planned, chosen)
	}
	for _, report := range held {
		reports[report.ChargeID] = report
	}
	var sent []Report
	if err == nil {
		sent, err = r.send(ctx, append(sending, fresh...))
	}
	for _, report := range sent {
		reports[report.ChargeID] = report
	}
	if ctx.Err() == nil {
		err = errors.Join(err, r.noteSeen(ctx))
	}
	return inOrder(planned, reports), err
}

// send posts what is frozen, once it is expected to be stored from now on. What the plan was made of is compared again:
// a part may have been lost since, or while a person was asked.
func (r *Runner) send(ctx context.Context, charges []plan.FrozenCharge) ([]Report, error) {
	if len(charges) > 0 {
		if err := r.config.Warehouse.CheckComplete(ctx); err != nil {
			return nil, fmt.Errorf("post %d frozen charges: nothing was sent: %w", len(charges), err)
		}
	}
	return r.poster.post(ctx, charges)
}

// inOrder lists the reports as the plan has the charges; a charge without one was not reached.
func inOrder(p plan.Plan, reports map[string]Report) []Report {
	ordered := []Report{}
	for _, charge := range p.Charges {
		report, found := reports[charge.ID]
		if !found {
			report = reportOn(plan.FrozenCharge{Charge: charge}, plan.StatusOpen, "", "the run ended before its turn")
		}
		ordered = append(ordered, report)
	}
	return ordered
}

// refreeze freezes another way for a charge; what it is stays as it was.
func (r *Runner) refreeze(ctx context.Context, charge plan.FrozenCharge, way target) (plan.FrozenCharge, error) {
	var err error
	charge.Mode, charge.Target, charge.RunID = way.mode, way.subscription, r.config.RunID
	charge.Request, err = freezeRequest(charge.Charge, charge.PlanSHA, way, r.config.Catalog.Timezone)
	if err != nil {
		return plan.FrozenCharge{}, err
	}
	return r.ledger.Refreeze(ctx, charge)
}

// trusted says why a charge that was read back is not to be sent; nil if it is.
func trusted(f, written plan.FrozenCharge, config Config) error {
	if f.Unreadable != "" {
		return errors.New(f.Unreadable)
	}
	if err := sameAs(f, written, config.RunID); err != nil {
		return err
	}
	return f.CheckOwn()
}

// sameAs asserts that a row of this run came back as it was written.
func sameAs(f, written plan.FrozenCharge, runID string) error {
	if f.RunID != runID {
		return nil
	}
	stored, err := plan.Canonical(f.Planned())
	if err != nil {
		return fmt.Errorf("compare charge %s: %w", f.ID, err)
	}
	meant, err := plan.Canonical(written.Planned())
	if err != nil {
		return fmt.Errorf("compare charge %s: %w", f.ID, err)
	}
	if string(stored) != string(meant) || string(f.Request) != string(written.Request) || f.Mode != written.Mode {
		return fmt.Errorf("read back charge %s: it is not as it was written: %w", f.ID, plan.ErrInvariant)
	}
	return nil
}

// Reconcile compares the ledger with Stripe. It writes nothing, here or there. The ledger is read first and then
// Stripe, so that what is posted in between is extra at worst and never missing.
func (r *Runner) Reconcile(ctx context.Context) (reconcile.Result, error) {
	planned, err := r.Plan(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	frozen, err := r.ledger.Charges(ctx, r.config.StripeAccount, r.config.Livemode)
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

// Settle writes down on which invoices charges ended. It returns how much of that is new. The caller holds the writer
// lock.
func (r *Runner) Settle(ctx context.Context, settlements []ledger.Settlement) (int, error) {
	return r.ledger.Settle(ctx, settlements, r.config.Now(), r.config.RunID)
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
		Warehouse: r.config.Warehouse, Aggregator: r.config.Aggregator, Catalog: r.config.Catalog, Account: r.account(),
		Plan: r.Plan,
	}
}
