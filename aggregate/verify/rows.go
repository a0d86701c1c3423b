package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/schemas"
)

var (
	balanceNames = []string{
		"product", "period_end", "granted", "used", "balance", "remaining", "overage", "billable", "capped",
		"unrated_events", "trial", "seats",
	}
	spendNames = []string{"events", "credits"}
)

func (v *verifier) compareBalances(
	ctx context.Context, check *findings.Check, run *storedRun, balances []aggregate.PeriodBalance,
) error {
	rows, err := v.warehouse.Query(ctx, "verify/stored_balances.sql", nil)
	if err != nil {
		return fmt.Errorf("read balances: %w", err)
	}
	defer rows.Close()
	found := eachRow(rows, func() (figureRow, error) {
		var r balanceRow
		err := rows.Scan(&r.CustomerID, &r.CreditSystem, &r.Product, &r.PeriodStart, &r.PeriodEnd, &r.Granted, &r.Used,
			&r.Balance, &r.Remaining, &r.Overage, &r.Billable, &r.Capped, &r.UnratedEvents, &r.Trial, &r.Seats)
		return r.figureRow(), err
	})
	next := 0
	recomputed := func() (figureRow, bool, error) {
		if next == len(balances) {
			return figureRow{}, false, nil
		}
		next++
		return stored(balances[next-1]).figureRow(), true, nil
	}
	return compare(check, "balance", balanceNames, found, recomputed, run.changed)
}

// eachRow makes rows of the warehouse a sequence.
func eachRow(rows driver.Rows, scan func() (figureRow, error)) func() (figureRow, bool, error) {
	return func() (figureRow, bool, error) {
		if !rows.Next() {
			return figureRow{}, false, rows.Err()
		}
		row, err := scan()
		return row, err == nil, err
	}
}

// balanceRow is a row of balances.
type balanceRow struct {
	CustomerID, CreditSystem, Product string
	PeriodStart                       time.Time
	PeriodEnd                         *time.Time
	Granted                           *decimal.Decimal
	Used                              decimal.Decimal
	Balance, Remaining                *decimal.Decimal
	Overage, Billable, Capped         decimal.Decimal
	UnratedEvents                     uint64
	Trial                             bool
	Seats                             uint64
}

// stored is the balance as its row is stored.
func stored(b aggregate.PeriodBalance) balanceRow {
	row := balanceRow{
		CustomerID: b.CustomerID, CreditSystem: b.CreditSystem, Product: b.Product, PeriodStart: b.Period.Start,
		Used: b.Used, Overage: b.Overage, Billable: b.Billable, Capped: b.Capped, UnratedEvents: b.UnratedEvents,
		Trial: b.Trial, Seats: b.Seats,
	}
	if !b.Period.End.IsZero() {
		row.PeriodEnd = &b.Period.End
	}
	if !b.Unlimited {
		row.Granted, row.Balance, row.Remaining = &b.Granted, &b.Balance, &b.Remaining
	}
	return row
}

func (r balanceRow) figureRow() figureRow {
	end := "never"
	if r.PeriodEnd != nil {
		end = r.PeriodEnd.UTC().Format(time.RFC3339Nano)
	}
	return figureRow{
		key: []string{r.CustomerID, r.CreditSystem, r.PeriodStart.UTC().Format(keyTime)},
		figures: []string{
			r.Product, end, creditText(r.Granted), r.Used.String(), creditText(r.Balance), creditText(r.Remaining),
			r.Overage.String(), r.Billable.String(), r.Capped.String(), fmt.Sprint(r.UnratedEvents), fmt.Sprint(r.Trial),
			fmt.Sprint(r.Seats),
		},
	}
}

func creditText(credits *decimal.Decimal) string {
	if credits == nil {
		return "unlimited"
	}
	return credits.String()
}

func spendFigures(r aggregate.Spend) figureRow {
	return figureRow{
		key:     []string{r.CustomerID, r.CreditSystem, r.PeriodStart.UTC().Format(keyTime), r.FeatureID},
		figures: []string{fmt.Sprint(r.Events), r.Credits.String()},
		sums:    r.Units.ByUnit(),
	}
}

func (v *verifier) compareSpend(
	ctx context.Context, check *findings.Check, run *storedRun, spent []aggregate.Spend,
) error {
	rows, err := v.warehouse.Query(ctx, "verify/stored_spend.sql", nil)
	if err != nil {
		return fmt.Errorf("read spend: %w", err)
	}
	defer rows.Close()
	stored := eachRow(rows, func() (figureRow, error) {
		var r aggregate.Spend
		var quantities map[string]decimal.Decimal
		err := rows.Scan(&r.CustomerID, &r.CreditSystem, &r.PeriodStart, &r.FeatureID, &r.Events, &quantities, &r.Credits)
		r.Units = schemas.AmountsOf(quantities)
		return spendFigures(r), err
	})
	next := 0
	recomputed := func() (figureRow, bool, error) {
		if next == len(spent) {
			return figureRow{}, false, nil
		}
		next++
		return spendFigures(spent[next-1]), true, nil
	}
	return compare(check, "spend", spendNames, stored, recomputed, run.changed)
}
