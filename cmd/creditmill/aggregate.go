package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/warehouse"
)

func newAggregateCommand(a *app) *cobra.Command {
	var asOf string
	command := &cobra.Command{
		Use:     "aggregate",
		Short:   "Roll up new usage, price it and bring all balances up to date",
		Example: "  creditmill aggregate\n  creditmill aggregate --as-of 2026-11-01",
		Long: "Rolls up the loads that are new, prices all usage by the catalog and burns it down against each customer's " +
			"allowance. The balances become visible together. Running it again changes nothing.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return a.runAggregate(command.Context(), asOf) },
	}
	command.Flags().StringVar(&asOf, "as-of", "", "count events before this time (default now)")
	return command
}

// aggregateResult is the JSON of aggregate.
type aggregateResult struct {
	RunID       string    `json:"run_id"`
	AsOf        time.Time `json:"as_of"`
	Loads       uint64    `json:"loads"`
	Customers   uint64    `json:"customers"`
	UnratedRows uint64    `json:"unrated_rows"`
	ElapsedMS   uint64    `json:"elapsed_ms"`
	// Problems are the customers whose balances are missing, wholly or from a period on.
	Problems []customerProblem `json:"problems"`
}

// customerProblem says why figures of a customer are missing.
type customerProblem struct {
	CustomerID string `json:"customer_id"`
	Reason     string `json:"reason"`
}

func customerProblems(problems []aggregate.Problem) []customerProblem {
	list := make([]customerProblem, 0, len(problems))
	for _, problem := range problems {
		list = append(list, customerProblem{problem.CustomerID, problem.String()})
	}
	return list
}

// problemsError makes the command end as one that left customers out; nil without any.
func problemsError(problems []customerProblem) error {
	if len(problems) == 0 {
		return nil
	}
	reasons := make([]string, 0, len(problems))
	for _, problem := range problems {
		reasons = append(reasons, problem.Reason)
	}
	const most = 10
	if len(reasons) > most {
		reasons = append(reasons[:most], fmt.Sprintf("and %d more", len(problems)-most))
	}
	return &partialError{Reason: "figures of " + counted(len(problems), "customer") + " cannot be computed; all others " +
		"are not touched by it:\n  " + strings.Join(reasons, "\n  ")}
}

func (a *app) runAggregate(ctx context.Context, asOf string) error {
	run, err := a.aggregate(ctx, asOf)
	if err != nil {
		return err
	}
	err = a.print(run, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s: balances of %s from %s, as of %s\n", run.RunID,
			counted(run.Customers, "customer"), counted(run.Loads, "load"), run.AsOf.Format(time.RFC3339))
		if err == nil && run.UnratedRows > 0 {
			_, err = fmt.Fprintf(w, "unrated events: %d, whose model, feature, unit or time the catalog does not price; "+
				"add the price and aggregate again\n", run.UnratedRows)
		}
		return err
	})
	return errors.Join(err, problemsError(run.Problems))
}

// aggregateJob is aggregate as the cron runs it.
func (a *app) aggregateJob(ctx context.Context) error {
	run, err := a.aggregate(ctx, "")
	if err == nil {
		err = problemsError(run.Problems)
	}
	return err
}

func (a *app) aggregate(ctx context.Context, asOf string) (aggregateResult, error) {
	catalog, err := a.catalog()
	if err != nil {
		return aggregateResult{}, err
	}
	instant, err := a.asOf("as-of", asOf)
	if err != nil {
		return aggregateResult{}, err
	}
	worker, release, err := a.aggregateWriter(ctx)
	if err != nil {
		return aggregateResult{}, err
	}
	defer release()
	run, err := worker.Run(ctx, instant, catalog)
	if err != nil {
		return aggregateResult{}, err
	}
	return aggregateResult{
		RunID: run.ID, AsOf: run.AsOf, Loads: run.Loads, Customers: run.Customers, UnratedRows: run.UnratedRows,
		ElapsedMS: run.ElapsedMS, Problems: customerProblems(run.Problems),
	}, nil
}

// aggregator opens the warehouse for reading balances.
func (a *app) aggregator(ctx context.Context) (*aggregate.Aggregator, error) {
	w, err := a.warehouse(ctx)
	if err != nil {
		return nil, err
	}
	return a.newAggregator(w), nil
}

// aggregateWriter is aggregator with the writer lock, which release gives back.
func (a *app) aggregateWriter(ctx context.Context) (worker *aggregate.Aggregator, release func(), err error) {
	w, err := a.warehouse(ctx, warehouse.TablesOfFigures...)
	if err != nil {
		return nil, nil, err
	}
	if release, err = a.lockWriter(ctx, w); err != nil {
		return nil, nil, err
	}
	return a.newAggregator(w), release, nil
}
