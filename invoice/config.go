package invoice

import (
	"context"
	"time"

	"github.com/rs/zerolog"
	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// Config is what a Runner works with.
type Config struct {
	Warehouse  *warehouse.Warehouse
	Aggregator *aggregate.Aggregator
	Catalog    *schemas.Catalog
	// AsOf: periods that ended by then are charged, and events before it count. Required.
	AsOf time.Time
	// Stripe is needed by Post only.
	Stripe *stripe.Client
	// StripeAccount and Livemode are part of every charge's identity.
	StripeAccount string
	Livemode      bool
	// LateWindow and MaxChargeMinor are as in Inputs.
	LateWindow     time.Duration
	MaxChargeMinor int64
	AnomalyFactor  decimal.Decimal
	// Expected are the sources that are to have usage in every hour or day.
	Expected []plan.Expectation
	// Left is usage that was accepted and is in no load yet.
	Left []plan.Gap
	// UsageTolerance, in percent, is how much less of a model's tokens the logs may have on a day than a provider's usage
	// report. Not valid: reports are not looked at.
	UsageTolerance decimal.NullDecimal
	// AcceptGaps charges periods although usage that is expected, reported by a provider, or a file, is missing.
	AcceptGaps bool
	Policy     post.Policy
	// ApprovalRequired: only charges are frozen that somebody approved who did not release them.
	ApprovalRequired bool
	// RunID marks what this run writes. Required.
	RunID string
	// Now is the clock, Sleep waits. Required.
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
	// Parallel is how many customers are worked on at once; 0 means 8.
	Parallel int
	// Fault is called as each step of the protocol (S1 to S12) is done, so that tests can stop there. Nil: nothing.
	Fault func(step string)
	// Log takes the events of the run. Zero value: nothing is logged.
	Log zerolog.Logger
}

// account is the one that is posted to, in its mode.
func (c Config) account() ledger.Account {
	return ledger.Account{ID: c.StripeAccount, Livemode: c.Livemode}
}

// ledger is where frozen plans and charges are kept.
func (c Config) ledger() ledger.Ledger { return ledger.Ledger{Warehouse: c.Warehouse} }

// query asks for the ended periods, computed from the loads alone: what is loaded while it works does not come in.
func (c Config) query(loads []uint64) aggregate.Query { return plan.Query(c.AsOf, c.Catalog, loads) }

// settledBy is the latest end of a period whose usage has arrived, as far as settling says.
func (c Config) settledBy(asOf time.Time) time.Time {
	latest := c.Now()
	if asOf.After(latest) {
		latest = asOf
	}
	if !c.Policy.Renewal {
		return latest
	}
	return latest.Add(-c.Policy.Settle)
}

// now is the clock as tables keep it.
func (c Config) now() time.Time { return c.Now().UTC().Truncate(time.Millisecond) }
