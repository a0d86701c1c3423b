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
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

func newExpireCommand(a *app) *cobra.Command {
	var flags expireFlags
	command := &cobra.Command{
		Use:   "expire",
		Short: "Remove old raw rows and texts that no figure needs, as retention: says",
		Long: "expire empties the properties of log rows and the raw text of rejected ones that are older than the config " +
			"allows, and removes the raw rows of loads that are older than retention.events and billed for real: of every " +
			"row, the customer's period is closed, and no adjustment of it is left to post. Nothing within " +
			"invoice.late_window is touched. Sums by day and hashes of event ids stay, so balances, charges, duplicates and " +
			"verify are the same as before. What was removed is written down with its sums (v_removals, v_expired_loads). A " +
			"removal that was cut short is finished by the next.",
		Example: "  creditmill expire --dry-run\n  creditmill expire\n  creditmill run --once expire",
		Args:    cobra.NoArgs,
		RunE:    func(command *cobra.Command, _ []string) error { return a.runExpire(command.Context(), flags) },
	}
	command.Flags().BoolVar(&flags.dryRun, "dry-run", false, "show what would be removed, and remove nothing")
	command.Flags().BoolVar(&flags.testMode, "test-mode", false,
		"where nothing was ever posted for real, what was posted in Stripe's test mode is billed, too")
	return command
}

// expireFlags are what expire was asked for: testMode takes charges of the test mode for billed, in a rehearsal.
type expireFlags struct{ dryRun, testMode bool }

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

func (a *app) runExpire(ctx context.Context, flags expireFlags) error {
	rules := a.config.Retention
	rules.LateWindow = a.config.Invoice.LateWindow
	w, release, err := a.warehouseToWrite(ctx)
	if err != nil {
		return err
	}
	defer release()
	crash := crashAt(os.Getenv(crashVariable))
	var results []removalResult
	if !flags.dryRun {
		finished, err := a.aggregatorWith(w, crash).FinishExpiry(ctx)
		if err != nil {
			return err
		}
		if len(finished) > 0 {
			result := removalResult{Kind: retention.KindEvents, Finished: true}
			result.addLoads(finished)
			results = append(results, result)
		}
	}
	if rules.Properties == 0 && rules.Rejects == 0 && rules.Events == 0 && len(results) == 0 {
		return usagef("expire: the config keeps everything; add retention: {events: 18mo, properties: 90d, rejects: 6mo}")
	}
	remover := retention.Remover{Warehouse: w, Now: a.now, Fault: crash, DryRun: flags.dryRun}
	removals, err := remover.Expire(ctx, rules)
	if err != nil {
		return err
	}
	for _, removal := range removals {
		results = append(results, newRemovalResult(removal, flags.dryRun))
	}
	if rules.Events > 0 {
		result, err := a.expireRows(ctx, w, rules, flags, crash)
		if err != nil {
			return err
		}
		results = append(results, result)
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
	ctx context.Context, w *warehouse.Warehouse, rules retention.Rules, flags expireFlags, crash func(string),
) (removalResult, error) {
	before := rules.BeforeOf(rules.Events, a.now())
	result := removalResult{Kind: retention.KindEvents, Before: &before, DryRun: flags.dryRun}
	catalog, err := a.catalog()
	if err != nil {
		return result, err
	}
	account, found, err := a.billedAccount(ctx, w)
	if err != nil {
		return result, err
	}
	billed := found && (account.Livemode || flags.testMode)
	var unsettled []aggregate.Unsettled
	if billed {
		if unsettled, err = a.unsettled(ctx, account); err != nil {
			return result, fmt.Errorf("look for what is not billed yet: %w", err)
		}
	} else if found {
		a.note("charges were posted in Stripe's test mode alone: no usage is billed, and no raw row goes; rehearse with " +
			"--test-mode")
	}
	worker := aggregate.New(aggregate.Config{
		Warehouse: w, Now: a.now, Log: a.log, Fault: crash,
		Closed: func(ctx context.Context, customers []string) ([]subscription.Closed, error) {
			if !billed {
				return nil, nil
			}
			return ledger.ClosedTime(ctx, w, account, customers)
		},
	})
	done, err := worker.ExpireRows(ctx, aggregate.Expiry{
		Before: before, LoadedBefore: rules.BeforeOf(0, a.now()), Catalog: catalog, Unsettled: unsettled,
		DryRun: flags.dryRun,
	})
	if err != nil {
		return result, err
	}
	result.RemovalID = done.RemovalID
	result.addLoads(done.Loads)
	for _, load := range done.Waiting {
		result.Waiting = append(result.Waiting, waitingResult{schemas.LoadID(load.Seq), load.Kept, load.Waits})
	}
	return result, nil
}

// unsettled is the time of which a plan of now has something that is not frozen: an adjustment, or usage without a
// price. Of customers whose figures cannot be computed it is all of their time.
func (a *app) unsettled(ctx context.Context, account ledger.Account) ([]aggregate.Unsettled, error) {
	planned, err := a.planned(ctx, planning{asOf: a.now(), access: reading, account: &account})
	if err != nil {
		return nil, err
	}
	var unsettled []aggregate.Unsettled
	for _, problem := range planned.Inputs.Problems {
		unsettled = append(unsettled, aggregate.Unsettled{CustomerID: problem.CustomerID})
	}
	for _, balance := range planned.Inputs.Periods {
		if balance.UnratedEvents > 0 {
			unsettled = append(unsettled, aggregate.Unsettled{CustomerID: balance.CustomerID, Period: balance.Period})
		}
	}
	for _, charge := range planned.Charges {
		if _, frozen := planned.Frozen[charge.ID]; !frozen {
			unsettled = append(unsettled, aggregate.Unsettled{
				CustomerID: charge.CustomerID, Period: schemas.Period{Start: charge.PeriodStart, End: charge.PeriodEnd},
			})
		}
	}
	return unsettled, nil
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
