package main

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

func newUnloadCommand(a *app) *cobra.Command {
	var reason string
	command := &cobra.Command{
		Use:   "unload LOAD_ID",
		Short: "Withdraw a load: its rows no longer count",
		Long: "unload withdraws a load at once and as a whole. Rows of other loads that were duplicates of its rows count " +
			"from then on. The content may be loaded again. What was invoiced already stays; the next run shows the difference.",
		Example: "  creditmill unload ld_12 --reason \"wrong month\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runUnload(command.Context(), args[0], reason)
		},
	}
	command.Flags().StringVar(&reason, "reason", "", "why, for the list of loads")
	return command
}

func (a *app) runUnload(ctx context.Context, id, reason string) error {
	seq, err := schemas.ParseLoadID(id)
	if err != nil {
		return &usageError{err: err}
	}
	w, err := a.warehouse(ctx, slices.Concat(warehouse.TablesOfLoads, warehouse.TablesOfFigures)...)
	if err != nil {
		return err
	}
	load, err := ingest.Withdraw(ctx, w, seq, reason, a.now)
	if err != nil {
		if errors.Is(err, ingest.ErrNotCommitted) {
			a.note("creditmill loads lists the loads that count as committed")
		}
		return err
	}
	a.recordWritten(ctx, w)
	row := newLoadRow(load)
	return a.print(row, func(out io.Writer) error {
		printLoadRows(out, row)
		return nil
	})
}
