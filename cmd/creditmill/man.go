package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newManCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "man [DIR]",
		Short: "Write the manual pages",
		Long: "man writes one manual page a command into DIR, which it makes where it is not there; without DIR it prints " +
			"the page of creditmill itself.",
		Example: "  creditmill man | man -l -\n  creditmill man /usr/local/share/man/man1",
		Args:    cobra.MaximumNArgs(1),
		// The manual is written where nothing is configured, too.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(command *cobra.Command, args []string) error {
			root := command.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Title: "CREDITMILL", Section: "1", Source: "creditmill", Manual: "creditmill"}
			if len(args) == 0 {
				return a.print(nil, func(w io.Writer) error { return doc.GenMan(root, header, w) })
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("make directory: %w", err)
			}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("write manual pages: %w", err)
			}
			a.note("wrote the manual pages to %s", args[0])
			return nil
		},
	}
}
