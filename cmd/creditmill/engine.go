package main

import (
	"fmt"
	"io"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/spf13/cobra"
)

func newEngineCommand(a *app) *cobra.Command {
	var http bool
	command := &cobra.Command{
		Use:   "engine",
		Short: "Hold the embedded ClickHouse open for other clients and print how to reach it",
		Long: "engine starts the embedded ClickHouse (or joins the running one), migrates it, prints how to reach it, " +
			"and keeps it running until Ctrl-C. Other creditmill commands on the same directory join it.\n\n" +
			"The user analyst may read the views (v_…) and nothing else: give that address to SQL editors. " +
			"The user creditmill may do everything in the warehouse: keep its password to yourself. Neither can reach " +
			"files or addresses outside of it.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return a.runEngine(command, http) },
	}
	command.Flags().BoolVar(&http, "http", false, "open ClickHouse's HTTP interface, too, as long as this runs")
	command.AddCommand(newEngineInstallCommand(a))
	return command
}

// engineResult is the JSON of the verb. The addresses hold passwords: printing them is what the verb is for.
type engineResult struct {
	Warehouse string                     `json:"warehouse"`
	Version   string                     `json:"version"`
	DSN       string                     `json:"dsn"`
	Analyst   warehouse.AnalystAddresses `json:"analyst"`
}

func (a *app) runEngine(command *cobra.Command, http bool) error {
	w, err := a.warehouseAsItIs(command.Context())
	if err != nil {
		return err
	}
	if !w.Embedded() {
		return usagef("hold engine open: %s is a server, which runs by itself; "+
			"engine is for --warehouse embedded:DIR", w.DSN())
	}
	analyst := w.AnalystAddresses()
	if http {
		if analyst.HTTP, err = w.OpenHTTP(command.Context()); err != nil {
			return err
		}
	}
	result := engineResult{Warehouse: w.DSN(), Version: w.Version(), DSN: w.FullDSN(), Analyst: analyst}
	err = a.print(result, func(out io.Writer) error {
		overHTTP := "closed; open it with: creditmill engine --http"
		if http {
			overHTTP = fmt.Sprintf("%s (user %s, password %s)", analyst.HTTP, analyst.User, analyst.Password)
		}
		_, err := fmt.Fprintf(out, "ClickHouse %s runs on %s\n\n"+
			"  full access   %s\n"+
			"  views only    %s\n"+
			"  views, HTTP   %s\n\n"+
			"Ctrl-C stops it, unless another command still uses it.\n",
			w.Version(), w.DSN(), result.DSN, analyst.DSN, overHTTP)
		return err
	})
	if err != nil {
		return err
	}
	return w.HoldEngine(command.Context(), http)
}
