package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

func newStatusCommand(a *app) *cobra.Command {
	var held bool
	command := &cobra.Command{
		Use:     "status",
		Short:   "Show how fresh the figures are and what is still open",
		Example: "  creditmill status\n  creditmill status --json\n  creditmill status --held",
		Args:    cobra.NoArgs,
		RunE:    func(command *cobra.Command, _ []string) error { return a.runStatus(command.Context(), held) },
	}
	command.Flags().BoolVar(&held, "held", false,
		"also count the held charges by the codes of their holds; takes as long as `invoice preview`")
	return command
}

// statusRow is the result of warehouse/status.sql.
type statusRow struct {
	Loads           uint64    `ch:"loads"`
	Events          uint64    `ch:"events"`
	Rejects         uint64    `ch:"rejects"`
	LoadsUnfinished uint64    `ch:"loads_unfinished"`
	LastLoadSeq     uint64    `ch:"last_load_seq"`
	LastLoadFile    string    `ch:"last_load_file"`
	LastLoadAt      time.Time `ch:"last_load_at"`
	NewestEventAt   time.Time `ch:"newest_event_at"`
	LastRunSeq      uint64    `ch:"last_run_seq"`
	LastRunID       string    `ch:"last_run_id"`
	LastRunAsOf     time.Time `ch:"last_run_as_of"`
	LastRunAt       time.Time `ch:"last_run_at"`
	UnratedRows     uint64    `ch:"unrated_rows"`
	LoadsSinceRun   uint64    `ch:"loads_since_run"`
	EventsOfMonth   uint64    `ch:"events_of_month"`
	MemoryBytes     uint64    `ch:"memory_bytes"`
	ChargesOpen     uint64    `ch:"charges_open"`
	ChargesRejected uint64    `ch:"charges_rejected"`
	ChargesPosted   uint64    `ch:"charges_posted"`
}

type statusResult struct {
	Warehouse       string         `json:"warehouse"`
	Version         string         `json:"version"`
	Loads           uint64         `json:"loads"`
	LoadsUnfinished uint64         `json:"loads_unfinished"`
	LoadsSinceRun   uint64         `json:"loads_since_aggregate"`
	Events          uint64         `json:"events"`
	Rejects         uint64         `json:"rejects"`
	UnratedRows     uint64         `json:"unrated_rows"`
	LastLoad        *lastLoad      `json:"last_load"`
	LastAggregate   *lastAggregate `json:"last_aggregate"`
	Charges         chargeCounts   `json:"charges"`
	// Jobs are the scheduled ones that ran, or that were registered to run.
	Jobs []jobState `json:"jobs"`
	Disk diskState  `json:"disk"`
	// MemoryBytes is what the engine takes.
	MemoryBytes uint64 `json:"engine_memory_bytes"`
	// RestoredAt is when the warehouse was restored, where no post has caught up with Stripe since.
	RestoredAt *time.Time `json:"restored_at"`
	// Damage is what the warehouse has lost; empty where all is there.
	Damage []damage `json:"damage"`
	// Inbox is what is in the inbox and will never be loaded.
	Inbox []stray `json:"inbox_never_loaded"`
}

// jobState is the latest run of a job. FinishedAt and ElapsedMS are null while it runs, SucceededAt where it never
// ended well; Failures counts runs with an error since then.
type jobState struct {
	Job         string     `json:"job" ch:"job"`
	Status      string     `json:"status" ch:"status"`
	StartedAt   time.Time  `json:"started_at" ch:"started_at"`
	FinishedAt  *time.Time `json:"finished_at" ch:"finished_at"`
	ElapsedMS   *int64     `json:"elapsed_ms" ch:"elapsed_ms"`
	SucceededAt *time.Time `json:"succeeded_at" ch:"succeeded_at"`
	Failures    uint64     `json:"failures" ch:"failures"`
	Message     string     `json:"message" ch:"message"`
}

// diskState is what the warehouse takes of the disk. DaysLeft tells after how many more days like those of the last 30
// the disk is full, if each event takes as much as those there are; null where no event was loaded in them.
type diskState struct {
	Bytes     uint64  `json:"bytes"`
	FreeBytes uint64  `json:"free_bytes"`
	DaysLeft  *uint64 `json:"days_left"`
}

