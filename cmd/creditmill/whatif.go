package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice/reprice"
)

type whatifFlags struct{ from, to, csv string }

func newWhatifCommand(a *app) *cobra.Command {
	var flags whatifFlags
	command := &cobra.Command{
		Use:   "whatif --catalog OTHER",
		Short: "Price the same usage by another price book",
		Long: "whatif replays the usage by the price book of the config and by the one that --catalog names, with the code " +
			"that bills, and shows what changes: credits, overage and who crosses an allowance. A period counts if it ends " +
			"after --from; one that is still running at --to is taken as it is then. Nothing is written to the warehouse.",
		Example: "  creditmill whatif --catalog next.yaml\n" +
			"  creditmill whatif --catalog next.yaml --from 2026-01-01 --to 2027-01-01 --csv change.csv",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return a.runWhatif(command.Context(), flags) },
	}
	command.Flags().StringVar(&flags.from, "from", "", "leave out periods that ended by this time (default: none)")
	command.Flags().StringVar(&flags.to, "to", "", "count the usage before this time (default now)")
	command.Flags().StringVar(&flags.csv, "csv", "", "also write all customers to this CSV file")
	return command
}

func (a *app) runWhatif(ctx context.Context, flags whatifFlags) error {
	other := a.flags.catalog
	if other == "" {
		return usagef("name the other price book by --catalog")
	}
	// --catalog names the other one here; the present one is the config's.
	present := a.flags
	present.catalog = ""
	var err error
	if a.config, err = loadConfig(present); err != nil {
		return err
	}
	query := reprice.Query{}
	if query.Before, err = a.catalog(); err != nil {
		return err
	}
	if query.After, err = readOther(other); err != nil {
		return err
	}
	if query.From, err = a.parseTime("from", flags.from); err != nil {
		return err
	}
	if query.AsOf, err = a.asOf("to", flags.to); err != nil {
		return err
	}
	repricing, err := a.reprice(ctx, query)
	if err != nil {
		return err
	}
	if flags.csv != "" {
		if err := writeRepricingFile(flags.csv, repricing); err != nil {
			return err
		}
	}
	err = a.print(newRepriceResult(a.config.Catalog, other, repricing), func(w io.Writer) error {
		a.note("%s instead of %s, usage before %s", other, a.config.Catalog, repricing.AsOf.Format(time.RFC3339))
		return writeRepricing(w, repricing, reprice.SpanAll)
	})
	return errors.Join(err, problemsError(customerProblems(repricing.Problems)))
}

func writeRepricingFile(name string, repricing reprice.Repricing) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write repricing: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return reprice.WriteCSV(file, repricing)
}
