package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/money"
)

const (
	approvalNone     = "none"
	approvalRequired = "required"
)

func newInvoiceApproveCommand(a *app) *cobra.Command {
	var flags releaseFlags
	command := &cobra.Command{
		Use:   "approve PLAN_SHA|CHARGE --reason TEXT",
		Short: "Agree to a plan, or to one charge, before it is posted",
		Long: "approve agrees to the ready charges of the plan that was previewed, each for its amount, or to one " +
			"charge. With invoice.approval: required nothing is posted without, by hand, by the schedule or by a " +
			"webhook. Whoever released a charge cannot approve it: that takes a second person. What grows or " +
			"shrinks afterwards, or has another Stripe customer, must be approved again. With --amount a charge is refused " +
			"that does not come to that any more. Who, when and why is written down (v_audit); on the command " +
			"line the person is claimed, not proved.",
		Example: "  creditmill invoice approve c844341b5edf --reason \"checked against the contracts\"\n" +
			"  creditmill invoice approve oc_vjcmhmemah2a7kdvu73v7pyaha --amount 120.00 --reason \"agreed by mail\" --by anna",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runInvoiceApprove(command.Context(), args[0], flags)
		},
	}
	command.Flags().StringVar(&flags.asOf, "as-of", "", "the plan as of this time (default now)")
	flags.add(command)
	flags.seen.add(command)
	return command
}

// approveResult is the JSON of invoice approve.
type approveResult struct {
	PlanSHA  string   `json:"plan_sha"`
	Approved []string `json:"approved"`
	// Left are charges that the approver released.
	Left   []string `json:"left"`
	Reason string   `json:"reason"`
	By     string   `json:"by"`
}

func (a *app) runInvoiceApprove(ctx context.Context, what string, flags releaseFlags) error {
	consent, err := flags.decision("approve", what)
	if err != nil {
		return err
	}
	runner, planned, release, err := a.planToDecide(ctx, flags.asOf)
	if err != nil {
		return err
	}
	defer release()
	done, err := runner.Approve(ctx, planned, what, consent)
	if err != nil {
		return decided(err)
	}
	result := approveResult{
		PlanSHA: done.PlanSHA, Approved: idsOf(done.Charges), Left: idsOf(done.Left), Reason: consent.Reason, By: consent.By,
	}
	err = a.print(result, func(w io.Writer) error {
		_, err := writef(w, "%s approved by %s\n", counted(len(done.Charges), "charge"), consent.By)
		for _, charge := range done.Left {
			if err == nil {
				_, err = writef(w, "not approved: %s of %s, which %s released; somebody else must approve it\n", charge.ID,
					charge.CustomerID, consent.By)
			}
		}
		return err
	})
	if err == nil && len(done.Left) > 0 {
		err = &partialError{Reason: counted(len(done.Left), "charge") + " not approved"}
	}
	return err
}

func idsOf(charges []plan.Charge) []string {
	ids := []string{}
	for _, charge := range charges {
		ids = append(ids, charge.ID)
	}
	return ids
}

func newInvoiceHoldCommand(a *app) *cobra.Command {
	var flags releaseFlags
	command := &cobra.Command{
		Use:   "hold CHARGE --reason TEXT",
		Short: "Keep a charge back until it is released",
		Long: "hold keeps a charge that is not posted from being posted, whatever it comes to, until `creditmill invoice " +
			"release` lets it go. Its period stays open meanwhile. Who, when and why is written down.",
		Example: "  creditmill invoice hold oc_vjcmhmemah2a7kdvu73v7pyaha --reason \"the customer disputes it\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runInvoiceDecision(command.Context(), args[0], flags, "hold charge", (*invoice.Runner).Hold)
		},
	}
	command.Flags().StringVar(&flags.asOf, "as-of", "", "the charge as it is planned as of this time (default now)")
	flags.add(command)
	return command
}

// decisionResult is the JSON of invoice hold and of release --undo.
type decisionResult struct {
	ChargeID    string `json:"charge_id"`
	CustomerID  string `json:"customer_id"`
	AmountMinor int64  `json:"amount_minor"`
	Currency    string `json:"currency"`
	Reason      string `json:"reason"`
	By          string `json:"by"`
}

// runInvoiceDecision writes down what keeps a charge back.
func (a *app) runInvoiceDecision(ctx context.Context, chargeID string, flags releaseFlags, action string,
	decide func(*invoice.Runner, context.Context, plan.Plan, invoice.Release) (plan.Charge, error),
) error {
	consent, err := flags.decision(action, chargeID)
	if err != nil {
		return err
	}
	runner, planned, release, err := a.planToDecide(ctx, flags.asOf)
	if err != nil {
		return err
	}
	defer release()
	charge, err := decide(runner, ctx, planned, consent)
	if err != nil {
		return decided(err)
	}
	result := decisionResult{
		ChargeID: charge.ID, CustomerID: charge.CustomerID, AmountMinor: charge.AmountMinor, Currency: charge.Currency,
		Reason: consent.Reason, By: consent.By,
	}
	return a.print(result, func(w io.Writer) error {
		_, err := writef(w, "%s %s of %s, %s, by %s: %s\n", strings.TrimSuffix(action, " charge"), charge.ID,
			charge.CustomerID, money.Displayed(charge.Currency).Format(charge.AmountMinor), consent.By, consent.Reason)
		return err
	})
}

// planToDecide makes the plan that a person decides about, under the writer lock.
func (a *app) planToDecide(
	ctx context.Context, asOfText string) (runner *invoice.Runner, planned plan.Plan, release func(), err error,
) {
	asOf, err := a.asOf("as-of", asOfText)
	if err != nil {
		return nil, plan.Plan{}, nil, err
	}
	client, err := a.previewClient()
	if err != nil {
		return nil, plan.Plan{}, nil, err
	}
	if runner, release, err = a.openInvoice(ctx, planning{asOf: asOf, client: client, access: writing}); err != nil {
		return nil, plan.Plan{}, nil, err
	}
	if planned, err = runner.Plan(ctx); err != nil {
		release()
		return nil, plan.Plan{}, nil, err
	}
	return runner, planned, release, nil
}

// decided makes what cannot be decided a usage error.
func decided(err error) error {
	if errors.Is(err, invoice.ErrNotReleasable) || errors.Is(err, plan.ErrChanged) ||
		errors.Is(err, invoice.ErrNotAsSeen) {
		return &usageError{err: err}
	}
	return err
}

// noteApprovals says how many ready charges wait for an approval.
func (a *app) noteApprovals(ctx context.Context, runner *invoice.Runner, planned plan.Plan) error {
	waiting, err := runner.Unapproved(ctx, planned)
	if err != nil {
		return fmt.Errorf("look for approvals: %w", err)
	}
	if waiting > 0 {
		a.note("%s without an approval: creditmill invoice approve %s --reason …", counted(waiting, "ready charge"),
			planned.SHA)
	}
	return nil
}
