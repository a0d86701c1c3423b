package plan

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

// Charge is what one customer owes for one period. Its JSON is that of `invoice preview`.
type Charge struct {
	ID             string    `json:"charge_id"`
	CustomerID     string    `json:"customer_id"`
	StripeCustomer string    `json:"stripe_customer"`
	Product        string    `json:"product"`
	CreditSystem   string    `json:"credit_system"`
	Kind           string    `json:"kind"`
	PeriodStart    time.Time `json:"period_start"`
	PeriodEnd      time.Time `json:"period_end"`
	Currency       string    `json:"currency"`
	// BillableCredits are exact, BilledCredits rounded up to billing units. For an adjustment both are differences.
	BillableCredits decimal.Decimal `json:"billable_credits"`
	BilledCredits   decimal.Decimal `json:"billed_credits"`
	// AmountExact is in the currency, before any rounding; AmountMinor is what is charged; Residual is what rounding
	// added.
	AmountExact decimal.Decimal `json:"amount_exact"`
	AmountMinor int64           `json:"amount_minor"`
	Residual    decimal.Decimal `json:"residual"`
	Lines       []Line          `json:"lines"`
	Status      string          `json:"status"`
	HoldReason  string          `json:"hold_reason"`
	// HoldCodes say for programs what HoldReason says for people, each once. They are no part of a plan's hash.
	HoldCodes []HoldCode `json:"-"`
	// Tax is how Stripe taxes it; nil where the catalog says nothing of it.
	Tax *schemas.Tax `json:"tax,omitempty"`
	// PartOf is the id of the first item of a charge that is posted as one item a feature; empty for others.
	PartOf string `json:"part_of,omitempty"`

	// Releasable are the reasons that a person can release, Mending those that only their cause can end.
	Releasable []string `json:"-"`
	Mending    []string `json:"-"`
	// Split: it is a part of an amount above Stripe's limit, which no one invoice can hold.
	Split bool `json:"-"`
	// SplitOf is the id of the charge that it is such a part of, until it is frozen.
	SplitOf string `json:"-"`
	// Group is the whole charge that it is a part of, where PartOf is set.
	Group *Group `json:"-"`
	// lineCode is that of its identity.
	lineCode string
}

// Line is a feature's share of a charge. Tokens, units and credits are those of the whole period.
type Line struct {
	FeatureID string   `json:"feature_id"`
	Tokens    *big.Int `json:"tokens"`
	// Units are what was used that is no tokens.
	Units       schemas.Others  `json:"units,omitempty"`
	Credits     decimal.Decimal `json:"credits"`
	AmountMinor int64           `json:"amount_minor"`
}

// Check asserts what must hold of a charge before it is frozen and after it is read back.
func (c Charge) Check(currency money.Currency) error {
	var sum int64
	for _, line := range c.Lines {
		sum += line.AmountMinor
	}
	if sum != c.AmountMinor {
		return fmt.Errorf("charge %s: lines add up to %d, not to %d: %w", c.ID, sum, c.AmountMinor, ErrInvariant)
	}
	if !currency.FromMinor(c.AmountMinor).Sub(c.AmountExact).Equal(c.Residual) {
		return fmt.Errorf("charge %s: amount - exact amount is not the residual %s: %w", c.ID, c.Residual, ErrInvariant)
	}
	if c.Currency != currency.Code {
		return fmt.Errorf("charge %s: its currency %s is not the catalog's %s: %w",
			c.ID, c.Currency, currency.Code, ErrInvariant)
	}
	return nil
}

// Total is what a period costs, as it would be rounded now.
type Total struct {
	billable, billed, Exact, residual decimal.Decimal
	Minor                             int64
}

// Price computes a period's total: billable credits rounded up to billing units, at the price of a credit, or each at
// that of its tier, rounded once for the period as a whole.
func Price(balance aggregate.PeriodBalance, currency money.Currency) (Total, error) {
	overage := balance.Terms.Credits.Overage
	billed := overage.Billed(balance.Billable)
	exact := overage.Amount(balance.Billable)
	minor, err := currency.Round(overage.Amount(billed))
	if err != nil {
		return Total{}, fmt.Errorf("its overage of %s credits comes to %s: %w", balance.Billable, exact, err)
	}
	priced := Total{
		billable: balance.Billable, billed: billed, Exact: exact, Minor: minor,
		residual: currency.FromMinor(minor).Sub(exact),
	}
	return priced, priced.payable()
}

// shareLines splits an amount among the features of a period in proportion to the credits they used.
func shareLines(balance aggregate.PeriodBalance, amountMinor int64) ([]Line, error) {
	lines := make([]Line, 0, len(balance.Features))
	weights := make([]decimal.Decimal, 0, len(balance.Features))
	used := decimal.Zero
	for _, feature := range balance.Features {
		used = used.Add(feature.Credits)
		if feature.Credits.IsPositive() {
			_, others := feature.Units.Split()
			lines = append(lines, Line{
				FeatureID: feature.FeatureID, Tokens: feature.TokensTotal, Units: others, Credits: feature.Credits,
			})
			weights = append(weights, feature.Credits)
		}
	}
	if !used.Equal(balance.Used) {
		return nil, fmt.Errorf("customer %s, period %s: features used %s credits, the period %s: %w", balance.CustomerID,
			balance.Period.Start.Format(time.RFC3339), used, balance.Used, ErrInvariant)
	}
	if len(lines) == 0 && amountMinor != 0 {
		// A closed period whose usage is gone: nothing is left to share the credit among.
		return []Line{{Tokens: new(big.Int), AmountMinor: amountMinor}}, nil
	}
	shares, err := money.Allocate(amountMinor, weights)
	if err != nil {
		return nil, fmt.Errorf("share %d among the features of %s: %w", amountMinor, balance.CustomerID, err)
	}
	for i := range lines {
		lines[i].AmountMinor = shares[i]
	}
	return lines, nil
}

// lineProblem is in the identity of what stands for a customer without figures.
const lineProblem = "problem"

// mostMinor is the most that one period may cost. More is damaged data: it would take ten thousand invoices.
const mostMinor = 10_000 * maxChargeMinor

// errTooMuch is returned for a period whose price nobody can have meant.
var errTooMuch = errors.New("no such amount can be charged")

// payable says why a total cannot be charged; nil if it can.
func (t Total) payable() error {
	if abs(t.Minor) > mostMinor {
		return fmt.Errorf("it comes to %s: %w", t.Exact, errTooMuch)
	}
	for _, credits := range []decimal.Decimal{t.billable, t.billed} {
		if err := money.Check(credits); err != nil {
			return err
		}
	}
	return nil
}

// WholeID is the id of the charge that it is a part of, by feature or by size; its own where it is posted in one.
func (c Charge) WholeID() string { return cmp.Or(c.PartOf, c.SplitOf, c.ID) }

// Unknown tells what stands for a customer whose figures cannot be computed: what it comes to is not known.
func (c Charge) Unknown() bool { return c.lineCode == lineProblem }

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// addReason holds a charge for a reason that only its cause can end.
func addReason(charge *Charge, code HoldCode, reason string) {
	addHold(charge, code, reason)
	charge.Mending = append(charge.Mending, reason)
}

func addHold(charge *Charge, code HoldCode, reason string) {
	charge.Status, charge.HoldCodes = StatusHeld, withCode(charge.HoldCodes, code)
	charge.HoldReason = strings.TrimPrefix(charge.HoldReason+"; "+reason, "; ")
}
