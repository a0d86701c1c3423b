package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// loadFigures are the figures that loads.sql gives.
var loadFigures = slices.Concat(
	[]string{"rows_loaded", "rows_duplicate", "rows_conflict", "rows_rejected", "rows_read", "rows_masked"},
	[]string{"occurred_from", "occurred_to", "event_id_min", "event_id_max"},
)

// loads recounts the rows and tokens of every load and holds them against what was recorded at its commit: rows,
// tokens, and the spans of times and ids that other steps rely on to leave loads out.
func (v *verifier) loads(ctx context.Context, check *findings.Check) error {
	type row struct {
		LoadSeq   uint64   `ch:"load_seq"`
		Status    string   `ch:"status"`
		FoundRows uint64   `ch:"found_rows"`
		Recorded  []string `ch:"recorded"`
		Recounted []string `ch:"recounted"`

		RecordedSums  sums `ch:"recorded_sums"`
		RecountedSums sums `ch:"recounted_sums"`
	}
	rows, err := warehouse.Select[row](ctx, v.warehouse, "verify/loads.sql", nil)
	if err != nil {
		return fmt.Errorf("recount loads: %w", err)
	}
	for _, load := range rows {
		check.LookedAt += load.FoundRows
		switch load.Status {
		case "committed", "withdrawn":
			if len(load.Recounted) == 0 { // a load without any row
				load.Recounted = slices.Repeat([]string{"0"}, len(loadFigures)-4)
			}
			for _, wrong := range []string{
				differences(loadFigures, load.Recorded, load.Recounted), sumDifferences(load.RecordedSums, load.RecountedSums),
			} {
				if wrong != "" {
					check.Problem("%s: %s", schemas.LoadID(load.LoadSeq), wrong)
				}
			}
		case "":
			check.Problem("%s: %d rows belong to it, but there is no such load", schemas.LoadID(load.LoadSeq), load.FoundRows)
		}
	}
	return nil
}

// dailyBatch bounds the events that one statement adds up to check a rollup.
const dailyBatch = 10_000_000

type rollupState struct {
	Timezone     string `ch:"timezone"`
	LoadSeq      uint64 `ch:"load_seq"`
	MarkedRows   uint64 `ch:"marked_rows"`
	MarkedEvents uint64 `ch:"marked_events"`
	DailyRows    uint64 `ch:"daily_rows"`
}

// rollups adds every rolled-up load up from its raw events again, by day, customer and model, and holds each sum
// against the rollup's row; then it holds the totals against the rollup.
func (v *verifier) rollups(ctx context.Context, check *findings.Check) error {
	rolled, err := warehouse.Select[rollupState](ctx, v.warehouse, "verify/rollups.sql", nil)
	if err != nil {
		return fmt.Errorf("list rollups: %w", err)
	}
	var batch []uint64
	var events uint64
	for i, load := range rolled {
		check.LookedAt += load.DailyRows
		if load.MarkedRows != load.DailyRows {
			check.Problem("%s in %s: %d rows were rolled up, %d are there",
				schemas.LoadID(load.LoadSeq), load.Timezone, load.MarkedRows, load.DailyRows)
		}
		batch = append(batch, load.LoadSeq)
		events += load.MarkedEvents
		last := i+1 == len(rolled) || rolled[i+1].Timezone != load.Timezone
		if last || events+rolled[i+1].MarkedEvents > dailyBatch {
			if err := v.daily(ctx, check, load.Timezone, batch); err != nil {
				return err
			}
			batch, events = nil, 0
		}
	}
	if err := v.expired(ctx, check); err != nil {
		return err
	}
	return v.totals(ctx, check)
}

// expired holds the rollup of loads whose raw rows are gone against what their commit recorded.
func (v *verifier) expired(ctx context.Context, check *findings.Check) error {
	type row struct {
		LoadSeq  uint64 `ch:"load_seq"`
		Zone     string `ch:"zone"`
		Recorded sums   `ch:"recorded_sums"`
		Rolled   sums   `ch:"rolled_sums"`
	}
	rows, err := warehouse.Select[row](ctx, v.warehouse, "verify/expired.sql", nil)
	if err != nil {
		return fmt.Errorf("add up loads whose rows expired: %w", err)
	}
	for _, r := range rows {
		if wrong := sumDifferences(r.Rolled, r.Recorded); wrong != "" {
			check.Problem("%s (%s), whose rows expired: %s", schemas.LoadID(r.LoadSeq), r.Zone, wrong)
		}
	}
	return nil
}

// totals adds the rollup up by the spans of days of the latest totals and holds each sum against them.
func (v *verifier) totals(ctx context.Context, check *findings.Check) error {
	type totals struct {
		Seq      uint64   `ch:"totals_seq"`
		Timezone string   `ch:"timezone"`
		Loads    []uint64 `ch:"loads"`
		Rows     uint64   `ch:"rows"`
	}
	last, err := warehouse.Select[totals](ctx, v.warehouse, "verify/last_totals.sql", nil)
	if err != nil {
		return fmt.Errorf("read last totals: %w", err)
	}
	if len(last) == 0 {
		return nil
	}
	check.LookedAt += last[0].Rows
	type row struct {
		Customer string `ch:"customer"`
		Model    string `ch:"used_model"`
		Feature  string `ch:"used_feature"`
		Day      string `ch:"day_text"`
		Totalled sums   `ch:"totalled_sums"`
		Rolled   sums   `ch:"rolled_sums"`
	}
	rows, err := warehouse.Select[row](ctx, v.warehouse, "verify/totals.sql", warehouse.Params{
		"totals_seq": last[0].Seq, "timezone": last[0].Timezone, "loads": last[0].Loads, "most": most,
	})
	if err != nil {
		return fmt.Errorf("add up totals: %w", err)
	}
	for _, r := range rows {
		check.Problem("totals %d, customer %s, %s, days from %s: %s", last[0].Seq, r.Customer,
			named(r.Model, r.Feature), r.Day, sumDifferences(r.Totalled, r.Rolled))
	}
	return nil
}

func (v *verifier) daily(ctx context.Context, check *findings.Check, timezone string, loads []uint64) error {
	type row struct {
		LoadSeq  uint64 `ch:"load_seq"`
		Day      string `ch:"day_text"`
		Customer string `ch:"customer"`
		Model    string `ch:"used_model"`
		Feature  string `ch:"used_feature"`
		Rolled   sums   `ch:"rolled_sums"`
		Raw      sums   `ch:"raw_sums"`
	}
	rows, err := warehouse.Select[row](ctx, v.warehouse, "verify/daily.sql",
		warehouse.Params{"timezone": timezone, "loads": loads, "most": most})
	if err != nil {
		return fmt.Errorf("add up rollups: %w", err)
	}
	for _, r := range rows {
		check.Problem("%s on %s (%s), customer %s, %s: %s", schemas.LoadID(r.LoadSeq), r.Day, timezone,
			r.Customer, named(r.Model, r.Feature), sumDifferences(r.Rolled, r.Raw))
	}
	return nil
}

// named says what was used: a model, or a feature that the log names.
func named(model, feature string) string {
	if feature != "" {
		return "feature " + feature
	}
	return "model " + model
}
