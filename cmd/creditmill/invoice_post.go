package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/money"
)

// postFlags are those of invoice post.
type postFlags struct {
	asOf, plan            string
	yes, live, acceptGaps bool
	reason, by            string
}

func newInvoicePostCommand(a *app) *cobra.Command {
	var flags postFlags
	command := &cobra.Command{
		Use:   "post",
		Short: "Post the overage of ended periods to Stripe, each charge once",
		Long: "post freezes what preview shows as ready and puts each charge on the invoice by which Stripe renews its " +
			"customer's subscription, on the next one where that is final, or on one of its own where there is no " +
			"subscription. It can be killed and run again at any point: a charge that Stripe has is found, not posted twice. " +
			"Charges that are held or stay open do not stop the others; the exit code is then 3.",
		Example: "  creditmill invoice post --plan SHA     # exactly what was previewed\n" +
			"  creditmill invoice post --yes          # everything that is ready now",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return a.runInvoicePost(command.Context(), flags) },
	}
	command.Flags().StringVar(&flags.asOf, "as-of", "", "charge periods that ended by this time (default now)")
	command.Flags().StringVar(&flags.plan, "plan", "", "post exactly the plan of this hash, or nothing")
	command.Flags().BoolVar(&flags.yes, "yes", false, "post without asking")
	command.Flags().BoolVar(&flags.live, "live", false, "post with a live key: customers are charged")
	command.Flags().BoolVar(&flags.acceptGaps, "accept-gaps", false, acceptGapsHelp)
	command.Flags().StringVar(&flags.reason, "reason", "", "why; recorded in v_audit for each charge")
	command.Flags().StringVar(&flags.by, "by", "", "who (default: the system's user)")
	return command
}

const acceptGapsHelp = "charge periods although a file, or usage that is expected or reported, is missing"

func (a *app) runInvoicePost(ctx context.Context, flags postFlags) error {
	asOf, err := a.postAsOf(flags.asOf)
	if err != nil {
		return err
	}
	client, err := a.stripeClient(flags.live, false)
	if err != nil {
		return err
	}
	runner, release, err := a.openInvoice(ctx, planning{
		asOf: asOf, client: client, access: writing, acceptGaps: flags.acceptGaps,
	})
	if err != nil {
		return err
	}
	defer release()
	if flags.plan == "" {
		if err := runner.LookAgain(ctx); err != nil {
			return err
		}
	}
	planned, err := runner.Plan(ctx)
	if err != nil {
		return err
	}
	if flags.plan != "" {
		if planned, err = planned.Narrow(flags.plan); err != nil {
			return err
		}
	}
	if planned.Count(plan.StatusReady) > 0 && !flags.yes && flags.plan == "" {
		if err := a.askToPost(ctx, planned, client, runner.Account()); err != nil {
			return err
		}
	}
	restored, err := a.noteWait(ctx, runner)
	if err != nil {
		return err
	}
	if err := flags.note(ctx, runner, planned); err != nil {
		return err
	}
	reports, err := runner.Post(ctx, planned)
	a.reports = reports
	if restored {
		a.noteAdopted(reports)
	}
	if reports != nil {
		printed := a.print(reports, func(w io.Writer) error {
			printNotes(w, planned)
			return printReports(w, reports)
		})
		err = errors.Join(err, printed)
	}
	return errors.Join(err, leftOver(reports))
}

// note writes down who posts and why, where one of them is said.
func (f postFlags) note(ctx context.Context, runner *invoice.Runner, planned plan.Plan) error {
	if f.reason == "" && f.by == "" {
		return nil
	}
	by := invoice.Release{Reason: f.reason, By: f.by}
	if f.by == "" {
		consent := consentFlags{reason: f.reason}
		var err error
		if by, err = consent.consent("post", ""); err != nil {
			return err
		}
	}
	return runner.NotePost(ctx, planned, by)
}

// postAsOf refuses a time to come: usage of a period that goes on would be charged as if it were all.
func (a *app) postAsOf(text string) (time.Time, error) {
	asOf, err := a.asOf("as-of", text)
	if err != nil {
		return time.Time{}, err
	}
	if asOf.After(a.now()) && !a.standIn() {
		return time.Time{}, usagef("post as of %s: that is in the future; only periods that have ended are charged",
			asOf.Format(time.RFC3339))
	}
	return asOf, nil
}

