package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate/retention"
)

func newForgetCommand(a *app) *cobra.Command {
	var flags consentFlags
	command := &cobra.Command{
		Use:   "forget CUSTOMER --reason TEXT",
		Short: "Remove a customer's properties, and rejected rows that name it",
		Long: "forget empties the properties of all of a customer's log rows, and the raw text of rejected rows that " +
			"hold its id. Quantities, balances, charges and the customer's id stay: accounts need them. Who, when and why is " +
			"written down under a hash of the id (v_removals). A second time nothing is left to remove.",
		Example: "  creditmill forget cus_42 --reason \"request of 3 November\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runForget(command.Context(), args[0], flags)
		},
	}
	flags.add(command)
	return command
}

func (a *app) runForget(ctx context.Context, customer string, flags consentFlags) error {
	consent, err := flags.consent("forget", customer)
	if err != nil {
		return err
	}
	w, release, err := a.warehouseToWrite(ctx)
	if err != nil {
		return err
	}
	defer release()
	remover := retention.Remover{Warehouse: w, Now: a.now, Fault: crashAt(os.Getenv(crashVariable))}
	removal, err := remover.Forget(ctx, customer, consent.Reason, consent.By)
	if err != nil {
		return err
	}
	result := newRemovalResult(removal, false)
	return a.print(result, result.print)
}
