package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/retention"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

func newExpireCommand(a *app) *cobra.Command {
	var dryRun bool
	command := &cobra.Command{
		Use:   "expire",
		Short: "Remove old raw rows and texts that no figure needs, as retention: says",
		Long: "expire empties the properties of log rows and the raw text of rejected ones that are older than the config " +
			"allows, and removes the raw rows of loads that are older than retention.events and billed: of every row, the " +
			"customer's period is closed. Nothing within invoice.late_window is touched. Sums by day and hashes of event ids " +
			"stay, so balances, charges, duplicates and verify are the same as before. What was removed is written down with " +
			"its sums (v_removals, v_expired_loads). A removal that was cut short is finished by the next.",
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
	// Loads are those whose rows were or would be removed, Waiting those that are old enough and not ready: of events.
	Loads   []expiredResult `json:"loads,omitempty"`
	Waiting []waitingResult `json:"waiting,omitempty"`
}

// expiredResult is a load whose rows expired.
type expiredResult struct {
	LoadID  string                     `json:"load_id"`
	Rows    uint64                     `json:"rows"`
	Kept    uint64                     `json:"rows_kept"`
	Removed map[string]decimal.Decimal `json:"removed,omitempty"` // sums by unit
}

// waitingResult is a load that is old enough and keeps its rows.
type waitingResult struct {
	LoadID string `json:"load_id"`
	Rows   uint64 `json:"rows"`
	Reason string `json:"reason"`
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
	if rules.Properties == 0 && rules.Rejects == 0 && rules.Events == 0 {
		return usagef("expire: the config keeps everything; add retention: {events: 18mo, properties: 90d, rejects: 6mo}")
	}
	w, release, err := a.warehouseToWrite(ctx)
	if err != nil {
		return err
	}
	defer release()
	crash := crashAt(os.Getenv(crashVariable))
	remover := retention.Remover{Warehouse: w, Now: a.now, Fault: crash, DryRun: dryRun}
	removals, err := remover.Expire(ctx, rules)
	if err != nil {
		return err
	}
	results := make([]removalResult, len(removals))
	for i, removal := range removals {
		results[i] = newRemovalResult(removal, dryRun)
	}
	if rules.Events > 0 {
		rows, err := a.expireRows(ctx, w, rules, dryRun, crash)
		if err != nil {
			return err
		}
		results = append(results, rows...)
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

// expireRows removes raw rows that are old and billed.
func (a *app) expireRows(
	ctx context.Context, w *warehouse.Warehouse, rules retention.Rules, dryRun bool, crash func(string),
) ([]removalResult, error) {
	catalog, err := a.catalog()
	if err != nil {
		return nil, err
	}
	before := rules.BeforeOf(rules.Events, a.now())
	done, err := a.aggregatorWith(w, crash).ExpireRows(ctx, aggregate.Expiry{
		Before: before, Catalog: catalog, DryRun: dryRun,
	})
	if err != nil {
		return nil, err
	}
	var results []removalResult
	if len(done.Finished) > 0 {
		finished := removalResult{Kind: retention.KindEvents, Before: &before, Finished: true}
		finished.addLoads(done.Finished)
		results = append(results, finished)
	}
	result := removalResult{
		RemovalID: done.RemovalID, Kind: retention.KindEvents, Before: &before, DryRun: dryRun,
	}
	result.addLoads(done.Loads)
	for _, load := range done.Waiting {
		result.Waiting = append(result.Waiting, waitingResult{schemas.LoadID(load.Seq), load.Kept, load.Waits})
	}
	return append(results, result), nil
}

func (r *removalResult) addLoads(loads []aggregate.ExpiredLoad) {
	var checksum uint64
	for _, load := range loads {
		r.Rows += load.Removed
		checksum += load.Checksum
		r.Loads = append(r.Loads, expiredResult{schemas.LoadID(load.Seq), load.Removed, load.Kept, load.Sums})
	}
	r.Checksum = fmt.Sprintf("%016x", checksum)
}

// removalTexts say what a kind of removal takes.
var removalTexts = map[string]string{
	retention.KindProperties: "properties of %s",
	retention.KindRejects:    "raw text of %s that were rejected",
	retention.KindForgotten:  "properties and raw text of %s",
	retention.KindEvents:     "%s of billed usage",
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
	if r.Kind == retention.KindEvents {
		what += " in " + counted(len(r.Loads), "load")
	}
	if r.Before != nil {
		what += " before " + r.Before.Format(time.RFC3339)
	}
	if r.Kind != retention.KindEvents {
		what += fmt.Sprintf(" (%d bytes)", r.Bytes)
	}
	if _, err := fmt.Fprintf(out, "%s %s\n", verb, what); err != nil {
		return err
	}
	for _, load := range r.Waiting {
		if _, err := fmt.Fprintf(out, "%s keeps its rows: %s\n", load.LoadID, load.Reason); err != nil {
			return err
		}
	}
	return nil
}