// askToPost shows the plan and asks on the terminal; without one it refuses.
func (a *app) askToPost(ctx context.Context, planned plan.Plan, client *stripe.Client, account string) error {
	if !a.canAsk() {
		return usagef("post %s: there is no terminal to confirm on; pass --plan %s to post exactly this plan, or --yes",
			counted(planned.Count(plan.StatusReady), "charge"), planned.SHA)
	}
	if err := printPlan(a.stderr, planned); err != nil {
		return fmt.Errorf("show plan: %w", err)
	}
	mode := "test mode"
	if client.Livemode {
		mode = "live mode: customers are charged"
	}
	question := fmt.Sprintf("post %s, %s, to the Stripe account %s (%s)?",
		counted(planned.Count(plan.StatusReady), "charge"), readyAmounts(planned), account, mode)
	return a.consent(ctx, question, "nothing was posted")
}

// readyAmounts is what a plan would post, in each currency.
func readyAmounts(planned plan.Plan) string {
	totals := planned.Totals()
	var amounts []string
	for _, code := range slices.Sorted(maps.Keys(totals)) {
		if currency, err := money.LookupCurrency(code); err == nil && totals[code].ReadyMinor != 0 {
			amounts = append(amounts, currency.Format(totals[code].ReadyMinor)+" "+strings.ToUpper(code))
		}
	}
	return strings.Join(amounts, " and ")
}

// leftOver says that charges were held or stay open.
func leftOver(reports []post.Report) error {
	held, open := 0, 0
	for _, report := range reports {
		switch report.Status {
		case plan.StatusHeld:
			held++
		case plan.StatusOpen:
			open++
		}
	}
	if held == 0 && open == 0 {
		return nil
	}
	var left []string
	if held > 0 {
		left = append(left, counted(held, "charge")+" held")
	}
	if open > 0 {
		left = append(left, counted(open, "charge")+" open, which is not lost: post again to go on with it")
	}
	return &partialError{Open: open > 0, Reason: strings.Join(left, "; ")}
}

func printReports(w io.Writer, reports []post.Report) error {
	if len(reports) == 0 {
		_, err := fmt.Fprintln(w, "nothing to charge: no period that ended has overage")
		return err
	}
	shown := newTable(w, "charge", "customer", "status", "stripe", "amount")
	rightAlign(shown, 5)
	for _, report := range reports {
		currency := money.Displayed(report.Currency)
		shown.AppendRow([]any{
			report.ChargeID, report.CustomerID, report.Status, report.StripeID, currency.Format(report.AmountMinor),
		})
	}
	shown.Render()
	fmt.Fprintln(w)
	reasons := false
	for _, report := range reports {
		if report.Reason != "" {
			sayf(w, "%s %s of %s: %s\n", report.Status, report.ChargeID, report.CustomerID, report.Reason)
			reasons = true
		}
	}
	if reasons {
		fmt.Fprintln(w)
	}
	return printReportTotals(w, reports)
}

// printReportTotals says for each currency what became of the charges, leaving out what none of any currency became.
func printReportTotals(w io.Writer, reports []post.Report) error {
	sums := map[string]map[string]int64{}
	seen := map[string]bool{}
	for _, report := range reports {
		if sums[report.Currency] == nil {
			sums[report.Currency] = map[string]int64{}
		}
		sums[report.Currency][report.Status] += report.AmountMinor
		seen[report.Status] = true
	}
	for _, code := range slices.Sorted(maps.Keys(sums)) {
		currency := money.Displayed(code)
		var parts []string
		for _, of := range []struct{ status, name string }{
			{plan.StatusPosted, "posted"},
			{plan.StatusAlreadyPosted, "posted before"},
			{plan.StatusHeld, "held"},
			{plan.StatusOpen, "open"},
		} {
			if seen[of.status] {
				parts = append(parts, currency.Format(sums[code][of.status])+" "+of.name)
			}
		}
		if _, err := fmt.Fprintf(w, "total %s: %s\n", code, strings.Join(parts, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// invoiceJob is invoice post as the cron runs it: whatever is ready now. Then it notes what became of earlier charges.
func (a *app) invoiceJob(ctx context.Context, live bool) error {
	if err := a.mayPostByItself(ctx); err != nil {
		return err
	}
	return errors.Join(a.runInvoicePost(ctx, postFlags{yes: true, live: live}), a.noteSettlements(ctx, live))
}
