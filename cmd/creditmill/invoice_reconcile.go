package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/reconcile"
	"github.com/creditmill/creditmill/money"
)

// reconcileFlags are those of invoice reconcile.
type reconcileFlags struct {
	asOf                 string
	settle, repair, live bool
}

func newInvoiceReconcileCommand(a *app) *cobra.Command {
	var flags reconcileFlags
	command := &cobra.Command{
		Use:   "reconcile",
		Short: "Compare what was posted with what Stripe holds",
		Long: "reconcile lists all charges here and all items at Stripe and says how they agree: MATCHED, OPEN (the next " +
			"post goes on with it), HELD, MISSING (deleted at Stripe), EXTRA (unknown here), DUPLICATE, AMOUNT_DRIFT, " +
			"STUCK_PENDING (on no invoice for more than a cycle), ON_VOID (its invoice is void or uncollectible), " +
			"REBILLED (it was void and is billed again), STALE_DRAFT (nobody finalized it). It writes nothing. " +
			"The exit code is 3 when something needs a person.\n\n" +
			"--settle writes down on which invoice each item ended and whether it was paid; v_charges shows it. --repair " +
			"deletes surplus items of duplicates while they are on no final invoice, one by one.",
		Example: "  creditmill invoice reconcile\n  creditmill invoice reconcile --settle",
		Args:    cobra.NoArgs,
		RunE:    func(command *cobra.Command, _ []string) error { return a.runInvoiceReconcile(command.Context(), flags) },
	}
	command.Flags().StringVar(&flags.asOf, "as-of", "", "plan as of this time (default now)")
	command.Flags().BoolVar(&flags.settle, "settle", false, "write down which invoice each item is on, and its status")
	command.Flags().BoolVar(&flags.repair, "repair", false, "delete surplus items that are not invoiced yet")
	command.Flags().BoolVar(&flags.live, "live", false, "repair with a live key")
	return command
}

// reconcileResult is the JSON of invoice reconcile. Sums are of the catalog's currency; totals are of all.
type reconcileResult struct {
	Matched      int                          `json:"matched"`
	Open         int                          `json:"open"`
	Missing      int                          `json:"missing"`
	Extra        int                          `json:"extra"`
	Duplicate    int                          `json:"duplicate"`
	Drift        int                          `json:"drift"`
	Held         int                          `json:"held"`
	Stuck        int                          `json:"stuck"`
	OnVoid       int                          `json:"on_void"`
	Rebilled     int                          `json:"rebilled"`
	StaleDraft   int                          `json:"stale_draft"`
	PlannedMinor int64                        `json:"planned_minor"`
	PostedMinor  int64                        `json:"posted_minor"`
	Totals       map[string]reconcile.Balance `json:"totals"`
	Findings     []reconcile.Finding          `json:"findings"`
	Settled      int                          `json:"settled"`
	Repaired     []post.Repaired              `json:"repaired"`
}

func (a *app) runInvoiceReconcile(ctx context.Context, flags reconcileFlags) error {
	asOf, err := a.asOf("as-of", flags.asOf)
	if err != nil {
		return err
	}
	client, err := a.stripeClient(flags.live || !flags.repair, !flags.repair)
	if err != nil {
		return err
	}
	runner, release, err := a.openInvoice(ctx, planning{
		asOf: asOf, client: client, access: access(flags.settle || flags.repair),
	})
	if err != nil {
		return err
	}
	defer release()
	found, err := runner.Reconcile(ctx)
	if err != nil {
		return err
	}
	repaired := []post.Repaired{}
	if flags.repair {
		if repaired, err = runner.Repair(ctx, found); err != nil {
			return err
		}
		if found, err = runner.Reconcile(ctx); err != nil {
			return err
		}
	}
	settled := 0
	if flags.settle {
		if settled, err = runner.Settle(ctx, found.Settlements); err != nil {
			return err
		}
	}
	book, err := a.catalog()
	if err != nil {
		return err
	}
	result := reconcileResultOf(found, book.Currency.Code)
	result.Settled, result.Repaired = settled, repaired
	err = a.print(result, func(w io.Writer) error { return showReconciliation(w, result) })
	if count := found.NeedsPerson(); count > 0 {
		err = errors.Join(err, &partialError{Reason: "left to a person: " + counted(count, "finding")})
	}
	return err
}

func reconcileResultOf(found reconcile.Result, currency string) reconcileResult {
	count := found.Counts
	return reconcileResult{
		Matched: count[reconcile.ClassMatched], Open: count[reconcile.ClassOpen], Missing: count[reconcile.ClassMissing],
		Extra: count[reconcile.ClassExtra], Duplicate: count[reconcile.ClassDuplicate], Drift: count[reconcile.ClassDrift],
		Held: count[reconcile.ClassHeld], Stuck: count[reconcile.ClassStuck], OnVoid: count[reconcile.ClassOnVoid],
		Rebilled: count[reconcile.ClassRebilled], StaleDraft: count[reconcile.ClassStaleDraft],
		PlannedMinor: found.Balances[currency].PlannedMinor,
		PostedMinor:  found.Balances[currency].PostedMinor, Totals: found.Balances, Findings: found.Findings,
	}
}

func showReconciliation(w io.Writer, result reconcileResult) error {
	if len(result.Findings) > 0 {
		shown := newTable(w, "class", "charge", "customer", "planned", "at stripe", "stripe", "detail")
		rightAlign(shown, 4, 5)
		for _, finding := range result.Findings {
			currency := money.Displayed(finding.Currency)
			shown.AppendRow([]any{
				finding.Class, finding.ChargeID, finding.CustomerID, currency.Format(finding.PlannedMinor),
				currency.Format(finding.PostedMinor), strings.Join(finding.StripeIDs, " "), finding.Detail,
			})
		}
		shown.Render()
		fmt.Fprintln(w)
	}
	for _, repaired := range result.Repaired {
		did := "not deleted: " + repaired.Detail
		if repaired.Deleted {
			did = "deleted"
		}
		fmt.Fprintf(w, "surplus item %s of charge %s: %s\n", repaired.StripeID, repaired.ChargeID, did)
	}
	for _, code := range slices.Sorted(maps.Keys(result.Totals)) {
		currency := money.Displayed(code)
		sum := result.Totals[code]
		byHand := ""
		if sum.ManualMinor != 0 {
			byHand = " + " + currency.Format(sum.ManualMinor) + " settled by hand"
		}
		fmt.Fprintf(w, "%s: %s planned = %s posted%s + %s open + %s held; Stripe holds %s\n", code,
			currency.Format(sum.PlannedMinor), currency.Format(sum.AckedMinor-sum.ManualMinor), byHand,
			currency.Format(sum.OpenMinor),
			currency.Format(sum.HeldMinor), currency.Format(sum.PostedMinor))
	}
	_, err := fmt.Fprintf(w, "%d matched, %d open, %d held, %s noted\n", result.Matched, result.Open,
		result.Held, counted(result.Settled, "settlement"))
	return err
}

// noteSettlements is reconcile --settle without its report.
func (a *app) noteSettlements(ctx context.Context, live bool) error {
	client, err := a.stripeClient(live, true)
	if err != nil {
		return err
	}
	runner, release, err := a.openInvoice(ctx, planning{asOf: a.now().UTC(), client: client, access: writing})
	if err != nil {
		return err
	}
	defer release()
	found, err := runner.Reconcile(ctx)
	if err != nil {
		return err
	}
	_, err = runner.Settle(ctx, found.Settlements)
	return err
}
