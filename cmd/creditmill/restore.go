package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/ingest/objects"
	"github.com/creditmill/creditmill/invoice"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/warehouse"
)

func newRestoreCommand(a *app) *cobra.Command {
	var mark bool
	command := &cobra.Command{
		Use:   "restore FROM",
		Short: "Make an empty warehouse what a backup holds",
		Long: "restore checks every file of the backup in the folder FROM, or below s3://bucket/prefix, and makes the " +
			"warehouse of --warehouse what it holds. That warehouse must be empty. The first invoice post after that waits " +
			"until ten minutes have passed, asks Stripe what it holds, adopts what the ledger does not know of, and posts " +
			"the rest.\n\n--mark says so of a warehouse that was restored by other means, such as ClickHouse's own RESTORE " +
			"or a snapshot of the disk.",
		Example: "  creditmill restore /backups/2026-11-01 --warehouse embedded:./restored\n" +
			"  creditmill restore s3://backups/creditmill/2026-11-01 --warehouse embedded:./restored\n" +
			"  creditmill restore --mark",
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			switch {
			case mark && len(args) == 0:
				return a.runMarkRestored(command.Context())
			case mark || len(args) == 0:
				return usagef("restore: give the folder of a backup, or --mark")
			}
			return a.runRestore(command.Context(), args[0])
		},
	}
	command.Flags().BoolVar(&mark, "mark", false, "restore nothing: say that the warehouse was restored by other means")
	return command
}

func (a *app) runRestore(ctx context.Context, from string) error {
	restore := func(w *warehouse.Warehouse) (warehouse.Manifest, error) { return w.Restore(ctx, from, a.now()) }
	if objects.IsURL(from) {
		place, err := a.openPlace(ctx, "restore from", from)
		if err != nil {
			return err
		}
		found, err := place.mustBeBackup(ctx)
		if err != nil {
			return err
		}
		restore = func(w *warehouse.Warehouse) (warehouse.Manifest, error) { return a.restoreFrom(ctx, w, place, found) }
	} else if _, err := warehouse.ReadManifest(from); err != nil {
		return err // before a warehouse is made
	}
	// Not a.warehouse: what is there may be half restored.
	w, err := warehouse.Connect(ctx, a.warehouseConfig())
	if err != nil {
		return err
	}
	a.openWarehouse = w
	free, err := w.Lock(ctx, warehouse.WriterLock)
	if err != nil {
		return err
	}
	defer free()
	m, err := restore(w)
	if err != nil {
		return err
	}
	result := newBackupResult(w, from, m)
	return a.print(result, func(out io.Writer) error {
		fmt.Fprintf(out, "restored %s to %s\n", from, w.DSN())
		a.noteRestored(a.now())
		return result.write(out)
	})
}

// markResult is the JSON of restore --mark.
type markResult struct {
	Warehouse  string    `json:"warehouse"`
	RestoredAt time.Time `json:"restored_at"`
}

func (a *app) runMarkRestored(ctx context.Context) error {
	w, release, err := a.warehouseToWrite(ctx)
	if err != nil {
		return err
	}
	defer release()
	at := a.now().UTC().Truncate(time.Millisecond)
	if err := w.MarkRestored(ctx, at); err != nil {
		return err
	}
	return a.print(markResult{Warehouse: w.DSN(), RestoredAt: at}, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "%s is marked as restored at %s\n", w.DSN(), at.Format(time.RFC3339))
		a.noteRestored(at)
		return err
	})
}

func (a *app) noteRestored(at time.Time) {
	a.note("load what was loaded after the backup; the first invoice post waits until %s and adopts what Stripe holds",
		at.Add(ledger.SettleTime).UTC().Format(time.RFC3339))
	a.note("what persons decided after the backup is gone: hold again what was held, before that post; all tokens are " +
		"revoked: make new ones with `creditmill token create`")
}

// mayPostByItself is an error where the warehouse was restored and nobody has looked at it since: jobs and Stripe's
// webhooks would send charges that a person held after the backup.
func (a *app) mayPostByItself(ctx context.Context) error {
	w, err := a.warehouse(ctx)
	if err != nil {
		return err
	}
	at, err := w.Restored(ctx)
	if err != nil || at.IsZero() {
		return err
	}
	return &partialError{Open: true, Reason: fmt.Sprintf("the warehouse was restored at %s: look at it, hold again what "+
		"persons had held since the backup, then run `creditmill invoice post`; until then nothing is sent by itself",
		at.UTC().Format(time.RFC3339))}
}

// noteWait says why the first post after a restore takes its time.
func (a *app) noteWait(ctx context.Context, runner *invoice.Runner) (restored bool, err error) {
	at, err := runner.Restored(ctx)
	if err != nil || at.IsZero() {
		return false, err
	}
	a.note("the warehouse was restored at %s: charges wait until %s, when what was sent before has taken effect; then "+
		"Stripe is asked what it holds", at.Format(time.RFC3339), at.Add(ledger.SettleTime).Format(time.RFC3339))
	return true, nil
}

// noteAdopted says what Stripe was found to hold after a restore.
func (a *app) noteAdopted(reports []post.Report) {
	adopted := 0
	for _, report := range reports {
		if report.Adopted {
			adopted++
			currency := money.Displayed(report.Currency)
			a.note("adopted %s of %s: Stripe holds %s of it as %s", report.ChargeID, report.CustomerID,
				currency.Format(report.AmountMinor), report.StripeID)
		}
	}
	a.note("%s at Stripe that the restored ledger did not know", counted(adopted, "charge"))
}
