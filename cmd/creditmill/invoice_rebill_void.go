package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/money"
)

// rebillVoidResult is the JSON of invoice rebill with a charge.
type rebillVoidResult struct {
	ChargeIDs []string `json:"charge_ids"`
	InvoiceID string   `json:"invoice_id"`
	Undone    bool     `json:"undone"`
	Reason    string   `json:"reason"`
	By        string   `json:"by"`
	// Charges are those that bill them again, and wait for a release.
	Charges []plan.Charge `json:"charges"`
}

func (a *app) runRebillVoid(ctx context.Context, chargeID string, flags rebillFlags) error {
	if !strings.HasPrefix(chargeID, plan.ChargePrefix) {
		return usagef("rebill %s: give a customer and a period, or the id of a charge (%s…)", chargeID, plan.ChargePrefix)
	}
	consent, err := flags.consent("rebill", chargeID)
	if err != nil {
		return err
	}
	asOf, err := a.asOf("as-of", flags.asOf)
	if err != nil {
		return err
	}
	client, err := a.stripeClient(true, true)
	if err != nil {
		return err
	}
	runner, release, err := a.openInvoice(ctx, planning{asOf: asOf, client: client, access: writing})
	if err != nil {
		return err
	}
	defer release()
	done, err := runner.RebillVoid(ctx, consent, flags.undo)
	if errors.Is(err, post.ErrNotVoid) {
		return &usageError{err: err}
	}
	if err != nil {
		return err
	}
	result := rebillVoidResult{
		ChargeIDs: []string{}, InvoiceID: done.Invoice, Undone: flags.undo, Reason: consent.Reason, By: consent.By,
		Charges: append([]plan.Charge{}, done.Again...),
	}
	for _, charge := range done.Charges {
		result.ChargeIDs = append(result.ChargeIDs, charge.ID)
	}
	return a.print(result, func(w io.Writer) error { return printRebillVoid(w, result) })
}

func printRebillVoid(w io.Writer, result rebillVoidResult) error {
	done := "is billed again"
	if result.Undone {
		done = "is not billed again"
	}
	_, err := writef(w, "%s of void invoice %s %s, says %s: %s\n", strings.Join(result.ChargeIDs, ", "), result.InvoiceID,
		done, result.By, result.Reason)
	if err == nil && len(result.Charges) == 0 && !result.Undone {
		_, err = fmt.Fprintln(w, "by its own terms the period comes to nothing now: there is nothing to bill")
	}
	for _, charge := range result.Charges {
		if err == nil {
			_, err = writef(w, "%s %s: %s\n%s\n", charge.Status, charge.ID,
				money.Displayed(charge.Currency).Format(charge.AmountMinor), charge.HoldReason)
		}
	}
	return err
}
