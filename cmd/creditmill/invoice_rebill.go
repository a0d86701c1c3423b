package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/money"
)

// rebillFlags are those of invoice rebill.
type rebillFlags struct {
	asOf string
	undo bool
	consentFlags
}

func newInvoiceRebillCommand(a *app) *cobra.Command {
	var flags rebillFlags
	command := &cobra.Command{
		Use:   "rebill {CUSTOMER PERIOD | CHARGE} --reason TEXT",
		Short: "Bill a closed period again by today's catalog, or a charge whose invoice is void",
		Long: "rebill is the only way in which anything but usage changes a period that was billed: it prices the period " +
			"again by the catalog, the product and the grants of today, within the bounds it has. The difference to what was " +
			"charged is in the next preview, as an adjustment that is held until `creditmill invoice release` lets it go; " +
			"posting it closes the period with the new terms. Who, when and why is written down. PERIOD is a month, in which " +
			"the period begins, or a date or time inside it.\n\n" +
			"With a charge it bills what is on an invoice that finance voided at Stripe: the charge counts as charged no " +
			"more, and what its period lacks by its own terms is in the next preview, held until it is released. It asks " +
			"Stripe, and refuses where an item of the charge is pending, or on an invoice that is not void. --undo takes " +
			"that back while nothing bills it again.",
		Example: "  creditmill invoice rebill acme 2026-10 --reason \"the allowance was wrong\"\n" +
			"  creditmill invoice rebill acme 2026-10 --undo --reason \"not agreed\"\n" +
			"  creditmill invoice rebill oc_vjcmhmemah2a7kdvu73v7pyaha --reason \"sent to the wrong address\"",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.runRebillVoid(command.Context(), args[0], flags)
			}
			return a.runInvoiceRebill(command.Context(), args[0], args[1], flags)
		},
	}
	command.Flags().StringVar(&flags.asOf, "as-of", "", "show the difference as planned as of this time (default now)")
	command.Flags().BoolVar(&flags.undo, "undo", false,
		"take back what was asked for the period or charge and is not posted yet")
	flags.add(command)
	return command
}

// rebillResult is the JSON of invoice rebill.
type rebillResult struct {
	RebillID    string    `json:"rebill_id"`
	CustomerID  string    `json:"customer_id"`
	PeriodStart time.Time `json:"period_start"`
	PeriodEnd   time.Time `json:"period_end"`
	Undone      bool      `json:"undone"`
	Reason      string    `json:"reason"`
	By          string    `json:"by"`
	// Charges are the differences that wait for a release; none where the period comes to the same.
	Charges []plan.Charge `json:"charges"`
}

func (a *app) runInvoiceRebill(ctx context.Context, customerID, period string, flags rebillFlags) error {
	if strings.TrimSpace(flags.reason) == "" {
		return usagef("rebill %s %s: give --reason, which is recorded", customerID, period)
	}
	consent, err := flags.consent("rebill", "")
	if err != nil {
		return err
	}
	asked := invoice.Rebilling{
		CustomerID: customerID, Reason: consent.Reason, By: consent.By, Undo: flags.undo,
	}
	if asked.Period, err = a.parsePeriod(period); err != nil {
		return err
	}
	asOf, err := a.asOf("as-of", flags.asOf)
	if err != nil {
		return err
	}
	client, err := a.previewClient()
	if err != nil {
		return err
	}
	runner, release, err := a.openInvoice(ctx, planning{asOf: asOf, client: client, access: writing})
	if err != nil {
		return err
	}
	defer release()
	rebill, err := runner.Rebill(ctx, asked)
	if errors.Is(err, plan.ErrNotClosed) {
		return &usageError{err: err}
	}
	if err != nil {
		return err
	}
	planned, err := runner.Plan(ctx)
	if err != nil {
		return err
	}
	result := rebillResult{
		RebillID: rebill.ID, CustomerID: customerID, PeriodStart: rebill.Period.Start, PeriodEnd: rebill.Period.End,
		Undone: rebill.Undone, Reason: rebill.Reason, By: rebill.By, Charges: planned.Differences(rebill),
	}
	return a.print(result, func(w io.Writer) error { return printRebill(w, result) })
}

func printRebill(w io.Writer, result rebillResult) error {
	done := "is billed again"
	if result.Undone {
		done = "stays as it was billed"
	}
	_, err := writef(w, "the period of %s from %s to %s %s, says %s: %s\n", result.CustomerID,
		result.PeriodStart.Format(time.RFC3339), result.PeriodEnd.Format(time.RFC3339), done, result.By, result.Reason)
	if err == nil && len(result.Charges) == 0 && !result.Undone {
		_, err = fmt.Fprintln(w, "it comes to the same; the next `creditmill invoice post` closes it with the terms of today")
	}
	for _, charge := range result.Charges {
		if err == nil {
			_, err = writef(w, "%s %s: %s\n%s\n", charge.Status, charge.ID,
				money.Displayed(charge.Currency).Format(charge.AmountMinor), charge.HoldReason)
		}
	}
	return err
}
