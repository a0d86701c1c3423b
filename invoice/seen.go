package invoice

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/money"
)

// ErrNotAsSeen is returned when a charge is not what a person saw who decides about it.
var ErrNotAsSeen = errors.New("it is not what was seen")

// Seen is what a person saw of a charge who decides about it. What is not given may be anything.
type Seen struct {
	// AmountMinor is in minor units, Amount in the charge's currency.
	AmountMinor *int64
	Amount      *decimal.Decimal
	// StripeCustomer is who is charged.
	StripeCustomer string
}

// Nothing tells whether nothing is given.
func (s Seen) Nothing() bool { return s == Seen{} }

// check says how a charge differs from what was seen; nil where it does not.
func (s Seen) check(charge plan.Charge) error {
	currency := money.Displayed(charge.Currency)
	exact := currency.FromMinor(charge.AmountMinor)
	switch {
	case s.AmountMinor != nil && *s.AmountMinor != charge.AmountMinor,
		s.Amount != nil && !s.Amount.Equal(exact):
		return fmt.Errorf("charge %s comes to %s now, %d in minor units: look at it again: %w", charge.ID,
			currency.Format(charge.AmountMinor), charge.AmountMinor, ErrNotAsSeen)
	case s.StripeCustomer != "" && s.StripeCustomer != charge.StripeCustomer:
		return fmt.Errorf("charge %s is for the Stripe customer %q now: look at it again: %w", charge.ID,
			charge.StripeCustomer, ErrNotAsSeen)
	}
	return nil
}
