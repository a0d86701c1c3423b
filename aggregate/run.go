package aggregate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// keptRuns is how many of the latest runs keep their rows; a reader that began before a newer run ended still finds its
// own.
const keptRuns = 3

// Run describes a finished aggregate run.
type Run struct {
	Seq         uint64
	ID          string
	AsOf        time.Time
	Loads       uint64
	Customers   uint64
	UnratedRows uint64
	ElapsedMS   uint64
	// Problems are those of customers whose figures are missing in the run, wholly or from a period on.
	Problems []Problem
}

// Run rolls up what is new, replays all customers as of an instant and stores the balances. They become visible with
// the run's own row, which is written last. The caller holds the warehouse's writer lock. Running again gives the same
// figures under the next number.
func (a *Aggregator) Run(ctx context.Context, asOf time.Time, catalog *schemas.Catalog) (Run, error) {
	started := a.now()
	query := Query{AsOf: asOf, Catalog: catalog}
	run := Run{AsOf: asOf.UTC()}
	loads, err := a.loadsToRollUp(ctx, catalog, asOf)
	if err != nil {
		return Run{}, err
	}
	var begun replaying
	prices := make(chan pricebook.Books, 1) // as soon as they are known
	var rolled []loadState
	var unchecked rollup
	all, beginning := errgroup.WithContext(ctx)
	all.Go(func() (err error) {
		rolled, unchecked, err = a.rollUp(beginning, catalog.Timezone, loads, received(prices))
		return err
	})
	all.Go(func() (err error) {
		begun, err = a.begin(beginning, query, loads, func(books pricebook.Books) { prices <- books })
		return err
	})
	all.Go(func() (err error) {
		if run.Seq, err = a.nextRun(beginning); err != nil {
			return err
		}
		run.ID = "ag_" + strconv.FormatUint(run.Seq, 10)
		return a.StoreCatalog(beginning, catalog)
	})
	if err := all.Wait(); err != nil {
		return Run{}, err
	}
	begun.loads, begun.keepTotals = rolled, true
	begun.checked = sync.OnceValue(func() error { return a.finishRollup(ctx, unchecked) })
	go begun.checked() //nolint:errcheck // whoever needs the answer waits for it below
	figures := figureWriter{aggregator: a, run: run.Seq}
	result, err := a.goOn(ctx, begun, func(part replayed) error {
		run.UnratedRows += part.unratedEvents()
		run.Problems = append(run.Problems, part.problems...)
		return figures.add(ctx, part)
	})
	if err == nil {
		err = figures.flush(ctx)
	}
	if err := errors.Join(err, figures.wait(), begun.checked()); err != nil {
		return Run{}, err
	}
	a.fault("after-balances")
	run.Loads, run.Customers = uint64(result.loads), uint64(result.customers)
	atEnd, checking := errgroup.WithContext(ctx)
	atEnd.Go(func() error { return a.checkBalances(checking, run, figures.balances) })
	atEnd.Go(func() error { return a.storePrices(checking, catalog, result.uses) })
	if err := atEnd.Wait(); err != nil {
		return Run{}, err
	}
	a.fault("after-prices")
	run.ElapsedMS = uint64(a.now().Sub(started).Milliseconds())
	if err := a.insertRun(ctx, run, catalog, figures); err != nil {
		return Run{}, err
	}
	a.log.Info().Str("run_id", run.ID).Uint64("customers", run.Customers).Uint64("elapsed_ms", run.ElapsedMS).
		Msg("aggregate_finished")
	return run, nil
}

