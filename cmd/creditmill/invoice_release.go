package main

import (
	"context"
	"fmt"
	"io"
	"os/user"
	"strings"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice"
	"github.com/creditmill/creditmill/money"
)

// consentFlags say who agrees to something, and why.
type consentFlags struct{ reason, by string }

func (f *consentFlags) add(command *cobra.Command) {
	command.Flags().StringVar(&f.reason, "reason", "", "why; required")
	command.Flags().StringVar(&f.by, "by", "", "who (default: the system's user)")
}

// consent is the flags' for a charge or a load. Without a reason, or where nobody is known to agree, it is a usage
// error.
func (f *consentFlags) consent(action, id string) (invoice.Release, error) {
	what := strings.TrimSpace(action + " " + id)
	if strings.TrimSpace(f.reason) == "" {
		return invoice.Release{}, usagef("%s: give --reason, which is recorded", what)
	}
	if f.by == "" {
		current, err := user.Current()
		if err != nil {
			return invoice.Release{}, usagef("%s: the system does not tell who you are (%w); give --by", what, err)
		}
		f.by = current.Username
	}
	return invoice.Release{ChargeID: id, Reason: f.reason, By: f.by}, nil
}

// releaseFlags are those of invoice release.
type releaseFlags struct {
	asOf string
	consentFlags
	seen seenFlags
}

// seenFlags are what somebody saw of the charge that is decided about.
type seenFlags struct {
	amount, stripeCustomer string
	amountMinor            int64
	hasMinor               func() bool
}

func (f *seenFlags) add(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&f.amount, "amount", "", "only if the charge comes to this, such as 120.00")
	flags.Int64Var(&f.amountMinor, "amount-minor", 0, "the same in minor units, as in JSON")
	flags.StringVar(&f.stripeCustomer, "stripe-customer", "", "only if it is for this Stripe customer")
	command.MarkFlagsMutuallyExclusive("amount", "amount-minor")
	f.hasMinor = func() bool { return flags.Changed("amount-minor") }
}

// given are the flags; it is a usage error where the amount is none.
func (f *seenFlags) given() (invoice.Seen, error) {
	seen := invoice.Seen{StripeCustomer: f.stripeCustomer}
	if f.hasMinor() {
		seen.AmountMinor = &f.amountMinor
	}
	if f.amount == "" {
		return seen, nil
	}
	amount, err := decimal.NewFromString(f.amount)
	if err != nil {
		return invoice.Seen{}, usagef("--amount %q: want an amount like 120.00", f.amount)
	}
	seen.Amount = &amount
	return seen, nil
}

// decision is who decides about a charge, why, and what was seen of it.
func (f *releaseFlags) decision(action, id string) (invoice.Release, error) {
	consent, err := f.consent(action, id)
	if err != nil || f.seen.hasMinor == nil {
		return consent, err
	}
	consent.Seen, err = f.seen.given()
	return consent, err
}

func newInvoiceReleaseCommand(a *app) *cobra.Command {
	var flags releaseFlags
	var undo bool
	command := &cobra.Command{
		Use:   "release CHARGE --reason TEXT",
		Short: "Let a charge be posted that is held for its amount, or by a person",
		Long: "release ends the hold of a charge above max_charge, of one whose period used far more than is usual, " +
			"or of a credit, for the amount that it has now: should it grow, it is held again; and that of " +
			"`creditmill invoice hold`. --undo takes releases back, as long as the charge is not posted. Who, when " +
			"and why is written down. With --amount it is refused where the charge does not come to that any more. A " +
			"missing Stripe customer, unrated usage or missing files must be fixed, not released.",
		Example: "  creditmill invoice release oc_vjcmhmemah2a7kdvu73v7pyaha --reason \"agreed with the customer\"\n" +
			"  creditmill invoice release oc_vjcmhmemah2a7kdvu73v7pyaha --amount 120.00 --reason \"agreed by mail\"\n" +
			"  creditmill invoice release oc_vjcmhmemah2a7kdvu73v7pyaha --undo --reason \"not agreed after all\"",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if undo {
				return a.runInvoiceDecision(command.Context(), args[0], flags, "undo release of charge",
					(*invoice.Runner).UndoRelease)
			}
			return a.runInvoiceRelease(command.Context(), args[0], flags)
		},
	}
	command.Flags().StringVar(&flags.asOf, "as-of", "", "the charge as it is planned as of this time (default now)")
	command.Flags().BoolVar(&undo, "undo", false, "take releases of the charge back")
	flags.add(command)
	flags.seen.add(command)
	return command
}

// releaseResult is the JSON of invoice release.
type releaseResult struct {
	ChargeID    string   `json:"charge_id"`
	CustomerID  string   `json:"customer_id"`
	AmountMinor int64    `json:"amount_minor"`
	Currency    string   `json:"currency"`
	Released    []string `json:"released"`
	Left        []string `json:"left"`
	Reason      string   `json:"reason"`
	By          string   `json:"by"`
}

func (a *app) runInvoiceRelease(ctx context.Context, chargeID string, flags releaseFlags) error {
	consent, err := flags.decision("release charge", chargeID)
	if err != nil {
		return err
	}
	runner, plan, release, err := a.planToDecide(ctx, flags.asOf)
	if err != nil {
		return err
	}
	defer release()
	done, err := runner.Release(ctx, plan, consent)
	if err != nil {
		return decided(err)
	}
	result := releaseResult{
		ChargeID: chargeID, CustomerID: done.Charge.CustomerID, AmountMinor: done.Charge.AmountMinor,
		Currency: done.Charge.Currency, Released: done.Reasons, Left: append([]string{}, done.Left...),
		Reason: consent.Reason, By: consent.By,
	}
	return a.print(result, func(w io.Writer) error {
		currency := money.Displayed(result.Currency)
		_, err = writef(w, "charge %s of %s, %s, is released by %s: %s\n", chargeID, result.CustomerID,
			currency.Format(result.AmountMinor), result.By, strings.Join(result.Released, "; "))
		for _, reason := range result.Left {
			if err == nil {
				_, err = writef(w, "still held: %s\n", reason)
			}
		}
		if err == nil && len(result.Left) == 0 {
			_, err = fmt.Fprintln(w, "the next `creditmill invoice post` posts it")
		}
		return err
	})
}
