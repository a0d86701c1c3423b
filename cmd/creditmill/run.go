package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/warehouse"
)

// retryEvery is how often a job that is due but did not succeed is tried again.
const retryEvery = "@every 10m"

func newRunCommand(a *app) *cobra.Command {
	var flags runFlags
	command := &cobra.Command{
		Use:   "run",
		Short: "Run the scheduled jobs: empty the inbox, aggregate, post invoices and renewals",
		Long: "run stays in the foreground and starts the jobs of the config's schedule at their times, in the catalog's " +
			"timezone. A job that was missed, or failed, is caught up. One run at a time works on a warehouse: a second " +
			"one exits with 11. SIGTERM or Ctrl-C stops it after the step at hand; it exits with 1 then if the latest run " +
			"of a job failed.",
		Example: "  creditmill run\n  creditmill run --once load\n  creditmill run --once aggregate\n" +
			"  creditmill run --once invoice\n  creditmill run --once renewals\n  creditmill run --once expire\n" +
			"  creditmill run --once aggregate --metrics-file /var/lib/node_exporter/creditmill.prom",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return a.runJobs(command.Context(), flags)
		},
	}
	command.Flags().StringVar(&flags.once, "once", "",
		"run this job now and exit with its code: load, aggregate, renewals, expire or invoice")
	completeWith(command, "once", choices("load", "aggregate", "renewals", "expire", "invoice"))
	command.Flags().BoolVar(&flags.live, "live", false, "let the jobs post with a live Stripe key")
	command.Flags().StringVar(&flags.metricsFile, "metrics-file", "",
		"after each job write the figures of status to this file, for Prometheus's node exporter (….prom)")
	return command
}

// runFlags are those of run.
type runFlags struct {
	once, metricsFile string
	live              bool
}

// job is a piece of scheduled work.
type job struct {
	name     string
	schedule cron.Schedule        // nil when the config names none
	ready    func() (bool, error) // nil: always; when it is not, the job is neither run nor recorded
	run      func(ctx context.Context) error
}

// jobs are in the order in which they run when several are due.
func (a *app) jobs(live bool) ([]job, error) {
	all := []job{
		{name: "load", ready: a.inboxHasFiles, run: a.loadJob},
		{name: "aggregate", run: func(ctx context.Context) error { return a.aggregateJob(ctx) }},
		{name: "renewals", run: func(ctx context.Context) error { return a.renewalsJob(ctx, live) }},
		{name: "expire", run: func(ctx context.Context) error { return a.runExpire(ctx, expireFlags{}) }},
		{name: "invoice", run: func(ctx context.Context) error { return a.invoiceJob(ctx, live) }},
	}
	if a.config.Inbox == "" && a.config.Schedule.Load != "" {
		return nil, usagef("read schedule of load: there is no inbox to load from; add inbox: DIR")
	}
	if a.config.Inbox != "" && a.config.Schedule.Load == "" {
		a.config.Schedule.Load = everyMinute
		if a.hasObjectInbox() { // each listing is paid for
			a.config.Schedule.Load = everyTenMinutes
		}
	}
	if !a.config.Invoice.onRenewals() && a.config.Schedule.Renewals != "" {
		return nil, usagef("read schedule of renewals: no charge goes on one with invoice.timing: %s; "+
			"remove schedule.renewals", a.config.Invoice.Timing)
	}
	if a.config.Invoice.onRenewals() && a.config.Schedule.Invoice != "" && a.config.Schedule.Renewals == "" {
		a.config.Schedule.Renewals = everyTenMinutes
	}
	specs := map[string]string{
		"load": a.config.Schedule.Load, "aggregate": a.config.Schedule.Aggregate, "invoice": a.config.Schedule.Invoice,
		"renewals": a.config.Schedule.Renewals, "expire": a.config.Schedule.Expire,
	}
	var mistakes []error
	for i := range all {
		spec := specs[all[i].name]
		if spec == "" {
			continue
		}
		schedule, err := parseSchedule(spec)
		if err != nil {
			mistakes = append(mistakes, usagef("read schedule of %s: %w", all[i].name, err))
			continue
		}
		all[i].schedule = schedule
	}
	return all, errors.Join(mistakes...)
}

