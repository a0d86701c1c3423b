package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/spf13/cobra"
)

func newEngineInstallCommand(a *app) *cobra.Command {
	var folder string
	command := &cobra.Command{
		Use:   "install",
		Short: "Get the embedded ClickHouse's library through npm",
		Long: "install gets the library of the embedded ClickHouse, 566 MB on Linux, through the npm client: the version " +
			"that this creditmill is tested with, whose hash it knows. It puts the library where creditmill looks for " +
			"it, whole or not at all. Not needed with the package creditmill-engine or a server of yours.",
		Example: "  sudo creditmill engine install\n  creditmill engine install --to ~/lib",
		Args:    cobra.NoArgs,
		// The engine is installed where nothing is configured, too.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(command *cobra.Command, _ []string) error {
			return a.runEngineInstall(command.Context(), folder)
		},
	}
	command.Flags().StringVar(&folder, "to", warehouse.InstallFolder, "folder for the library")
	return command
}

// engineInstallResult is the JSON of the verb.
type engineInstallResult struct {
	Package string `json:"package"`
	Hash    string `json:"hash"`
	Library string `json:"library"`
	Bytes   int64  `json:"bytes"`
	Found   bool   `json:"found"` // creditmill finds it there; else CREDITMILL_ENGINE_LIBRARY names it
}

func (a *app) runEngineInstall(ctx context.Context, folder string) error {
	a.note("getting the embedded ClickHouse through npm, for %s", folder)
	done, err := warehouse.InstallEngine(ctx, folder)
	if err != nil {
		return err
	}
	result := engineInstallResult(done)
	return a.print(result, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "installed %s, %s, as %s\n", done.Package, humanBytes(uint64(done.Bytes)), done.Library)
		if err == nil && !done.Found && os.Getenv("CREDITMILL_ENGINE_LIBRARY") != done.Library {
			_, err = fmt.Fprintf(w, "creditmill does not look there: export CREDITMILL_ENGINE_LIBRARY=%s\n", done.Library)
		}
		return err
	})
}
