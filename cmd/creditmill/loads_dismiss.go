package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

func newLoadsDismissCommand(a *app) *cobra.Command {
	var flags consentFlags
	command := &cobra.Command{
		Use:   "dismiss LOAD_ID",
		Short: "Say that a file which did not come in is not missed",
		Long: "dismiss lets invoices go out although a file did not come in: one that is no log, or whose usage comes in " +
			"another file. It is written down with who dismissed it and why, and listed by loads. The file may still be " +
			"loaded later; its usage is then late usage like any other.",
		Example: "  creditmill loads dismiss ld_12 --reason \"a README, not a log\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runLoadsDismiss(command.Context(), args[0], flags)
		},
	}
	flags.add(command)
	return command
}

func (a *app) runLoadsDismiss(ctx context.Context, id string, flags consentFlags) error {
	seq, err := schemas.ParseLoadID(id)
	if err != nil {
		return &usageError{err: err}
	}
	consent, err := flags.consent("dismiss load", id)
	if err != nil {
		return err
	}
	w, err := a.warehouse(ctx, warehouse.TablesOfLoads...)
	if err != nil {
		return err
	}
	load, err := ingest.Dismiss(ctx, w, seq, "dismissed by "+consent.By+": "+consent.Reason, a.now)
	if err != nil {
		return err
	}
	a.recordWritten(ctx, w)
	row := newLoadRow(load)
	return a.print(row, func(out io.Writer) error {
		printLoadRows(out, row)
		return nil
	})
}