func newDiskState(row statusRow, taken, free uint64) diskState {
	state := diskState{Bytes: taken, FreeBytes: free}
	if row.EventsOfMonth > 0 && row.Events > 0 && taken > 0 {
		perDay := float64(taken) / float64(row.Events) * float64(row.EventsOfMonth) / 30
		left := uint64(float64(free) / perDay)
		state.DaysLeft = &left
	}
	return state
}

// damage is what a table has lost. Where as many rows were found as are expected, the newest state of some is missing.
type damage struct {
	Table string `json:"table"`
	// Of is whose rows they are: a load, totals or a run; empty for the table as a whole.
	Of       string `json:"of"`
	Expected uint64 `json:"rows_expected"`
	Found    uint64 `json:"rows_found"`
	Reason   string `json:"reason"`
}

func damageOf(found *warehouse.DamagedError) []damage {
	list := []damage{}
	if found == nil {
		return list
	}
	for _, each := range found.Damage {
		list = append(list, damage{
			Table: each.Table, Of: each.Of, Expected: each.Expected, Found: each.Found, Reason: each.String(),
		})
	}
	return list
}

type lastLoad struct {
	LoadID        string    `json:"load_id"`
	File          string    `json:"file"`
	CommittedAt   time.Time `json:"committed_at"`
	NewestEventAt time.Time `json:"newest_event_at"` // of all loads
}

type lastAggregate struct {
	RunID      string    `json:"run_id"`
	AsOf       time.Time `json:"as_of"`
	FinishedAt time.Time `json:"finished_at"`
}

type chargeCounts struct {
	Open     uint64 `json:"open"`
	Rejected uint64 `json:"rejected"`
	Posted   uint64 `json:"posted"`
	// Held counts the charges of the plan as of now that are held, by code, also those that hold nothing: a charge with
	// several reasons counts for each. Null where it was not asked for.
	Held map[plan.HoldCode]int `json:"held"`
}

func (a *app) runStatus(ctx context.Context, held bool) error {
	result, err := a.status(ctx)
	if err == nil && held {
		result.Charges.Held, err = a.heldCharges(ctx)
	}
	if err != nil {
		return err
	}
	return a.print(result, result.write)
}

// heldCharges plans as `invoice preview` does, and counts what is held by code.
func (a *app) heldCharges(ctx context.Context) (map[plan.HoldCode]int, error) {
	client, err := a.previewClient()
	if err != nil {
		return nil, err
	}
	planned, err := a.planned(ctx, planning{asOf: a.now().UTC(), client: client})
	if err != nil {
		return nil, err
	}
	counts := planned.HeldByCode()
	for _, code := range plan.PlannedHoldCodes() {
		counts[code] += 0
	}
	return counts, nil
}

// status is how the warehouse stands.
func (a *app) status(ctx context.Context) (result statusResult, err error) {
	w, damaged, err := a.warehouseWithNote(ctx)
	if err != nil {
		return result, err
	}
	monthAgo := a.now().UTC().Add(-30 * 24 * time.Hour)
	rows, err := warehouse.Select[statusRow](ctx, w, "warehouse/status.sql", warehouse.Params{"month_ago": monthAgo})
	if err != nil {
		return result, err
	}
	if len(rows) != 1 {
		return result, fmt.Errorf("read status: want one row, got %d", len(rows))
	}
	result = newStatusResult(w, rows[0])
	taken, free, err := w.Disk(ctx)
	if err != nil {
		return result, err
	}
	result.Disk = newDiskState(rows[0], taken, free)
	result.Damage = damageOf(damaged)
	if result.Jobs, err = warehouse.Select[jobState](ctx, w, "jobs/state.sql", nil); err != nil {
		return result, err
	}
	restored, err := w.Restored(ctx)
	if err != nil {
		return result, err
	}
	if !restored.IsZero() {
		result.RestoredAt = &restored
	}
	result.Inbox, err = a.strays()
	return result, err
}

