package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate/costs"
)

func newCostsCommand(a *app) *cobra.Command {
	command := &cobra.Command{
		Use:   "costs",
		Short: "Load what providers of models bill",
		Long: "costs keeps what providers of models bill, from the usage and cost reports of their admin APIs or a file of " +
			"your own. v_costs has it; creditmill reconcile-usage holds it against the logs.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(newCostsLoadCommand(a))
	return command
}

func newCostsLoadCommand(a *app) *cobra.Command {
	var source string
	command := &cobra.Command{
		Use:   "load FILE --source SOURCE",
		Short: "Load a report of a provider",
		Long: "load reads a report as a whole or not at all: the JSON of the usage and cost reports of OpenAI's or " +
			"Anthropic's admin API, page after page, or a CSV file (docs/costs.md). The same content is loaded once. Of each " +
			"provider and day the report loaded last counts.",
		Example: "  creditmill costs load openai-costs.json --source openai\n" +
			"  creditmill costs load anthropic-usage.json --source anthropic\n" +
			"  creditmill costs load azure.csv --source csv",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.runCostsLoad(command.Context(), args[0], source)
		},
	}
	command.Flags().StringVar(&source, "source", "", strings.Join(costs.Sources, ", "))
	completeWith(command, "source", choices(costs.Sources...))
	return command
}

// costReport is a report as --json prints it.
type costReport struct {
	ReportID     string                     `json:"report_id"`
	File         string                     `json:"file"`
	SHA256       string                     `json:"sha256"`
	Status       string                     `json:"status"`
	Lines        int                        `json:"lines"`
	Amounts      map[string]decimal.Decimal `json:"amounts"`
	InputTokens  uint64                     `json:"input_tokens"`
	OutputTokens uint64                     `json:"output_tokens"`
}

// mostReportBytes bounds a report, which is read into memory as a whole.
const mostReportBytes = 256 << 20

func (a *app) runCostsLoad(ctx context.Context, name, source string) error {
	if !slices.Contains(costs.Sources, source) {
		return usagef("costs load: say with --source what the file is: %s", strings.Join(costs.Sources, ", "))
	}
	text, err := readReport(name)
	if err != nil {
		return err
	}
	w, release, err := a.warehouseToWrite(ctx)
	if err != nil {
		return err
	}
	defer release()
	report, err := costs.Load(ctx, w, source, name, text, a.now())
	if errors.Is(err, costs.ErrInvalid) {
		return &usageError{err: err}
	}
	if err != nil {
		return err
	}
	result := costReport{
		ReportID: report.ID, File: report.File, SHA256: report.SHA256, Status: report.Status, Lines: report.Lines,
		Amounts: report.Amounts, InputTokens: report.InputTokens, OutputTokens: report.OutputTokens,
	}
	return a.print(result, func(out io.Writer) error {
		_, err := writef(out, "%s: %s, %s\n", name, strings.ReplaceAll(report.Status, "_", " "),
			counted(report.Lines, "line"))
		return err
	})
}

func readReport(name string) (text []byte, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err = io.ReadAll(io.LimitReader(file, mostReportBytes+1))
	if err == nil && len(text) > mostReportBytes {
		err = fmt.Errorf("read report %s: it is longer than %d MB; split it by days", name, mostReportBytes>>20)
	}
	return text, err
}
