// Package aggregate turns usage events into spend per customer and period, and spend into balances.
//
// Events are rolled up to tokens per load, day, customer and model, once per load. For an instant `as of`, every
// customer's time is laid out as periods of products; usage is summed per period, priced by the catalog and burned
// down against the period's allowance, in order of time. Nothing is mutated: a run computes all figures from zero and
// becomes visible with its last row.
//
// What always holds: an event at the very instant of a boundary belongs to the later side; rating from the rollup and
// from the raw events agree to the last digit; granted - used = balance and overage = billable + capped in every row.
package aggregate

import (
	"cmp"
	"context"
	"math/big"
	"time"

	"github.com/rs/zerolog"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Config is what an Aggregator works with.
type Config struct {
	// Warehouse holds events, subscriptions and results. Required.
	Warehouse *warehouse.Warehouse
	// Now is the wall clock, for the time a row was written. Required.
	Now func() time.Time
	// Closed reads the time that was billed, of some customers or, for nil, of all. Zero value: there is none.
	Closed func(ctx context.Context, customers []string) ([]subscription.Closed, error)
	// Log takes the events of the package. Zero value: nothing is logged.
	Log zerolog.Logger
	// LeastTotals is from how many rows of the rollup on totals are kept. Zero value: 100,000.
	LeastTotals uint64
	// Fault, for tests, is called at the named points at which a killed process leaves work half done. Zero value: none.
	Fault func(point string)
}

// Aggregator computes balances. Its methods may be called concurrently; only Run and RollUp write to the warehouse.
type Aggregator struct {
	warehouse *warehouse.Warehouse
	now       func() time.Time
	log       zerolog.Logger
	fault     func(point string)
	closed    func(ctx context.Context, customers []string) ([]subscription.Closed, error)
	// leastTotals is from how many rows of the rollup on totals are kept.
	leastTotals uint64
	// customersAtOnce is how many customers a run holds in memory with all their figures.
	customersAtOnce int
}

const (
	defaultCustomersAtOnce = 10_000
	// defaultLeastTotals is from how many rows of the rollup on totals are worth their writing.
	defaultLeastTotals = 100_000
)

// New returns an Aggregator.
func New(config Config) *Aggregator {
	fault := config.Fault
	if fault == nil {
		fault = func(string) {}
	}
	closed := config.Closed
	if closed == nil {
		closed = func(context.Context, []string) ([]subscription.Closed, error) { return nil, nil }
	}
	return &Aggregator{
		warehouse: config.Warehouse, now: config.Now, log: config.Log, fault: fault, closed: closed,
		leastTotals: cmp.Or(config.LeastTotals, defaultLeastTotals), customersAtOnce: defaultCustomersAtOnce,
	}
}

// Query says what to compute.
type Query struct {
	// AsOf: events before this instant count. Required.
	AsOf time.Time
	// Catalog prices the usage. Required.
	Catalog *schemas.Catalog
	// Customers limits the answer to these; nil means all.
	Customers []string
	// EndedOnly leaves out periods that go on at AsOf.
	EndedOnly bool
	// From leaves out periods that ended at this instant or before. Zero: none is left out.
	From time.Time
	// Loads are the only ones that count, so that figures can be computed as they once were; of those, only the ones
	// still committed count. Nil: all of them.
	Loads []uint64
	// Raw reads the named Loads from their raw events, even where they were withdrawn since.
	Raw bool
	// Known is what is known of subscriptions and grants, of all customers. Nil: what is stored.
	Known *Known

	// Settled says of a period of which only the sums are needed: its Features are left out, which take the most memory.
	// It is called by several goroutines. Nil: none is.
	Settled func(*PeriodBalance) bool
}

// Known is what a replay knows beside usage and catalog. Kept with a figure, it lets the figure be computed again,
// whatever was changed since.
type Known struct {
	Subscriptions []subscription.Subscription `json:"subscriptions"`
	Grants        []subscription.Grant        `json:"grants"`
	// Closed are stretches of time that were billed. Whoever keeps the rest keeps them on their own.
	Closed []subscription.Closed `json:"-"`
}

// PeriodBalance is one customer's credits of one credit system in one period.
//
// Granted - Used = Balance, Remaining = max(0, Balance), Overage = max(0, -Balance) = Billable + Capped. With
// Unlimited, Granted, Balance and Remaining are zero and mean nothing, and there is no overage.
type PeriodBalance struct {
	CustomerID   string
	Product      string
	CreditSystem string
	// Period is half-open; a zero End means that it never ends.
	Period schemas.Period
	// Terms are the product's version in force at the period's start.
	// They are the customer's own, with overrides and for all seats, and in a trial without overage.
	Terms schemas.ProductVersion
	// Trial says that the period is a trial: its overage is capped.
	Trial bool
	// Seats multiply the allowance and the limit of overage; 1 for a product that is not sold by the seat.
	Seats     uint64
	Unlimited bool
	Granted   decimal.Decimal
	Used      decimal.Decimal
	Balance   decimal.Decimal
	Remaining decimal.Decimal
	Overage   decimal.Decimal
	// Billable is the overage that has a price, Capped what has none or is beyond the limit.
	Billable decimal.Decimal
	Capped   decimal.Decimal
	// Closed is the closed stretch that the period is in, whose terms it has. Nil: it is open.
	Closed *subscription.Closed
	// UnratedEvents counts the customer's events of the period that no price matched, wholly or in part, in any credit
	// system.
	UnratedEvents uint64
	// Features are sorted by FeatureID; their Credits add up to Used.
	Features []FeatureSpend
}

// FeatureSpend is what one feature used in a period.
type FeatureSpend struct {
	FeatureID string
	// Units are what was used, unrated units of a partly priced feature included.
	Units schemas.Amounts
	// TokensTotal is the sum of all units of tokens.
	TokensTotal *big.Int
	Credits     decimal.Decimal
	Events      uint64
}
