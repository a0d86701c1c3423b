package subscription

import (
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// Span is one period of a customer's timeline and the terms that hold in it.
type Span struct {
	schemas.Period
	Product schemas.Product
	// Terms are the customer's own: with overrides and for all seats, and in a trial without overage.
	Terms schemas.ProductVersion
	Seats uint64
	Trial bool
	// Closed is the closed stretch that it is in; nil if it is open.
	Closed *Closed

	// anchor and loc are what the periods are counted by; see Interval.PeriodAt.
	anchor *time.Time
	loc    *time.Location
}

// CreditSystem is the one the allowance is in; empty for a product without credits.
func (s Span) CreditSystem() string {
	if s.Terms.Credits == nil {
		return ""
	}
	return s.Terms.Credits.System
}

// RollsOver tells whether unused credits of the period's allowance are carried over.
func (s Span) RollsOver() bool {
	credits := s.Terms.Credits
	return credits != nil && !credits.Unlimited && credits.Rollover.Periods > 0 && credits.Rollover.Max.IsPositive()
}

// EndOf is the end of the nth period from this one on, as they follow its anchor.
func (s Span) EndOf(n int) time.Time {
	end := s.Start
	for range n {
		end = every(s.Terms).PeriodAt(end, s.anchor, s.loc).End
		if end.IsZero() {
			break
		}
	}
	return end
}

// Unlimited tells whether usage in the credit system costs nothing of the allowance.
func (s Span) Unlimited(system string) bool {
	return s.CreditSystem() == system && s.Terms.Credits.Unlimited
}

// every is how often the terms renew: the allowance, else the price; a product with neither is looked at by the month.
func every(terms schemas.ProductVersion) schemas.Interval {
	switch {
	case terms.Credits != nil:
		return terms.Credits.Every
	case terms.Price != nil:
		return terms.Price.Every
	default:
		return schemas.IntervalMonth
	}
}
