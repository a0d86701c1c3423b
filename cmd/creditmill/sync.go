package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/sync"
	"github.com/creditmill/creditmill/warehouse"
)

func newSyncCommand(a *app) *cobra.Command {
	var yes bool
	command := &cobra.Command{
		Use:   "sync",
		Short: "Take customers and subscriptions from Stripe",
		Long: "sync reads all customers and subscriptions from Stripe, shows what differs here, and after consent stores " +
			"it: who has which product since when, when it ends, and Stripe's ids. A completed Checkout takes effect at its " +
			"real start. A subscription belongs to the customer that its metadata creditmill_customer names, else the one " +
			"whose Stripe id is known, else the one who asked for the Checkout link; its product is the one whose " +
			"stripe_price it holds. Stripe's trial and its number of seats hold. Where things were changed in two places, the " +
			"newest state of Stripe holds from now on and the past stays. Nothing is written to Stripe. What needs a person " +
			"is listed and left as it is; the exit code is then 3.",
		Example: "  creditmill sync            # show what differs, ask, store\n  creditmill sync --yes",
		Args:    cobra.NoArgs,
		RunE:    func(command *cobra.Command, _ []string) error { return a.runSync(command.Context(), yes) },
	}
	command.Flags().BoolVar(&yes, "yes", false, "store without asking")
	return command
}

// syncResult is the JSON of sync.
type syncResult struct {
	sync.Plan
	// Warnings are closed periods in which the changes begin, which stay as they were billed.
	Warnings []string `json:"warnings"`
	// Applied says that the changes are stored.
	Applied bool `json:"applied"`
}

func (a *app) runSync(ctx context.Context, yes bool) error {
	book, err := a.catalog()
	if err != nil {
		return err
	}
	client, err := a.stripeClient(true, true)
	if err != nil {
		return err
	}
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	state, err := sync.ReadState(ctx, client, sync.Prices(book))
	if err != nil {
		return err
	}
	in := sync.Inputs{
		Stripe: state, Catalog: book, Now: a.now(), Cutoff: a.config.Invoice.Timing == timingCutoff,
	}
	plan, stored, err := planSync(ctx, w, in)
	if err != nil {
		return err
	}
	warnings, err := a.backdated(ctx, w, stored, plan.After(stored))
	if err != nil {
		return err
	}
	refused := error(nil)
	if len(plan.Changes) > 0 && !yes {
		refused = a.askToSync(ctx, plan, warnings)
	}
	applied := false
	if len(plan.Changes) > 0 && refused == nil {
		if err := a.applySync(ctx, w, in, plan); err != nil {
			return err
		}
		applied = true
	} else if plan.Seen() {
		if err := a.storeSeen(ctx, w, plan); err != nil {
			return err
		}
	}
	result := syncResult{Plan: plan, Warnings: warnings, Applied: applied}
	err = a.print(result, func(out io.Writer) error { return showSync(out, result) })
	if err == nil && len(plan.Problems) > 0 {
		err = &partialError{Reason: "left to a person: " +
			counted(len(plan.Problems), "problem") + "; the rest is in order"}
	}
	return errors.Join(refused, err)
}

// planSync compares Stripe with what is stored, and returns that, too.
func planSync(
	ctx context.Context, w *warehouse.Warehouse, in sync.Inputs,
) (plan sync.Plan, stored []subscription.Subscription, err error) {
	if in.Stored, err = subscription.All(ctx, w); err != nil {
		return sync.Plan{}, nil, err
	}
	if in.StripeCustomers, err = subscription.StripeCustomers(ctx, w); err != nil {
		return sync.Plan{}, nil, err
	}
	if in.States, err = subscription.StripeStates(ctx, w); err != nil {
		return sync.Plan{}, nil, err
	}
	return sync.Compare(in), in.Stored, nil
}

// applySync stores what was shown, or nothing where it is no longer what differs.
func (a *app) applySync(
	ctx context.Context, w *warehouse.Warehouse, in sync.Inputs, shown sync.Plan,
) error {
	release, err := a.lockWriter(ctx, w)
	if err != nil {
		return err
	}
	defer release()
	plan, _, err := planSync(ctx, w, in)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(plan, shown) {
		return errors.New("sync: customers or subscriptions were changed here in the meantime; run it again")
	}
	return subscription.StoreSync(ctx, w, plan.Sync(), a.now())
}

// storeSeen stores what Stripe was seen to hold, which nobody is asked about.
func (a *app) storeSeen(ctx context.Context, w *warehouse.Warehouse, plan sync.Plan) error {
	release, err := a.lockWriter(ctx, w)
	if err != nil {
		return err
	}
	defer release()
	return subscription.StoreStripeStates(ctx, w, plan.Sync().States, a.now())
}

// askToSync shows the differences and asks on the terminal; without one it refuses.
func (a *app) askToSync(ctx context.Context, plan sync.Plan, warnings []string) error {
	if !a.canAsk() {
		return &partialError{Reason: counted(len(plan.Changes), "change") +
			" not stored: there is no terminal to confirm on; pass --yes"}
	}
	if err := showSync(a.stderr, syncResult{Plan: plan, Warnings: warnings}); err != nil {
		return fmt.Errorf("show changes: %w", err)
	}
	return a.consent(ctx, "store "+counted(len(plan.Changes), "change")+"?", "nothing was stored")
}

func showSync(w io.Writer, result syncResult) error {
	if len(result.Changes) > 0 {
		shown := newTable(w, "change", "customer", "product", "from", "until", "stripe", "why")
		for _, change := range result.Changes {
			stripeID := change.StripeSubscription
			if stripeID == "" {
				stripeID = change.StripeCustomer
			}
			shown.AppendRow([]any{
				change.Action, change.CustomerID, change.Product, orBlank(change.StartsAt), orBlank(change.EndsAt), stripeID,
				change.Why,
			})
		}
		shown.Render()
		fmt.Fprintln(w)
	}
	for _, problem := range result.Problems {
		sayf(w, "needs a person: %s\n", problem)
	}
	for _, note := range result.Notes {
		sayf(w, "note: %s\n", note)
	}
	did := "nothing differs"
	switch {
	case result.Applied:
		did = counted(len(result.Changes), "change") + " stored"
	case len(result.Changes) > 0:
		did = counted(len(result.Changes), "change") + ", none stored"
	}
	_, err := fmt.Fprintf(w, "%s; Stripe has %s to products of the catalog, %s\n", did,
		counted(result.Subscriptions, "subscription"), counted(result.Others, "other"))
	return err
}
