package main

import (
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

func newCancelCommand(a *app) *cobra.Command {
	var at string
	var now bool
	command := &cobra.Command{
		Use:     "cancel CUSTOMER [PRODUCT]",
		Short:   "End a customer's subscription; the default product follows",
		Example: "  creditmill cancel acme\n  creditmill cancel acme --now\n  creditmill cancel acme extra    # an add-on",
		Long: "The subscription ends when its present period does, or at once with --now. Then the customer has the " +
			"default product. With PRODUCT only that one ends: an add-on, which stays otherwise. To cancel at Stripe, cancel " +
			"it there.",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeProducts(1),
		RunE: func(command *cobra.Command, args []string) error {
			change := subscription.Change{CustomerID: args[0], Now: now}
			if len(args) > 1 {
				change.Product, change.Cancel = args[1], true
			}
			return a.runChange(command.Context(), change, at)
		},
	}
	command.Flags().StringVar(&at, "at", "", "when the customer asks for it (default now)")
	command.Flags().BoolVar(&now, "now", false, "end the present period at once")
	return command
}
