package main

import (
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate/subscription"
)

func newCancelCommand(a *app) *cobra.Command {
	var at string
	var now bool
	command := &cobra.Command{
		Use:     "cancel CUSTOMER",
		Short:   "End a customer's subscription; the default product follows",
		Example: "  creditmill cancel acme\n  creditmill cancel acme --now",
		Long: "The subscription ends when its present period does, or at once with --now. Then the customer has the " +
			"default product. To cancel at Stripe, cancel it there.",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runChange(command.Context(), subscription.Change{CustomerID: args[0], Now: now}, at)
		},
	}
	command.Flags().StringVar(&at, "at", "", "when the customer asks for it (default now)")
	command.Flags().BoolVar(&now, "now", false, "end the present period at once")
	return command
}