func newStatusResult(w *warehouse.Warehouse, row statusRow) statusResult {
	result := statusResult{
		Warehouse: w.DSN(), Version: w.Version(), Loads: row.Loads, LoadsUnfinished: row.LoadsUnfinished,
		LoadsSinceRun: row.LoadsSinceRun, Events: row.Events, Rejects: row.Rejects, UnratedRows: row.UnratedRows,
		Charges:     chargeCounts{Open: row.ChargesOpen, Rejected: row.ChargesRejected, Posted: row.ChargesPosted},
		MemoryBytes: row.MemoryBytes,
	}
	if row.LastLoadSeq > 0 {
		result.LastLoad = &lastLoad{
			LoadID: schemas.LoadID(row.LastLoadSeq), File: row.LastLoadFile,
			CommittedAt: row.LastLoadAt.UTC(), NewestEventAt: row.NewestEventAt.UTC(),
		}
	}
	if row.LastRunSeq > 0 {
		result.LastAggregate = &lastAggregate{
			RunID: row.LastRunID, AsOf: row.LastRunAsOf.UTC(), FinishedAt: row.LastRunAt.UTC(),
		}
	}
	return result
}

func (j jobState) text() string {
	switch j.Status {
	case "registered":
		return "has not run yet"
	case "running":
		return "runs since " + j.StartedAt.Format(time.RFC3339)
	case statusError:
		last := "never"
		if j.SucceededAt != nil {
			last = j.SucceededAt.Format(time.RFC3339)
		}
		return fmt.Sprintf("failed at %s, %s since its last success (%s): %s", j.StartedAt.Format(time.RFC3339),
			counted(j.Failures, "failure"), last, j.Message)
	default:
		return strings.TrimSuffix(fmt.Sprintf("%s at %s: %s", j.Status, j.StartedAt.Format(time.RFC3339), j.Message), ": ")
	}
}

func (d diskState) text() string {
	text := fmt.Sprintf("%s, %s free", humanBytes(d.Bytes), humanBytes(d.FreeBytes))
	switch {
	case d.DaysLeft == nil:
	case *d.DaysLeft > 3650:
		text += "; at the pace of the last 30 days it is not full within 10 years"
	default:
		text += fmt.Sprintf("; at the pace of the last 30 days it is full in %s", counted(*d.DaysLeft, "day"))
	}
	return text
}

func (r statusResult) write(out io.Writer) error {
	t := newTable(out)
	t.AppendRow([]any{"warehouse", fmt.Sprintf("%s (ClickHouse %s)", r.Warehouse, r.Version)})
	t.AppendRow([]any{"loads", fmt.Sprintf("%d committed, %d unfinished", r.Loads, r.LoadsUnfinished)})
	t.AppendRow([]any{"rows", fmt.Sprintf("%s, %d rejected", counted(r.Events, "event"), r.Rejects)})
	load, run := "none yet", "none yet"
	if last := r.LastLoad; last != nil {
		load = fmt.Sprintf("%s at %s, newest event %s, from %s", last.LoadID, last.CommittedAt.Format(time.RFC3339),
			last.NewestEventAt.Format(time.RFC3339), last.File)
	}
	if last := r.LastAggregate; last != nil {
		run = fmt.Sprintf("at %s as of %s; %s newer than it, %s",
			last.FinishedAt.Format(time.RFC3339), last.AsOf.Format(time.RFC3339), counted(r.LoadsSinceRun, "load"),
			counted(r.UnratedRows, "unrated row"))
	}
	t.AppendRow([]any{"last load", load})
	t.AppendRow([]any{"last aggregate", run})
	t.AppendRow([]any{"charges", fmt.Sprintf("%d open, %d rejected by Stripe, %d posted",
		r.Charges.Open, r.Charges.Rejected, r.Charges.Posted)})
	for _, code := range plan.HoldCodes() {
		if count := r.Charges.Held[code]; count > 0 {
			t.AppendRow([]any{"held " + string(code), counted(count, "charge")})
		}
	}
	for _, job := range r.Jobs {
		t.AppendRow([]any{"job " + job.Job, job.text()})
	}
	t.AppendRow([]any{"disk", r.Disk.text()})
	if r.RestoredAt != nil {
		t.AppendRow([]any{"restored", "at " + r.RestoredAt.Format(time.RFC3339) +
			"; the first post after it adopts what Stripe holds"})
	}
	for _, each := range r.Damage {
		t.AppendRow([]any{"damage", each.Reason})
	}
	if len(r.Damage) == 0 {
		t.AppendRow([]any{"damage", "none: every row that must be there is"})
	}
	for _, each := range r.Inbox {
		t.AppendRow([]any{"never loaded", each.Path + ": " + each.Reason})
	}
	t.Render()
	return nil
}
