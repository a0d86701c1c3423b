package main

import (
	"context"
	"fmt"
	"io"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/spf13/cobra"
)

func newMigrateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Bring the warehouse's tables and views to this version",
		Long: "migrate creates what is missing in the database named by --warehouse. An embedded warehouse is migrated by " +
			"any command; a server of yours is altered by this one only. Running it again changes nothing.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return a.runMigrate(command.Context()) },
	}
}

type migrateResult struct {
	Warehouse string                       `json:"warehouse"`
	Version   string                       `json:"version"`
	Done      []string                     `json:"done"`
	Applied   []warehouse.AppliedMigration `json:"applied"`
}

func (a *app) runMigrate(ctx context.Context) error {
	// Not a.warehouse: that one refuses a server which is not migrated.
	w, err := warehouse.Connect(ctx, a.warehouseConfig())
	if err != nil {
		return err
	}
	a.openWarehouse = w
	done, err := w.Migrate(ctx)
	if err != nil {
		return err
	}
	applied, err := w.Applied(ctx)
	if err != nil {
		return err
	}
	result := migrateResult{Warehouse: w.DSN(), Version: w.Version(), Done: append([]string{}, done...), Applied: applied}
	return a.print(result, func(out io.Writer) error {
		for _, name := range done {
			if _, err := fmt.Fprintln(out, "applied "+name); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(out, "%s has all %d migrations\n", w.DSN(), len(applied))
		return err
	})
}
