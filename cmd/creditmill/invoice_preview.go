package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice/page"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// previewFlags are those of invoice preview.
type previewFlags struct {
	asOf, customer, csv, csvLines, html string
	acceptGaps                          bool
}

func newInvoicePreviewCommand(a *app) *cobra.Command {
	var flags previewFlags
	command := &cobra.Command{
		Use:   "preview",
		Short: "Show what would be posted, what is held and why",
		Long: "preview lists the overage of every ended period: how it comes about, to the last digit, and what is " +
			"charged. It writes nothing to Stripe. Charges that are held say why; the others are what " +
			"`creditmill invoice post --plan SHA` will post.",
		Example: "  creditmill invoice preview\n  creditmill invoice preview --as-of 2026-11-01 --csv plan.csv " +
			"--html plan.html",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return a.runInvoicePreview(command.Context(), flags)
		},
	}
	command.Flags().StringVar(&flags.asOf, "as-of", "", "charge periods that ended by this time (default now)")
	command.Flags().StringVar(&flags.customer, "customer", "", "show this customer only; the plan's hash is of all")
	command.Flags().StringVar(&flags.csv, "csv", "",
		"also write the charges to this CSV file, one row a charge; - is stdout")
	command.Flags().StringVar(&flags.csvLines, "csv-lines", "",
		"also write the lines of the charges to this CSV file, one row a line; - is stdout")
	command.Flags().StringVar(&flags.html, "html", "", "also write the plan to this file as a page to read and print")
	command.Flags().BoolVar(&flags.acceptGaps, "accept-gaps", false, acceptGapsHelp)
	return command
}

// previewResult is the JSON of invoice preview.
type previewResult struct {
	PlanSHA string                 `json:"plan_sha"`
	AsOf    time.Time              `json:"as_of"`
	Charges []plan.Entry           `json:"charges"`
	Totals  map[string]plan.Totals `json:"totals"`
	// Notes are what is worth knowing and holds nothing.
	Notes []string `json:"notes"`
}

func (a *app) runInvoicePreview(ctx context.Context, flags previewFlags) error {
	onStdout := flags.csv == stdoutName || flags.csvLines == stdoutName
	if onStdout && (a.flags.json || flags.csv == flags.csvLines) {
		return usagef("preview: stdout takes one result; give the other one a file")
	}
	asOf, err := a.asOf("as-of", flags.asOf)
	if err != nil {
		return err
	}
	client, err := a.previewClient()
	if err != nil {
		return err
	}
	runner, release, err := a.openInvoice(ctx, planning{asOf: asOf, client: client, acceptGaps: flags.acceptGaps})
	if err != nil {
		return err
	}
	defer release()
	planned, err := runner.Plan(ctx)
	if err == nil {
		err = a.noteApprovals(ctx, runner, planned)
	}
	if err != nil {
		return err
	}
	planned = planned.ForOutput()
	if flags.customer != "" {
		planned = planned.ForCustomer(flags.customer)
	}
	for _, table := range []struct {
		name  string
		write func(io.Writer, plan.Plan) error
	}{{flags.csv, plan.WriteCSV}, {flags.csvLines, plan.WriteLinesCSV}} {
		if table.name == "" {
			continue
		}
		err := a.writeOutput(table.name, func(file io.Writer) error { return table.write(file, planned) })
		if err != nil || table.name == stdoutName {
			return err
		}
	}
	if flags.html != "" {
		shown := page.Page{
			Plan: planned, Days: runner.Days(ctx, planned), Timezone: a.openCatalog.Timezone, Systems: map[string]string{},
		}
		for _, system := range a.openCatalog.CreditSystems {
			shown.Systems[system.ID] = system.Name
		}
		if err := writeFile(flags.html, shown.Write); err != nil {
			return err
		}
	}
	if a.flags.json {
		return a.printPreviewJSON(planned)
	}
	same := flags.again()
	return a.print(nil, func(w io.Writer) error {
		err := printPlan(w, planned)
		if err != nil || client == nil || flags.customer != "" || planned.Count(plan.StatusReady) == 0 {
			return err
		}
		_, err = fmt.Fprintf(w, "post exactly this: creditmill invoice post%s --plan %s\n", same, planned.SHA)
		return err
	})
}

// again are the flags by which a post makes the same plan.
func (f previewFlags) again() string {
	same := ""
	if f.asOf != "" {
		same = " --as-of " + f.asOf
	}
	if f.acceptGaps {
		same += " --accept-gaps"
	}
	return same
}

// printPreviewJSON writes a previewResult.
func (a *app) printPreviewJSON(planned plan.Plan) error {
	frame, err := json.Marshal(previewResult{
		PlanSHA: planned.SHA, AsOf: planned.AsOf.UTC(), Charges: []plan.Entry{}, Totals: planned.Totals(),
		Notes: planned.Notes(),
	})
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	before, after, _ := bytes.Cut(frame, []byte("[]")) // the list, of which a hash and a time before it have none
	_, err = a.stdout.Write(before)
	if err == nil {
		err = planned.WriteEntries(a.stdout)
	}
	if err == nil {
		_, err = a.stdout.Write(append(after, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// previewClient is nil where there is no key: the figures need none, only the charges' ids do.
func (a *app) previewClient() (*stripe.Client, error) {
	client, err := a.stripeClient(true, true)
	if err == nil {
		return client, nil
	}
	if key, keyErr := a.stripeKey(); keyErr != nil && key == "" && a.config.Stripe.APIKeyFile == "" {
		return nil, nil
	}
	return nil, err
}

// stdoutName stands for stdout in the flags that name a file.
const stdoutName = "-"

// writeOutput writes a file of that name, or on stdout.
func (a *app) writeOutput(name string, write func(io.Writer) error) error {
	if name == stdoutName {
		return write(a.stdout)
	}
	return writeFile(name, write)
}

// writeFile writes a file as a whole or not at all: it takes the place of the one before once it is complete. A pipe or
// a device is written as it is.
func writeFile(name string, write func(io.Writer) error) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	there, err := os.Stat(name)
	inPlace := err == nil && !there.Mode().IsRegular()
	part := name
	if !inPlace {
		part += ".part"
	}
	file, err := os.Create(part)
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	err = errors.Join(write(file), file.Close())
	switch {
	case inPlace:
	case err != nil:
		err = errors.Join(err, os.Remove(part))
	default:
		err = os.Rename(part, name)
	}
	return err
}