func (a *app) runJobs(ctx context.Context, flags runFlags) error {
	all, err := a.jobs(flags.live)
	if err != nil {
		return err
	}
	if err := a.checkInbox(); err != nil {
		return err
	}
	w, err := a.warehouseAsItIs(ctx) // each job looks whether it is complete
	if err != nil {
		return err
	}
	ctx, release, err := w.LockFor(ctx, warehouse.RunLock)
	if err != nil {
		return err
	}
	defer release()
	a.metricsFile = flags.metricsFile
	if flags.once != "" {
		for _, each := range all {
			if each.name == flags.once {
				err := a.recordJob(ctx, w, each)
				return errors.Join(lost(ctx), err)
			}
		}
		return usagef("run --once %s: no such job; there are load, aggregate, renewals, expire and invoice", flags.once)
	}
	return a.keepRunning(ctx, w, all)
}

// lost is an error where the lock under which the process runs was lost: its supervisor starts it again.
func lost(held context.Context) error {
	if cause := context.Cause(held); errors.Is(cause, warehouse.ErrLocked) {
		return fmt.Errorf("stop: %w", cause)
	}
	return nil
}

// keepRunning starts what is due at once, then at the scheduled times, until ctx ends. Jobs never overlap: this
// goroutine alone runs them, and the cron only wakes it.
func (a *app) keepRunning(ctx context.Context, w *warehouse.Warehouse, all []job) error {
	book, err := a.catalog()
	if err != nil {
		return err
	}
	wake := make(chan struct{}, 1)
	ring := func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	clock := cron.New(cron.WithLocation(book.Timezone))
	scheduled := 0
	for _, each := range all {
		if each.schedule == nil {
			continue
		}
		scheduled++
		clock.Schedule(each.schedule, cron.FuncJob(ring))
		if err := a.registerJob(ctx, w, each); err != nil {
			return err
		}
		a.note("%s: next at %s", each.name, each.schedule.Next(a.now().In(book.Timezone)).Format(time.RFC3339))
	}
	if scheduled == 0 {
		return usagef("run: the config schedules nothing; add schedule: {aggregate: \"15 2 * * *\", invoice: \"0 6 1 * *\"}")
	}
	if _, err := clock.AddFunc(retryEvery, ring); err != nil {
		return fmt.Errorf("schedule retries: %w", err)
	}
	clock.Start()
	defer clock.Stop()
	ring()
	for {
		select {
		case <-ctx.Done():
			a.note("stopped")
			return errors.Join(lost(ctx), a.failedJobs(context.WithoutCancel(ctx), w, all))
		case <-wake:
			if err := a.runDue(ctx, w, all, book.Timezone); err != nil {
				return err
			}
		}
	}
}

// runDue runs every job with a scheduled instant since it last succeeded. A job's own error is recorded and retried
// later; only a warehouse that cannot be asked ends the program, so that its supervisor starts it again.
func (a *app) runDue(ctx context.Context, w *warehouse.Warehouse, all []job, zone *time.Location) error {
	for _, each := range all {
		if each.schedule == nil || ctx.Err() != nil {
			continue
		}
		done, err := lastDone(ctx, w, each.name)
		if err != nil {
			return err
		}
		if each.schedule.Next(done.In(zone)).After(a.now()) {
			continue
		}
		if each.ready != nil {
			ready, err := each.ready()
			if err == nil && !ready {
				continue
			}
		}
		if err := a.recordJob(ctx, w, each); err != nil {
			a.log.Error().Err(err).Str("job", each.name).Msg("job_not_done")
		}
	}
	return nil
}
