package verify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/findings"
	"github.com/creditmill/creditmill/warehouse"
)

// periodKey names a stored period in problems.
type periodKey struct {
	CustomerID   string    `ch:"customer_id"`
	CreditSystem string    `ch:"credit_system"`
	PeriodStart  time.Time `ch:"period_start"`
}

func (k periodKey) String() string {
	return fmt.Sprintf("customer %s, %s, period from %s",
		k.CustomerID, k.CreditSystem, k.PeriodStart.UTC().Format(time.RFC3339Nano))
}

// balances holds every stored balance against the rules that each row obeys.
func (v *verifier) balances(ctx context.Context, check *findings.Check) error {
	counts, err := v.counts(ctx)
	if err != nil {
		return err
	}
	check.LookedAt = counts.Balances
	type row struct {
		CustomerID   string    `ch:"customer_id"`
		CreditSystem string    `ch:"credit_system"`
		PeriodStart  time.Time `ch:"period_start"`
		Broken       []string  `ch:"broken"`
	}
	rows, err := warehouse.Select[row](ctx, v.warehouse, "verify/balances.sql", warehouse.Params{"most": most})
	if err != nil {
		return fmt.Errorf("look at balances: %w", err)
	}
	for _, r := range rows {
		check.Problem("%s: %s", periodKey{r.CustomerID, r.CreditSystem, r.PeriodStart}, strings.Join(r.Broken, "; "))
	}
	return nil
}

// spend holds what the features of each period spent against what its balance says was used.
func (v *verifier) spend(ctx context.Context, check *findings.Check) error {
	counts, err := v.counts(ctx)
	if err != nil {
		return err
	}
	check.LookedAt = counts.Spend
	type row struct {
		CustomerID   string          `ch:"customer_id"`
		CreditSystem string          `ch:"credit_system"`
		PeriodStart  time.Time       `ch:"period_start"`
		Used         decimal.Decimal `ch:"used"`
		Spent        decimal.Decimal `ch:"spent"`
		BalanceRows  uint64          `ch:"balance_rows"`
	}
	rows, err := warehouse.Select[row](ctx, v.warehouse, "verify/spend.sql", warehouse.Params{"most": most})
	if err != nil {
		return fmt.Errorf("add up spend: %w", err)
	}
	for _, r := range rows {
		key := periodKey{r.CustomerID, r.CreditSystem, r.PeriodStart}
		if r.BalanceRows != 1 {
			check.Problem("%s: %d balances for one period", key, r.BalanceRows)
		}
		if !r.Used.Equal(r.Spent) {
			check.Problem("%s: features spent %s credits, used is %s", key, r.Spent, r.Used)
		}
	}
	return nil
}
