package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/serve"
	"github.com/creditmill/creditmill/warehouse"
)

// statusError is that of a job's run that failed.
const statusError = "error"

// recordJob runs a job and writes its start and end to job_runs. What was left out for a person to look at (a held
// charge) counts as done; what the next try can finish (an open charge) does not, nor does an error.
func (a *app) recordJob(ctx context.Context, w *warehouse.Warehouse, each job) error {
	started := a.now().UTC().Truncate(time.Millisecond)
	if err := writeJob(ctx, w, each.name, started, started, "running", ""); err != nil {
		return err
	}
	a.log.Info().Str("job", each.name).Msg("job_started")
	a.complete, a.reports = false, nil
	err := each.run(ctx)
	status, message := "ok", ""
	if err != nil {
		status, message = statusError, err.Error()
		if partial, is := errors.AsType[*partialError](err); is && !partial.Open {
			status = "partial"
		}
	}
	finished := a.now().UTC()
	a.log.Info().Str("job", each.name).Str("status", status).Int64("elapsed_ms", finished.Sub(started).Milliseconds()).
		Msg("job_finished")
	ctx = context.WithoutCancel(ctx)
	err = errors.Join(err, writeJob(ctx, w, each.name, started, finished, status, message))
	a.notify(ctx, w, each.name)
	return errors.Join(err, a.writeMetrics(ctx))
}

// writeMetrics writes the figures of status where a flag names a file for them.
func (a *app) writeMetrics(ctx context.Context) error {
	if a.metricsFile == "" {
		return nil
	}
	state, err := a.status(ctx)
	if err != nil {
		return err
	}
	if state.Charges.Held, err = a.heldCharges(ctx); err != nil { // a plan that cannot be made hides no other figure
		a.log.Warn().Err(err).Msg("held_not_counted")
	}
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return serve.WriteFigures(a.metricsFile, text)
}

// failedJobs is an error that names the scheduled jobs whose latest run failed; nil where none did.
func (a *app) failedJobs(ctx context.Context, w *warehouse.Warehouse, all []job) error {
	states, err := warehouse.Select[jobState](ctx, w, "jobs/state.sql", nil)
	if err != nil {
		return err
	}
	var failed []error
	for _, each := range all {
		for _, state := range states {
			if each.schedule != nil && state.Job == each.name && state.Status == statusError {
				failed = append(failed, fmt.Errorf("job %s failed last, at %s: %s", each.name,
					state.StartedAt.UTC().Format(time.RFC3339), state.Message))
			}
		}
	}
	return errors.Join(failed...)
}

// registerJob notes when a job was first scheduled: instants before that were not missed.
func (a *app) registerJob(ctx context.Context, w *warehouse.Warehouse, each job) error {
	_, err := lastDone(ctx, w, each.name)
	if errors.Is(err, sql.ErrNoRows) {
		now := a.now().UTC()
		return writeJob(ctx, w, each.name, now, now, "registered", "")
	}
	return err
}

func lastDone(ctx context.Context, w *warehouse.Warehouse, name string) (time.Time, error) {
	var started time.Time
	err := w.QueryRow(ctx, "jobs/last_done.sql", warehouse.Params{"job": name}, &started)
	return started, err
}

func writeJob(
	ctx context.Context, w *warehouse.Warehouse, name string, started, finished time.Time, status, message string,
) error {
	revision := 2
	if status == "running" {
		revision = 1
	}
	return w.Exec(ctx, "jobs/record.sql", warehouse.Params{
		"job": name, "started_at": started, "finished_at": finished,
		"status": status, "message": message, "revision": revision,
	})
}
