package aggregate

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// figureWriter stores a run's balances and spend, those of many customers at a time.
type figureWriter struct {
	aggregator *Aggregator
	run        uint64
	balances   uint64 // written so far

	customers             int // in the tables
	newBalances, newSpend *ext.Table
}

// add takes the figures of the next customers, and writes when there are enough.
func (w *figureWriter) add(ctx context.Context, part replayed) (err error) {
	if w.newBalances == nil {
		if w.newBalances, err = newBalanceTable(); err == nil {
			w.newSpend, err = newSpendTable()
		}
		if err != nil {
			return fmt.Errorf("set up figures to store: %w", err)
		}
	}
	for _, b := range part.balances {
		var end any
		if !b.Period.End.IsZero() {
			end = b.Period.End
		}
		err := w.newBalances.Append(b.CustomerID, b.CreditSystem, b.Product, b.Period.Start, end, b.Unlimited, b.Granted,
			b.Used, b.Billable, b.UnratedEvents, b.Trial)
		if err != nil {
			return fmt.Errorf("set up balance of customer %s: %w", b.CustomerID, err)
		}
	}
	for _, r := range part.spendRows() {
		err := w.newSpend.Append(r.customer, r.system, r.start, r.FeatureID, r.Events, r.Tokens[0], r.Tokens[1], r.Tokens[2],
			r.Tokens[3], r.Tokens[4], r.Credits)
		if err != nil {
			return fmt.Errorf("set up spend of customer %s: %w", r.customer, err)
		}
	}
	w.balances += uint64(len(part.balances))
	if w.customers += part.customers; w.customers < w.aggregator.customersAtOnce {
		return nil
	}
	return w.flush(ctx)
}

// flush writes what was added.
func (w *figureWriter) flush(ctx context.Context) error {
	if w.newBalances == nil {
		return nil
	}
	both, writing := errgroup.WithContext(ctx)
	for statement, table := range map[string]*ext.Table{
		"aggregate/insert_balances.sql": w.newBalances, "aggregate/insert_period_spend.sql": w.newSpend,
	} {
		both.Go(func() error {
			return w.aggregator.warehouse.Exec(withTables(writing, table), statement, warehouse.Params{"run_seq": w.run})
		})
	}
	w.customers, w.newBalances, w.newSpend = 0, nil, nil
	if err := both.Wait(); err != nil {
		return fmt.Errorf("store balances and spend: %w", err)
	}
	return nil
}

// newBalanceTable holds what a balance's other figures follow from; insert_balances.sql derives them by the rules that
// the replay has held them against.
func newBalanceTable() (*ext.Table, error) {
	return ext.NewTable("new_balances",
		ext.Column("customer_id", "String"), ext.Column("credit_system", "String"), ext.Column("product", "String"),
		ext.Column("period_start", "DateTime64(9, 'UTC')"), ext.Column("period_end", "Nullable(DateTime64(9, 'UTC'))"),
		ext.Column("unlimited", "Bool"), ext.Column("granted", "Decimal(76, 18)"), ext.Column("used", "Decimal(76, 18)"),
		ext.Column("billable", "Decimal(76, 18)"), ext.Column("unrated_events", "UInt64"), ext.Column("trial", "Bool"))
}

func newSpendTable() (*ext.Table, error) {
	columns := []func(*ext.Table) error{
		ext.Column("customer_id", "String"), ext.Column("credit_system", "String"),
		ext.Column("period_start", "DateTime64(9, 'UTC')"), ext.Column("feature_id", "String"),
		ext.Column("events", "UInt64"),
	}
	for _, column := range schemas.PoolColumns {
		columns = append(columns, ext.Column(column, "UInt128"))
	}
	return ext.NewTable("new_spend", append(columns, ext.Column("credits", "Decimal(76, 18)"))...)
}