// received waits for books.
func received(prices <-chan pricebook.Books) func(context.Context) (pricebook.Books, error) {
	return func(ctx context.Context) (pricebook.Books, error) {
		select {
		case books := <-prices:
			return books, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// insertRun makes the run visible, with the figures that were written for it.
func (a *Aggregator) insertRun(
	ctx context.Context, run Run, catalog *schemas.Catalog, figures figureWriter,
) error {
	without, reasons := make([]string, len(run.Problems)), make([]string, len(run.Problems))
	for i, problem := range run.Problems {
		without[i], reasons[i] = problem.CustomerID, problem.String()
	}
	err := a.warehouse.Exec(ctx, "aggregate/insert_run.sql", warehouse.Params{
		"run_seq": run.Seq, "run_id": run.ID, "as_of": run.AsOf, "catalog_sha": catalog.SHA256,
		"timezone": catalog.Timezone.String(), "loads": run.Loads, "customers": run.Customers,
		"unrated_rows": run.UnratedRows, "balance_rows": figures.balances, "spend_rows": figures.spend,
		"finished_at": a.now().UTC(), "elapsed_ms": run.ElapsedMS,
		"problem_customers": without, "problem_reasons": reasons,
	})
	if err != nil {
		return fmt.Errorf("finish run %s: %w", run.ID, err)
	}
	a.fault("after-run")
	return nil
}

// runRow is the latest finished run; its zero value means that there is none.
type runRow struct {
	Seq        uint64    `ch:"run_seq"`
	AsOf       time.Time `ch:"as_of"`
	FinishedAt time.Time `ch:"finished_at"`
	CatalogSHA string    `ch:"catalog_sha"`
	Catalog    string    `ch:"catalog"`
	// The customers without figures, and why.
	ProblemCustomers []string `ch:"problem_customers"`
	ProblemReasons   []string `ch:"problem_reasons"`
}

func (a *Aggregator) lastRun(ctx context.Context) (runRow, error) {
	rows, err := warehouse.Select[runRow](ctx, a.warehouse, "aggregate/last_run.sql", nil)
	if err != nil {
		return runRow{}, fmt.Errorf("read last run: %w", err)
	}
	if len(rows) == 0 {
		return runRow{}, nil
	}
	rows[0].AsOf = rows[0].AsOf.UTC()
	return rows[0], nil
}

// nextRun is the number of a run that begins now. Rows that would be in its way are removed.
func (a *Aggregator) nextRun(ctx context.Context) (uint64, error) {
	last, err := a.lastRun(ctx)
	if err != nil {
		return 0, err
	}
	return last.Seq + 1, a.dropRuns(ctx, last.Seq+1)
}

// dropRuns removes the rows of runs that are too old, and what a killed run left under the number that comes next.
func (a *Aggregator) dropRuns(ctx context.Context, next uint64) error {
	type stored struct {
		Table string `ch:"table"`
		Seq   uint64 `ch:"run_seq"`
	}
	runs, err := warehouse.Select[stored](ctx, a.warehouse, "aggregate/stored_runs.sql", nil)
	if err != nil {
		return fmt.Errorf("list stored runs: %w", err)
	}
	for _, run := range runs {
		if run.Seq < next && run.Seq+keptRuns >= next {
			continue
		}
		statement := "aggregate/drop_run_balances.sql"
		if run.Table == "period_spend" {
			statement = "aggregate/drop_run_spend.sql"
		}
		if err := a.warehouse.Exec(ctx, statement, warehouse.Params{"run_seq": run.Seq}); err != nil {
			return fmt.Errorf("drop run %d: %w", run.Seq, err)
		}
	}
	return nil
}

// StoreCatalog keeps the catalog's text, so that figures made with it can be explained later.
func (a *Aggregator) StoreCatalog(ctx context.Context, catalog *schemas.Catalog) error {
	err := a.warehouse.Exec(ctx, "aggregate/insert_catalog.sql", warehouse.Params{
		"catalog_sha": catalog.SHA256, "text": string(catalog.Text), "seen_at": a.now().UTC(),
	})
	if err != nil {
		return fmt.Errorf("store catalog: %w", err)
	}
	return nil
}

// checkBalances reads the run's rows back and holds them against the rules once more.
func (a *Aggregator) checkBalances(ctx context.Context, run Run, written uint64) error {
	var rows, broken uint64
	err := a.warehouse.QueryRow(ctx, "aggregate/broken_balances.sql", warehouse.Params{"run_seq": run.Seq}, &rows, &broken)
	if err != nil {
		return fmt.Errorf("read balances back: %w", err)
	}
	if broken > 0 || rows != written {
		return fmt.Errorf("store balances: %w: %d rows written, %d read back, %d of them do not add up",
			ErrInvariant, written, rows, broken)
	}
	return nil
}
