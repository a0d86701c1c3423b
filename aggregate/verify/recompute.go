package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// usage adds up each customer's raw events by a way of its own and holds them against the stored spend.
func (v *verifier) usage(ctx context.Context, check *findings.Check) error {
	run, err := v.latest(ctx)
	if err != nil || !run.describe(check) {
		return err
	}
	if run.Loads != uint64(len(run.loads)) {
		check.Problem("run ag_%d counted %d loads, %d are there of that time", run.Seq, run.Loads, len(run.loads))
	}
	counted, err := ext.NewTable("counted", ext.Column("load_seq", "UInt64"))
	if err != nil {
		return fmt.Errorf("set up loads: %w", err)
	}
	for _, load := range run.loads {
		check.LookedAt += load.Events
		if err := counted.Append(load.Seq); err != nil {
			return fmt.Errorf("set up load %s: %w", schemas.LoadID(load.Seq), err)
		}
	}
	type row struct {
		Customer string `ch:"customer"`
		Stored   sums   `ch:"stored_sums"`
		Raw      sums   `ch:"raw_sums"`
	}
	rows, err := warehouse.Select[row](ctx, v.warehouse, "verify/usage.sql",
		warehouse.Params{
			"counted": counted, "as_of": run.AsOf, "changed": append([]string{}, run.Changed...), "most": most,
			"timezone": run.Timezone,
		})
	if err != nil {
		return fmt.Errorf("add up events: %w", err)
	}
	for _, r := range rows {
		check.Problem("customer %s: %s", r.Customer, sumDifferences(r.Stored, r.Raw))
	}
	return nil
}

// recompute replays everything from the raw events, as the latest run had them, and compares each stored row.
func (v *verifier) recompute(ctx context.Context, check *findings.Check) error {
	run, err := v.latest(ctx)
	if err != nil || !run.describe(check) {
		return err
	}
	catalog, err := run.parseCatalog(check)
	if catalog == nil {
		return err
	}
	result, err := v.aggregator.Recompute(ctx, aggregate.Query{
		AsOf: run.AsOf, Catalog: catalog, Loads: run.seqs(), Raw: true,
	})
	if errors.Is(err, aggregate.ErrInvariant) {
		check.Problem("run ag_%d cannot be computed again: %v", run.Seq, err)
		return nil
	}
	if err != nil {
		return err
	}
	if len(run.Changed) == 0 {
		stored := []string{fmt.Sprint(run.Customers), fmt.Sprint(run.UnratedRows)}
		found := []string{fmt.Sprint(result.Customers), fmt.Sprint(result.UnratedEvents)}
		if wrong := differences([]string{"customers", "unrated_rows"}, stored, found); wrong != "" {
			check.Problem("run ag_%d: %s", run.Seq, wrong)
		}
	}
	if err := v.compareBalances(ctx, check, run, result.Balances); err != nil {
		return err
	}
	if err := v.compareSpend(ctx, check, run, result.Spend); err != nil {
		return err
	}
	return v.stillLatest(ctx, run)
}

// ErrRunMeanwhile is returned when an aggregate run finished while the one before it was verified.
var ErrRunMeanwhile = errors.New("an aggregate run finished meanwhile; run: creditmill verify")

func (v *verifier) stillLatest(ctx context.Context, run *storedRun) error {
	runs, err := warehouse.Select[storedRun](ctx, v.warehouse, "verify/run.sql", nil)
	if err != nil {
		return fmt.Errorf("read last run: %w", err)
	}
	if runs[0].Seq != run.Seq {
		return ErrRunMeanwhile
	}
	return nil
}
