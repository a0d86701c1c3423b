package aggregate

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/warehouse"
)

// figureWriter stores a run's balances and spend, those of many customers at a time.
type figureWriter struct {
	aggregator *Aggregator
	run        uint64
	// Rows written so far.
	balances, spend uint64

	customers             int // in the tables
	newBalances, newSpend *ext.Table
	// The rows of one part on their way into the tables.
	balanceRows balanceColumns
	spendRows   spendColumns
	// writing is done when the tables before these are written.
	writing *errgroup.Group
}

// balanceColumns are rows of new_balances, which has what a balance's other figures follow from; insert_balances.sql
// derives them by the rules that the replay has held them against.
type balanceColumns struct {
	customers, systems, products []string
	starts                       []time.Time
	ends                         []*time.Time
	unlimited, trial             []bool
	granted, used, billable      []decimal.Decimal
	unrated, seats               []uint64
}

// spendColumns are rows of new_spend.
type spendColumns struct {
	customers, systems, features []string
	starts                       []time.Time
	events                       []uint64
	units                        []map[string]decimal.Decimal
	credits                      []decimal.Decimal
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
	w.balanceRows.clear()
	for i := range part.balances {
		w.balanceRows.add(&part.balances[i])
	}
	w.spendRows.clear()
	spent := part.spendRows()
	for _, row := range spent {
		w.spendRows.add(row)
	}
	if err = w.balanceRows.fill(w.newBalances); err == nil {
		err = w.spendRows.fill(w.newSpend)
	}
	if err != nil {
		return fmt.Errorf("set up figures to store: %w", err)
	}
	w.balances += uint64(len(part.balances))
	w.spend += uint64(len(spent))
	w.customers += part.customers
	if w.customers < w.aggregator.customersAtOnce {
		return nil
	}
	return w.flush(ctx)
}

func (c *balanceColumns) clear() {
	*c = balanceColumns{
		customers: c.customers[:0], systems: c.systems[:0], products: c.products[:0], starts: c.starts[:0],
		ends: c.ends[:0], unlimited: c.unlimited[:0], trial: c.trial[:0], granted: c.granted[:0], used: c.used[:0],
		billable: c.billable[:0], unrated: c.unrated[:0], seats: c.seats[:0],
	}
}

func (c *spendColumns) clear() {
	*c = spendColumns{
		customers: c.customers[:0], systems: c.systems[:0], features: c.features[:0], starts: c.starts[:0],
		events: c.events[:0], units: c.units[:0], credits: c.credits[:0],
	}
}

func (c *balanceColumns) add(b *PeriodBalance) {
	var end *time.Time
	if !b.Period.End.IsZero() {
		end = new(time.Time)
		*end = b.Period.End
	}
	c.customers, c.systems = append(c.customers, b.CustomerID), append(c.systems, b.CreditSystem)
	c.products = append(c.products, b.Product)
	c.starts, c.ends = append(c.starts, b.Period.Start), append(c.ends, end)
	c.unlimited, c.trial = append(c.unlimited, b.Unlimited), append(c.trial, b.Trial)
	c.granted, c.used, c.billable = append(c.granted, b.Granted), append(c.used, b.Used), append(c.billable, b.Billable)
	c.unrated, c.seats = append(c.unrated, b.UnratedEvents), append(c.seats, b.Seats)
}

func (c *spendColumns) add(row Spend) {
	c.customers, c.systems = append(c.customers, row.CustomerID), append(c.systems, row.CreditSystem)
	c.features, c.starts = append(c.features, row.FeatureID), append(c.starts, row.PeriodStart)
	c.events, c.credits = append(c.events, row.Events), append(c.credits, row.Credits)
	c.units = append(c.units, row.Units.ByUnit())
}

func (c *balanceColumns) fill(table *ext.Table) error {
	return fill(table, c.customers, c.systems, c.products, c.starts, c.ends, c.unlimited, c.granted, c.used, c.billable,
		c.unrated, c.trial, c.seats)
}

func (c *spendColumns) fill(table *ext.Table) error {
	return fill(table, c.customers, c.systems, c.starts, c.features, c.events, c.credits, c.units)
}

// flush begins to write what was added, once all before it is written.
func (w *figureWriter) flush(ctx context.Context) error {
	if err := w.wait(); err != nil || w.newBalances == nil {
		return err
	}
	both, writing := errgroup.WithContext(ctx)
	for statement, table := range map[string]*ext.Table{
		"aggregate/insert_balances.sql": w.newBalances, "aggregate/insert_period_spend.sql": w.newSpend,
	} {
		both.Go(func() error {
			return w.aggregator.warehouse.Exec(writing, statement, warehouse.Params{
				"run_seq": w.run, table.Name(): table,
			})
		})
	}
	w.customers, w.newBalances, w.newSpend, w.writing = 0, nil, nil, both
	return nil
}

// wait returns when nothing is being written any more.
func (w *figureWriter) wait() error {
	if w.writing == nil {
		return nil
	}
	err := w.writing.Wait()
	w.writing = nil
	if err != nil {
		return fmt.Errorf("store balances and spend: %w", err)
	}
	return nil
}

func newBalanceTable() (*ext.Table, error) {
	return ext.NewTable("new_balances",
		ext.Column("customer_id", "String"), ext.Column("credit_system", "String"), ext.Column("product", "String"),
		ext.Column("period_start", "DateTime64(9, 'UTC')"), ext.Column("period_end", "Nullable(DateTime64(9, 'UTC'))"),
		ext.Column("unlimited", "Bool"), ext.Column("granted", "Decimal(76, 18)"), ext.Column("used", "Decimal(76, 18)"),
		ext.Column("billable", "Decimal(76, 18)"), ext.Column("unrated_events", "UInt64"), ext.Column("trial", "Bool"),
		ext.Column("seats", "UInt64"))
}

func newSpendTable() (*ext.Table, error) {
	return ext.NewTable("new_spend",
		ext.Column("customer_id", "String"), ext.Column("credit_system", "String"),
		ext.Column("period_start", "DateTime64(9, 'UTC')"), ext.Column("feature_id", "String"),
		ext.Column("events", "UInt64"), ext.Column("credits", "Decimal(76, 18)"),
		ext.Column("quantities", "Map(String, Decimal(76, 9))"))
}
