package plan

import (
	"time"

	"github.com/creditmill/creditmill/aggregate"
)

// periodKey names a customer's period in one credit system.
type periodKey struct {
	customerID, creditSystem string
	start, end               time.Time
}

// balanceKey names the period of a balance.
func balanceKey(balance aggregate.PeriodBalance) periodKey {
	return periodKey{balance.CustomerID, balance.CreditSystem, balance.Period.Start.UTC(), balance.Period.End.UTC()}
}

// Key names the charge's period.
func (c Charge) Key() periodKey {
	return periodKey{c.CustomerID, c.CreditSystem, c.PeriodStart.UTC(), c.PeriodEnd.UTC()}
}
