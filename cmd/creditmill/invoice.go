package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

func newInvoiceCommand(a *app) *cobra.Command {
	command := &cobra.Command{
		Use:   "invoice",
		Short: "Preview and post the overage of ended periods",
		Long: "invoice turns the overage of ended periods into charges. Look at them with preview, then let post put them " +
			"on the customers' Stripe invoices. The base price is Stripe's own subscription; only overage is posted.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(newInvoicePreviewCommand(a), newInvoicePostCommand(a), newInvoiceShowCommand(a),
		newInvoiceReconcileCommand(a), newInvoiceReleaseCommand(a), newInvoiceHoldCommand(a), newInvoiceApproveCommand(a),
		newInvoiceResolveCommand(a), newInvoiceRebillCommand(a))
	return command
}

// access says whether a command changes the warehouse: writing takes the writer lock, reading goes on beside writers.
type access bool

const (
	reading access = false
	writing access = true
)

// planning is what a command plans with.
type planning struct {
	asOf   time.Time
	client *stripe.Client // nil where there is no key
	access access
	// account is the one to plan for where there is no client; nil: the one that was posted to before.
	account *ledger.Account
	// acceptGaps charges periods for which usage is missing.
	acceptGaps bool
}

// openInvoice prepares planning and posting: warehouse, Stripe, for writing the lock. release gives the lock back.
func (a *app) openInvoice(ctx context.Context, with planning) (runner *invoice.Runner, release func(), err error) {
	asOf, client := with.asOf, with.client
	book, err := a.catalog()
	if err != nil {
		return nil, nil, err
	}
	config := invoice.Config{
		Catalog: book, AsOf: asOf, Stripe: client, StripeAccount: a.config.Stripe.Account,
		AnomalyFactor: a.config.Invoice.AnomalyFactor.Decimal, AcceptGaps: with.acceptGaps,
		UsageTolerance: a.config.Invoice.Tolerance,
		LateWindow:     a.config.Invoice.LateWindow, RunID: newRunID(), Now: a.now, Sleep: sleep,
		Fault: crashAt(os.Getenv(crashVariable)), Log: a.log,
		ApprovalRequired: a.config.Invoice.Approval == approvalRequired,
	}
	if config.Policy, err = a.config.Invoice.policy(); err != nil {
		return nil, nil, err
	}
	if config.Expected, err = a.expectations(); err != nil {
		return nil, nil, err
	}
	if config.Left, err = a.leftInSpool(); err != nil {
		return nil, nil, err
	}
	if most := a.config.Invoice.MaxCharge; most.Valid {
		if config.MaxChargeMinor, err = book.Currency.Round(most.Decimal); err != nil {
			return nil, nil, usagef("read invoice.max_charge: %w", err)
		}
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return nil, nil, err
	}
	if client != nil {
		config.Livemode = client.Livemode
		if config.StripeAccount, err = client.Account(ctx, config.StripeAccount); err != nil {
			return nil, nil, stripeUsage(err)
		}
	}
	release = func() {}
	if with.access == writing {
		if release, err = a.lockWriter(ctx, w); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case client != nil:
	case with.account != nil:
		config.StripeAccount, config.Livemode = with.account.ID, with.account.Livemode
	default:
		if err := a.knownAccount(ctx, w, &config); err != nil {
			release()
			return nil, nil, err
		}
	}
	config.Warehouse = w
	config.Aggregator = aggregate.New(aggregate.Config{Warehouse: w, Now: a.now, Log: a.log})
	return invoice.NewRunner(config), release, nil
}

// planned is a plan by itself, of a command that does nothing else with it.
func (a *app) planned(ctx context.Context, with planning) (plan.Plan, error) {
	runner, release, err := a.openInvoice(ctx, with)
	if err != nil {
		return plan.Plan{}, err
	}
	defer release()
	return runner.Plan(ctx)
}

// expectations are the sources that are to have usage in every hour or day.
func (a *app) expectations() ([]plan.Expectation, error) {
	sources, problems := schemas.ParseSources(a.config.File, a.config.Text)
	if err := problems.Err(); err != nil {
		return nil, &usageError{err: err}
	}
	var expected []plan.Expectation
	for _, source := range sources {
		if source.Expect != "" {
			expected = append(expected, plan.Expectation{Source: source.ID, Every: source.Expect})
		}
	}
	return expected, nil
}

// knownAccount takes the account to which charges were posted before, where there is no key to say it: what is posted
// must not be shown as ready.
func (a *app) knownAccount(ctx context.Context, w *warehouse.Warehouse, config *invoice.Config) error {
	accounts, err := ledger.Accounts(ctx, w)
	if err != nil {
		return err
	}
	if named := config.StripeAccount; named != "" {
		accounts = slices.DeleteFunc(accounts, func(account ledger.Account) bool { return account.ID != named })
	}
	switch len(accounts) {
	case 0:
		a.note("no Stripe key: the figures are as they will be posted, the charges' ids and the plan's hash are not")
	case 1:
		config.StripeAccount, config.Livemode = accounts[0].ID, accounts[0].Livemode
		a.note("no Stripe key: shown for %s, livemode %t, as posted before", config.StripeAccount, config.Livemode)
	default:
		return usagef("plan without a Stripe key: charges were posted to %d accounts or modes; set CREDITMILL_STRIPE_KEY "+
			"to say which is meant", len(accounts))
	}
	return nil
}

// stripeClient makes a client with the key of the environment or the config.
func (a *app) stripeClient(live, readOnly bool) (*stripe.Client, error) {
	key, err := a.stripeKey()
	if err != nil {
		return nil, err
	}
	client, err := stripe.New(stripe.Config{
		Key: key, BaseURL: a.config.Stripe.BaseURL, Live: live, ReadOnly: readOnly, Now: a.now, Sleep: sleep, Log: a.log,
		Limits: a.config.Stripe.Limits,
	})
	if err != nil {
		return nil, stripeUsage(err)
	}
	return client, nil
}

// stripeUsage makes a setting that cannot be used a usage error.
func stripeUsage(err error) error {
	if errors.Is(err, stripe.ErrSetting) {
		return &usageError{err: err}
	}
	return err
}

// standIn says whether Stripe is a stand-in on this machine, with a clock of its own.
func (a *app) standIn() bool {
	parsed, err := url.Parse(a.config.Stripe.BaseURL)
	if err != nil {
		return false
	}
	ip := net.ParseIP(parsed.Hostname())
	return parsed.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func sleep(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// newRunID names a run in what it writes.
func newRunID() string {
	var random [10]byte
	if _, err := rand.Read(random[:]); err != nil {
		panic(fmt.Sprintf("read random bytes: %v", err))
	}
	return "run_" + hex.EncodeToString(random[:])
}
