package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate/retention"
)

func newExpireCommand(a *app) *cobra.Command {
	var dryRun bool
	command := &cobra.Command{
		Use:   "expire",
		Short: "Remove old texts that no figure is made of, as retention: says",
		Long: "expire empties the properties of log rows and the raw text of rejected ones that are older than the config " +
			"allows, and never those within invoice.late_window. Rows stay with their identity, time and quantities, so " +
			"balances, charges, duplicates and verify are the same as before. What was removed is written down with its " +
			"sums (v_removals). One that was cut short is finished by the next.",
		Example: "  creditmill expire --dry-run\n  creditmill expire\n  creditmill run --once expire",
		Args:    cobra.NoArgs,
		RunE:    func(command *cobra.Command, _ []string) error { return a.runExpire(command.Context(), dryRun) },
	}
	command.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be removed, and remove nothing")
	return command
}

// removalResult is a removal as --json prints it.
type removalResult struct {
	RemovalID string     `json:"removal_id,omitempty"`
	Kind      string     `json:"kind"`
	Before    *time.Time `json:"before,omitempty"`
	Rows      uint64     `json:"rows"`
	Bytes     uint64     `json:"size_bytes"`
	Checksum  string     `json:"checksum"`
	Finished  bool       `json:"finished"` // one that another command had begun
	DryRun    bool       `json:"dry_run"`
}

func newRemovalResult(removal retention.Removal, dryRun bool) removalResult {
	result := removalResult{
		RemovalID: removal.ID, Kind: removal.Kind, Rows: removal.Rows, Bytes: removal.Bytes,
		Checksum: fmt.Sprintf("%016x", removal.Checksum), Finished: removal.Finished, DryRun: dryRun,
	}
	if removal.Kind != retention.KindForgotten {
		result.Before = &removal.Before
	}
	return result
}

func (a *app) runExpire(ctx context.Context, dryRun bool) error {
	rules := a.config.Retention
	rules.LateWindow = a.config.Invoice.LateWindow
	if rules.Properties == 0 && rules.Rejects == 0 {
		return usagef("expire: the config keeps everything; add retention: {properties: 90d, rejects: 6mo}")
	}
	w, release, err := a.warehouseToWrite(ctx)
	if err != nil {
		return err
	}
	defer release()
	remover := retention.Remover{Warehouse: w, Now: a.now, Fault: crashAt(os.Getenv(crashVariable)), DryRun: dryRun}
	removals, err := remover.Expire(ctx, rules)
	if err != nil {
		return err
	}
	results := make([]removalResult, len(removals))
	for i, removal := range removals {
		results[i] = newRemovalResult(removal, dryRun)
	}
	return a.print(results, func(out io.Writer) error {
		for _, result := range results {
			if err := result.print(out); err != nil {
				return err
			}
		}
		return nil
	})
}

// removalTexts say what a kind of removal takes.
var removalTexts = map[string]string{
	retention.KindProperties: "properties of %s",
	retention.KindRejects:    "raw text of %s that were rejected",
	retention.KindForgotten:  "properties and raw text of %s",
}

func (r removalResult) print(out io.Writer) error {
	verb := "removed"
	switch {
	case r.DryRun:
		verb = "would remove"
	case r.Finished:
		verb = "finished removing"
	}
	what := fmt.Sprintf(removalTexts[r.Kind], counted(int(r.Rows), "row"))
	if r.Before != nil {
		what += " before " + r.Before.Format(time.RFC3339)
	}
	_, err := fmt.Fprintf(out, "%s %s (%d bytes)\n", verb, what, r.Bytes)
	return err
}
