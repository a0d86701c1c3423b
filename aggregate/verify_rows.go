package aggregate

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

// keyTime is a time in a key: of one length, so that texts sort as times do.
const keyTime = "2006-01-02T15:04:05.000000000Z"

var (
	balanceNames = []string{
		"product", "period_end", "granted", "used", "balance", "remaining", "overage", "billable", "capped",
		"unrated_events", "trial", "seats",
	}
	spendNames = slices.Concat(sumNames, []string{"credits"})
)

func (v *verifier) compareBalances(ctx context.Context, check *Check, run *storedRun, balances []PeriodBalance) error {
	rows, err := v.warehouse.Query(ctx, "aggregate/verify_stored_balances.sql", nil)
	if err != nil {
		return fmt.Errorf("read balances: %w", err)
	}
	defer rows.Close()
	stored := eachRow(rows, func() (figureRow, error) {
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
		return balances[next-1].stored().figureRow(), true, nil
	}
	return compare(check, "balance", balanceNames, stored, recomputed, run.changed)
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

// stored is the balance as its row is stored.
func (b PeriodBalance) stored() balanceRow {
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

// spendRow is a row of period_spend.
type spendRow struct {
	customer, system string
	start            time.Time
	FeatureSpend
}

func (r spendRow) figureRow() figureRow {
	figures := []string{fmt.Sprint(r.Events)}
	for _, tokens := range r.Tokens {
		figures = append(figures, tokens.String())
	}
	return figureRow{
		key:     []string{r.customer, r.system, r.start.UTC().Format(keyTime), r.FeatureID},
		figures: append(figures, r.Credits.String()),
	}
}

func (v *verifier) compareSpend(ctx context.Context, check *Check, run *storedRun, result replayed) error {
	rows, err := v.warehouse.Query(ctx, "aggregate/verify_stored_spend.sql", nil)
	if err != nil {
		return fmt.Errorf("read spend: %w", err)
	}
	defer rows.Close()
	stored := eachRow(rows, func() (figureRow, error) {
		var r spendRow
		for pool := range r.Tokens {
			r.Tokens[pool] = new(big.Int)
		}
		err := rows.Scan(&r.customer, &r.system, &r.start, &r.FeatureID, &r.Events,
			r.Tokens[schemas.PoolInput], r.Tokens[schemas.PoolCachedInput], r.Tokens[schemas.PoolCacheWrite],
			r.Tokens[schemas.PoolOutput], r.Tokens[schemas.PoolReasoning], &r.Credits)
		return r.figureRow(), err
	})
	spent := result.spendRows()
	next := 0
	recomputed := func() (figureRow, bool, error) {
		if next == len(spent) {
			return figureRow{}, false, nil
		}
		next++
		return spent[next-1].figureRow(), true, nil
	}
	return compare(check, "spend", spendNames, stored, recomputed, run.changed)
}

// spendRows are the rows of period_spend that a run would store, in order of their keys.
func (r replayed) spendRows() []spendRow {
	var rows []spendRow
	for _, b := range r.balances {
		for _, feature := range b.Features {
			rows = append(rows, spendRow{b.CustomerID, b.CreditSystem, b.Period.Start, feature})
		}
	}
	for _, u := range r.unrated {
		if u.spend.System == "" {
			rows = append(rows, spendRow{u.customer, "", u.periodStart, FeatureSpend{
				FeatureID: u.spend.Feature, Events: u.spend.Events, Tokens: u.spend.Tokens,
			}})
		}
	}
	order := func(x, y spendRow) int {
		return cmp.Or(cmp.Compare(x.customer, y.customer), cmp.Compare(x.system, y.system), x.start.Compare(y.start),
			cmp.Compare(x.FeatureID, y.FeatureID))
	}
	slices.SortFunc(rows, order)
	merged := rows[:0]
	for _, row := range rows {
		if len(merged) == 0 || order(merged[len(merged)-1], row) != 0 {
			merged = append(merged, row)
			continue
		}
		last := &merged[len(merged)-1]
		last.Events += row.Events
		last.Credits = last.Credits.Add(row.Credits)
		for pool, tokens := range row.Tokens {
			last.Tokens[pool] = new(big.Int).Add(last.Tokens[pool], tokens)
		}
	}
	return merged
}
