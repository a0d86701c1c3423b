package aggregate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// ErrNoRun is returned when stored balances are asked for before the first aggregate run.
var ErrNoRun = errors.New("nothing is aggregated yet; run: creditmill aggregate")

// Current are balances at one instant.
type Current struct {
	AsOf    time.Time
	Catalog *schemas.Catalog
	// Balances are those of the periods that hold AsOf, without features, sorted by customer and credit system.
	Balances []PeriodBalance
	// Changed are customers whose products or grants changed since the balances were stored, sorted: those changes are
	// not in them. Empty where balances were computed.
	Changed []string
	// Problems are those of the customers asked for whose balances cannot be computed.
	Problems []Problem

	finished time.Time // when the run was done that stored them
}

// Balances returns the balances that the last run stored, of the given customers (nil: all). A customer whom the run
// has not seen has a full allowance, of the default product unless another one was attached. Catalog and AsOf are those
// of the run.
func (a *Aggregator) Balances(ctx context.Context, customers []string) (Current, error) {
	run, err := a.lastRun(ctx)
	if err != nil {
		return Current{}, err
	}
	if run.Seq == 0 {
		return Current{}, ErrNoRun
	}
	catalog, problems := schemas.ParseCatalog("catalog of run "+fmt.Sprint(run.Seq), []byte(run.Catalog))
	if catalog == nil {
		return Current{}, fmt.Errorf("read catalog of the last run: %w", problems.Err())
	}
	params := subscription.Only(customers)
	params["run_seq"], params["as_of"] = run.Seq, run.AsOf
	rows, err := warehouse.Select[balanceRow](ctx, a.warehouse, "aggregate/current_balances.sql", params)
	if err != nil {
		return Current{}, fmt.Errorf("read balances: %w", err)
	}
	current := Current{AsOf: run.AsOf, Catalog: catalog, finished: run.FinishedAt}
	for _, row := range rows {
		balance, err := row.balance(catalog)
		if err != nil {
			return Current{}, fmt.Errorf("read balances: %w", err)
		}
		current.Balances = append(current.Balances, balance)
	}
	for i, customer := range run.ProblemCustomers {
		if customers == nil || slices.Contains(customers, customer) {
			current.Problems = append(current.Problems, Problem{CustomerID: customer, Reason: run.ProblemReasons[i]})
		}
	}
	if current.Changed, err = a.changedSince(ctx, run, customers); err != nil {
		return Current{}, err
	}
	return current, a.addUnseen(ctx, customers, &current)
}

// changedSince are those of the customers whose products or grants changed since the run.
func (a *Aggregator) changedSince(ctx context.Context, run runRow, customers []string) ([]string, error) {
	type row struct {
		CustomerID string `ch:"customer_id"`
	}
	params := subscription.Only(customers)
	params["since"] = run.FinishedAt
	rows, err := warehouse.Select[row](ctx, a.warehouse, "aggregate/changed_customers.sql", params)
	if err != nil {
		return nil, fmt.Errorf("look for changes since the last run: %w", err)
	}
	var changed []string
	for _, row := range rows {
		changed = append(changed, row.CustomerID)
	}
	return changed, nil
}

// addUnseen adds the balances of customers whom the run has not seen: they have used nothing.
func (a *Aggregator) addUnseen(ctx context.Context, customers []string, current *Current) error {
	unseen := slices.DeleteFunc(slices.Clone(customers), func(customer string) bool {
		return slices.ContainsFunc(current.Balances, func(b PeriodBalance) bool { return b.CustomerID == customer }) ||
			slices.ContainsFunc(current.Problems, func(p Problem) bool { return p.CustomerID == customer })
	})
	if len(unseen) == 0 {
		return nil
	}
	query := Query{AsOf: current.AsOf, Catalog: current.Catalog, Customers: unseen}
	known, err := a.known(ctx, query)
	if err != nil {
		return err
	}
	layout, err := layOut(query, known, starts{first: current.AsOf})
	if err != nil {
		return err
	}
	result := layout.settle(unseen, make([][]sliceSpend, len(unseen)), rating{query: query})
	current.Problems = append(current.Problems, result.problems...)
	for _, balance := range result.balances {
		if balance.Period.Contains(query.AsOf) {
			current.Balances = append(current.Balances, balance)
		}
	}
	return nil
}

// BalancesAt computes the balances at an instant instead of reading what is stored.
func (a *Aggregator) BalancesAt(ctx context.Context, query Query) (Current, error) {
	all, problems, err := a.ReplayEach(ctx, query)
	if err != nil {
		return Current{}, err
	}
	running := slices.DeleteFunc(all, func(b PeriodBalance) bool { return !b.Period.Contains(query.AsOf) })
	return Current{AsOf: query.AsOf.UTC(), Catalog: query.Catalog, Balances: running, Problems: problems}, nil
}

type balanceRow struct {
	CustomerID    string           `ch:"customer_id"`
	CreditSystem  string           `ch:"credit_system"`
	Product       string           `ch:"product"`
	PeriodStart   time.Time        `ch:"period_start"`
	PeriodEnd     *time.Time       `ch:"period_end"`
	Granted       *decimal.Decimal `ch:"granted"`
	Used          decimal.Decimal  `ch:"used"`
	Balance       *decimal.Decimal `ch:"balance"`
	Remaining     *decimal.Decimal `ch:"remaining"`
	Overage       decimal.Decimal  `ch:"overage"`
	Billable      decimal.Decimal  `ch:"billable"`
	Capped        decimal.Decimal  `ch:"capped"`
	UnratedEvents uint64           `ch:"unrated_events"`
	Trial         bool             `ch:"trial"`
	Seats         uint64           `ch:"seats"`
}

func (r balanceRow) balance(catalog *schemas.Catalog) (PeriodBalance, error) {
	b := PeriodBalance{
		CustomerID: r.CustomerID, CreditSystem: r.CreditSystem, Product: r.Product,
		Period: schemas.Period{Start: r.PeriodStart.UTC()}, Unlimited: r.Granted == nil, Used: r.Used,
		Overage: r.Overage, Billable: r.Billable, Capped: r.Capped, UnratedEvents: r.UnratedEvents,
		Trial: r.Trial, Seats: r.Seats,
	}
	if r.PeriodEnd != nil {
		b.Period.End = r.PeriodEnd.UTC()
	}
	if !b.Unlimited {
		b.Granted, b.Balance, b.Remaining = *r.Granted, *r.Balance, *r.Remaining
	}
	product, ok := catalog.Product(r.Product)
	if !ok {
		return PeriodBalance{}, subscription.UnknownProduct(catalog, r.Product)
	}
	b.Terms = catalog.Terms(b.CustomerID, product, b.Period.Start).WithSeats(b.Seats)
	if b.Trial {
		b.Terms = b.Terms.InTrial()
	}
	return b, nil
}
