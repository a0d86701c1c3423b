package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/aggregate"
)

func newBalanceCommand(a *app) *cobra.Command {
	var at string
	command := &cobra.Command{
		Use:     "balance [CUSTOMER]",
		Short:   "Show the credits of one customer or all",
		Example: "  creditmill balance\n  creditmill balance acme --at 2026-10-15",
		Long: "Shows the balances of the last aggregate run. With --at they are computed for that time from all usage that " +
			"is loaded now.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error { return a.runBalance(command.Context(), args, at) },
	}
	command.Flags().StringVar(&at, "at", "", "compute the balance for this time")
	return command
}

// balanceResult is one element of the JSON of balance.
type balanceResult struct {
	CustomerID   string           `json:"customer_id"`
	Product      string           `json:"product"`
	CreditSystem string           `json:"credit_system"`
	PeriodStart  time.Time        `json:"period_start"`
	PeriodEnd    *time.Time       `json:"period_end"`
	Granted      *decimal.Decimal `json:"granted"`
	Used         decimal.Decimal  `json:"used"`
	Balance      *decimal.Decimal `json:"balance"`
	Remaining    *decimal.Decimal `json:"remaining"`
	Overage      decimal.Decimal  `json:"overage"`
	Billable     decimal.Decimal  `json:"billable"`
	Capped       decimal.Decimal  `json:"capped"`
}

func newBalanceResult(b aggregate.PeriodBalance) balanceResult {
	result := balanceResult{
		CustomerID: b.CustomerID, Product: b.Product, CreditSystem: b.CreditSystem, PeriodStart: b.Period.Start,
		Used: b.Used, Overage: b.Overage, Billable: b.Billable, Capped: b.Capped,
	}
	if !b.Period.End.IsZero() {
		result.PeriodEnd = &b.Period.End
	}
	if !b.Unlimited {
		result.Granted, result.Balance, result.Remaining = &b.Granted, &b.Balance, &b.Remaining
	}
	return result
}

func (a *app) runBalance(ctx context.Context, customers []string, at string) error {
	if len(customers) == 0 {
		customers = nil
	}
	current, err := a.balances(ctx, customers, at)
	if errors.Is(err, aggregate.ErrNoRun) {
		a.note("%v", err)
		err = nil
	}
	if err != nil {
		return err
	}
	rows := make([]balanceResult, 0, len(current.Balances))
	for _, balance := range current.Balances {
		rows = append(rows, newBalanceResult(balance))
	}
	if len(current.Changed) > 0 {
		a.note("not in these balances, since it came after the last aggregate: a change of %s; run: creditmill aggregate",
			someOf(current.Changed))
	}
	err = a.print(rows, func(w io.Writer) error {
		if len(rows) == 0 {
			return nil
		}
		writeBalances(w, rows)
		a.note("as of %s", current.AsOf.Format(time.RFC3339))
		return nil
	})
	return errors.Join(err, problemsError(customerProblems(current.Problems)))
}

func (a *app) balances(ctx context.Context, customers []string, at string) (aggregate.Current, error) {
	worker, err := a.aggregator(ctx)
	if err != nil {
		return aggregate.Current{}, err
	}
	if at == "" {
		return worker.Balances(ctx, customers)
	}
	catalog, err := a.catalog()
	if err != nil {
		return aggregate.Current{}, err
	}
	instant, err := a.parseTime("at", at)
	if err != nil {
		return aggregate.Current{}, err
	}
	return worker.BalancesAt(ctx, aggregate.Query{AsOf: instant, Catalog: catalog, Customers: customers})
}

// someOf names a few of many customers.
func someOf(customers []string) string {
	const most = 3
	if len(customers) <= most {
		return strings.Join(customers, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(customers[:most], ", "), len(customers)-most)
}

func writeBalances(w io.Writer, rows []balanceResult) {
	t := newTable(w, "customer", "product", "credits", "from", "to", "granted", "used", "balance", "billable", "capped")
	var configs []table.ColumnConfig
	for number := 6; number <= 10; number++ {
		configs = append(configs, table.ColumnConfig{Number: number, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(configs)
	for _, row := range rows {
		t.AppendRow(table.Row{
			row.CustomerID, row.Product, row.CreditSystem, shortTime(&row.PeriodStart), shortTime(row.PeriodEnd),
			orUnlimited(row.Granted), row.Used, orUnlimited(row.Balance), row.Billable, row.Capped,
		})
	}
	t.Render()
}

// shortTime leaves midnight out.
func shortTime(at *time.Time) string {
	switch {
	case at == nil:
		return "never"
	case at.IsZero():
		return ""
	case at.Equal(at.Truncate(24 * time.Hour)):
		return at.Format(time.DateOnly)
	default:
		return at.Format(time.RFC3339)
	}
}

func orUnlimited(credits *decimal.Decimal) string {
	if credits == nil {
		return "unlimited"
	}
	return credits.String()
}
