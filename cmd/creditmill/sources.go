package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/ingest"
	"github.com/creditmill/creditmill/schemas"
)

func newSourcesCommand(a *app) *cobra.Command {
	command := &cobra.Command{
		Use:   "sources",
		Short: "List the sources, or find the one that fits a log",
		Long: "sources lists the sources that load --source takes: those of creditmill.yaml and those built in. " +
			"sources detect finds out which of them understands a file.",
		Example: "  creditmill sources\n  creditmill sources detect usage.jsonl",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.runSources() },
	}
	command.AddCommand(newSourcesDetectCommand(a))
	return command
}

const (
	detectRows    = 20
	maxDetectRows = 10_000
)

func newSourcesDetectCommand(a *app) *cobra.Command {
	rows := detectRows
	command := &cobra.Command{
		Use:   "detect FILE",
		Short: "Name the source that fits a log",
		Long: "detect reads the first rows of a file with every source, built in and declared, and lists those that " +
			"understand any, the one that understands most first. It needs no warehouse and writes nothing. Look at what a " +
			"source makes of the rows with load --dry-run before you load them. It exits with 1 if no source understands a row.",
		Example: "  creditmill sources detect usage.jsonl\n  creditmill sources detect --json export.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runSourcesDetect(command.Context(), args[0], rows)
		},
	}
	command.Flags().IntVar(&rows, "rows", detectRows, "how many rows are tried")
	return command
}

// sourceRow is a source as sources lists it.
type sourceRow struct {
	ID      string `json:"id"`
	BuiltIn bool   `json:"built_in"`
	Extends string `json:"extends,omitempty"`
}

func (a *app) runSources() error {
	sources, err := a.sources()
	if err != nil {
		return err
	}
	rows := make([]sourceRow, len(sources))
	for i, source := range sources {
		_, builtIn := schemas.SourceByID(schemas.BuiltinSources(), source.ID)
		rows[i] = sourceRow{ID: source.ID, BuiltIn: builtIn, Extends: source.Extends}
	}
	return a.print(rows, func(out io.Writer) error {
		t := newTable(out, "source", "declared in", "extends")
		for _, row := range rows {
			place := "built in"
			if !row.BuiltIn {
				place = a.config.File
			}
			t.AppendRow(table.Row{row.ID, place, row.Extends})
		}
		t.Render()
		return nil
	})
}

// sources are the built-in ones and those of the config.
func (a *app) sources() ([]schemas.Source, error) {
	sources, problems := schemas.ParseSources(a.config.File, a.config.Text)
	if err := problems.Err(); err != nil {
		return nil, &usageError{err: err}
	}
	return sources, nil
}

// detectResult is what detect prints with --json. Source is the one that fits best; empty if none does.
type detectResult struct {
	File   string       `json:"file"`
	Source string       `json:"source"`
	Fits   []ingest.Fit `json:"fits"`
}

func (a *app) runSourcesDetect(ctx context.Context, name string, rows int) error {
	if rows < 1 || rows > maxDetectRows {
		return usagef("read --rows %d: want 1 to %d", rows, maxDetectRows)
	}
	if name == "-" {
		return usagef("find a source: standard input is read once, and each source has to read it: name a file")
	}
	sources, err := a.sources()
	if err != nil {
		return err
	}
	for _, source := range sources {
		if err := source.ReadMaps(os.ReadFile).Err(); err != nil {
			return &usageError{err: err}
		}
	}
	if _, err := os.Stat(name); err != nil {
		return fmt.Errorf("find a source: %w", err)
	}
	fits, err := ingest.Detect(ctx, name, sources, ingest.Options{MaxLineBytes: a.config.Ingest.MaxLineBytes}, rows)
	if err != nil {
		return err
	}
	result := detectResult{File: name, Fits: fits}
	if len(fits) > 0 {
		result.Source = fits[0].Source
	}
	if err := a.print(result, result.write); err != nil {
		return err
	}
	if len(fits) == 0 {
		return fmt.Errorf("find a source of %s: none understands any of its first %d rows; declare one under sources: in %s",
			schemas.Visible(name), rows, defaultConfigFile)
	}
	return nil
}

func (r detectResult) write(out io.Writer) error {
	if len(r.Fits) == 0 {
		return nil
	}
	t := newTable(out, "source", "format", "understood", "rejected", skippedHeader)
	for _, fit := range r.Fits {
		t.AppendRow(table.Row{fit.Source, fit.Format, fit.Understood, fit.Rejected, fit.Skipped})
	}
	t.Render()
	_, err := writef(out, "%s fits best; see: creditmill load --dry-run --source %s %s\n", r.Source, r.Source, r.File)
	return err
}
