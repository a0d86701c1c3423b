package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/money"
)

func newInvoiceResolveCommand(a *app) *cobra.Command {
	var flags consentFlags
	command := &cobra.Command{
		Use:   "resolve CHARGE --reason TEXT",
		Short: "Note that a person settled a charge that will not be posted",
		Long: "resolve closes a charge that Stripe refused permanently, that the preview holds, or that is open with " +
			"nothing of it at Stripe, once a person has billed it by hand or waived it: it is never posted, and its " +
			"period counts as charged. Who, when and why is recorded. It refuses a charge that Stripe may still get.",
		Example: "  creditmill invoice resolve oc_vjcmhmemah2a7kdvu73v7pyaha --reason \"billed by invoice 2026-117\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runInvoiceResolve(command.Context(), args[0], flags)
		},
	}
	flags.add(command)
	return command
}

// resolveResult is the JSON of invoice resolve.
type resolveResult struct {
	ChargeID    string `json:"charge_id"`
	CustomerID  string `json:"customer_id"`
	AmountMinor int64  `json:"amount_minor"`
	Currency    string `json:"currency"`
	Reason      string `json:"reason"`
	By          string `json:"by"`
}

func (a *app) runInvoiceResolve(ctx context.Context, chargeID string, flags consentFlags) error {
	consent, err := flags.consent("resolve charge", chargeID)
	if err != nil {
		return err
	}
	client, err := a.previewClient()
	if err != nil {
		return err
	}
	runner, release, err := a.openInvoice(ctx, planning{asOf: a.now(), client: client, access: writing})
	if err != nil {
		return err
	}
	defer release()
	charge, err := runner.Resolve(ctx, consent)
	if errors.Is(err, post.ErrNotResolvable) {
		return &usageError{err: err}
	}
	if err != nil {
		return err
	}
	result := resolveResult{
		ChargeID: chargeID, CustomerID: charge.CustomerID, AmountMinor: charge.AmountMinor, Currency: charge.Currency,
		Reason: consent.Reason, By: consent.By,
	}
	return a.print(result, func(w io.Writer) error {
		currency := money.Displayed(result.Currency)
		_, err = writef(w, "charge %s of %s, %s, is settled by hand, says %s: %s\n", chargeID, result.CustomerID,
			currency.Format(result.AmountMinor), result.By, result.Reason)
		return err
	})
}
