package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// storedRun is the latest run, and what has to be known to compute it again.
type storedRun struct {
	Seq         uint64    `ch:"run_seq"`
	AsOf        time.Time `ch:"as_of"`
	CatalogSHA  string    `ch:"catalog_sha"`
	Loads       uint64    `ch:"loads"`
	Customers   uint64    `ch:"customers"`
	UnratedRows uint64    `ch:"unrated_rows"`
	FinishedAt  time.Time `ch:"finished_at"`
	Catalog     string    `ch:"catalog"`
	// Changed are customers that were imported, attached or granted credits since: the run cannot have had their figures.
	Changed []string `ch:"changed"`

	loads []runLoad // that it saw
}

// runLoad is a load that counted in the run.
type runLoad struct {
	Seq    uint64 `ch:"load_seq"`
	Events uint64 `ch:"events"`
}

// seqs are the numbers of the loads that the run saw; never nil, which would mean those that count now.
func (r *storedRun) seqs() []uint64 {
	seqs := make([]uint64, len(r.loads))
	for i, load := range r.loads {
		seqs[i] = load.Seq
	}
	return seqs
}

// latest returns the latest run; nil when there is none.
func (v *verifier) latest(ctx context.Context) (*storedRun, error) {
	if v.run != nil {
		return v.run, nil
	}
	runs, err := warehouse.Select[storedRun](ctx, v.warehouse, "verify/run.sql", nil)
	if err != nil {
		return nil, fmt.Errorf("read last run: %w", err)
	}
	if len(runs) == 0 {
		return nil, nil
	}
	run := runs[0]
	run.loads, err = warehouse.Select[runLoad](ctx, v.warehouse, "verify/run_loads.sql",
		warehouse.Params{"at": run.FinishedAt})
	if err != nil {
		return nil, fmt.Errorf("list loads of the last run: %w", err)
	}
	v.run = &run
	return v.run, nil
}

// describe says what a check of the run leaves out. False: there is no run to check.
func (r *storedRun) describe(check *findings.Check) bool {
	switch {
	case r == nil:
		check.Note = "nothing is aggregated yet"
	case len(r.Changed) > 0:
		check.Note = fmt.Sprintf("customers changed since the last aggregate, left out: %d", len(r.Changed))
	}
	return r != nil
}

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
		Customer string   `ch:"customer"`
		Stored   []string `ch:"stored_sums"`
		Raw      []string `ch:"raw_sums"`
	}
	rows, err := warehouse.Select[row](ctx, v.warehouse, "verify/usage.sql",
		warehouse.Params{
			"counted": counted, "as_of": run.AsOf, "changed": append([]string{}, run.Changed...), "most": most,
		})
	if err != nil {
		return fmt.Errorf("add up events: %w", err)
	}
	for _, r := range rows {
		check.Problem("customer %s: %s", r.Customer, differences(sumNames, r.Stored, r.Raw))
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

// parseCatalog returns the run's catalog; nil where it is not stored as it was, which is noted as a problem.
func (r *storedRun) parseCatalog(check *findings.Check) (*schemas.Catalog, error) {
	sum := sha256.Sum256([]byte(r.Catalog))
	if hex.EncodeToString(sum[:]) != r.CatalogSHA {
		check.Problem("run ag_%d: the catalog it was priced with is not stored as it was", r.Seq)
		return nil, nil
	}
	catalog, problems := schemas.ParseCatalog(fmt.Sprintf("catalog of run ag_%d", r.Seq), []byte(r.Catalog))
	if catalog == nil {
		return nil, fmt.Errorf("read catalog of the last run: %w", problems.Err())
	}
	return catalog, nil
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

// figureRow is a stored or recomputed row as text: where it belongs and what it says.
type figureRow struct {
	key     []string
	figures []string
}

// compare walks stored and recomputed rows, both in order of their keys, and names those that differ but for the keys
// to be left out.
func compare(
	check *findings.Check, what string, names []string, stored, recomputed func() (figureRow, bool, error),
	leftOut func(key []string) bool,
) error {
	mine, more, err := recomputed()
	if err != nil {
		return err
	}
	for {
		row, found, err := stored()
		if err != nil {
			return err
		}
		for more && (!found || slices.Compare(mine.key, row.key) < 0) {
			if !leftOut(mine.key) {
				check.Problem("%s of %s is missing: %s", what, strings.Join(mine.key, ", "), strings.Join(mine.figures, ", "))
			}
			if mine, more, err = recomputed(); err != nil {
				return err
			}
		}
		if !found {
			return nil
		}
		check.LookedAt++
		if !more || slices.Compare(mine.key, row.key) != 0 {
			if !leftOut(row.key) {
				check.Problem("%s of %s should not be there: %s", what, strings.Join(row.key, ", "),
					strings.Join(row.figures, ", "))
			}
			continue
		}
		if wrong := differences(names, row.figures, mine.figures); wrong != "" && !leftOut(row.key) {
			check.Problem("%s of %s: %s", what, strings.Join(row.key, ", "), wrong)
		}
		if mine, more, err = recomputed(); err != nil {
			return err
		}
	}
}

// changed tells whether a key is that of a customer that changed since the run.
func (r *storedRun) changed(key []string) bool { return slices.Contains(r.Changed, key[0]) }
