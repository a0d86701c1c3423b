package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/creditmill/creditmill/warehouse"
)

// recordJob runs a job and writes its start and end to job_runs. What was left out for a person to look at (a held
// charge) counts as done; what the next try can finish (an open charge) does not, nor does an error.
func (a *app) recordJob(ctx context.Context, w *warehouse.Warehouse, each job) error {
	started := a.now().UTC().Truncate(time.Millisecond)
	if err := writeJob(ctx, w, each.name, started, started, "running", ""); err != nil {
		return err
	}
	a.log.Info().Str("job", each.name).Msg("job_started")
	a.complete = false
	err := each.run(ctx)
	status, message := "ok", ""
	if err != nil {
		status, message = "error", err.Error()
		if partial, is := errors.AsType[*partialError](err); is && !partial.Open {
			status = "partial"
		}
	}
	finished := a.now().UTC()
	a.log.Info().Str("job", each.name).Str("status", status).Int64("elapsed_ms", finished.Sub(started).Milliseconds()).
		Msg("job_finished")
	return errors.Join(err, writeJob(context.WithoutCancel(ctx), w, each.name, started, finished, status, message))
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
