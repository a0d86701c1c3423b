package aggregate

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// account is a customer's credits of all systems. Its periods are settled one after the other, since grants and
// rollover are carried from each to the next.
type account struct {
	customer string
	asOf     time.Time
	// since is when the customer came to be: with the first usage, subscription or grant. Zero: not yet.
	since   time.Time
	ledgers map[string]*ledger // by credit system
	// The period settled before, if any, and the unused rest of its allowance.
	previous *subscription.Span
	rest     decimal.Decimal
}

// newAccount returns the account of a customer with grants in order of their start.
func newAccount(customer string, since, asOf time.Time, grants []subscription.Grant) *account {
	a := &account{customer: customer, asOf: asOf, since: since, ledgers: map[string]*ledger{}}
	for _, grant := range grants {
		l := a.ledger(grant.CreditSystem)
		l.coming = append(l.coming, bucket{
			origin: ofGrant, priority: grant.Priority, expires: grant.ExpiresAt, revoked: grant.RevokedAt,
			since: grant.StartsAt, left: grant.Credits,
		})
	}
	return a
}

func (a *account) ledger(system string) *ledger {
	if a.ledgers[system] == nil {
		a.ledgers[system] = &ledger{}
	}
	return a.ledgers[system]
}

// carries tells whether a period's figures may depend on those before it.
func (a *account) carries(spans []subscription.Span) bool {
	return len(a.ledgers) > 0 || slices.ContainsFunc(spans, subscription.Span.RollsOver)
}

// settle computes the balances of the next period. usage is in order of time.
func (a *account) settle(s subscription.Span, usage []sliceSpend) ([]PeriodBalance, error) {
	a.begin(s, len(usage) > 0)
	for _, spend := range usage {
		if spend.System == "" || s.Unlimited(spend.System) {
			continue
		}
		l := a.ledger(spend.System)
		l.advance(spend.from)
		l.use(spend.Credits)
	}
	settled := a.asOf
	if !s.End.IsZero() && !a.asOf.Before(s.End) {
		settled = s.End.Add(-time.Nanosecond)
	}
	for _, l := range a.ledgers {
		l.advance(settled)
	}
	balances, err := a.balances(s, usage)
	for system, l := range a.ledgers {
		rest := l.end()
		if system == s.CreditSystem() {
			a.rest = rest
		}
	}
	a.previous = &s
	return balances, err
}

// begin opens a period: with what is left of grants, with rollover and with its allowance.
func (a *account) begin(s subscription.Span, used bool) {
	a.rollOver(s)
	if system := s.CreditSystem(); system != "" {
		a.ledger(system)
	}
	for _, l := range a.ledgers {
		l.begin(s.Start)
	}
	if credits := s.Terms.Credits; credits != nil && !credits.Unlimited {
		a.ledger(credits.System).add(bucket{
			origin: ofAllowance, priority: allowancePriority, expires: s.End, since: s.Start, left: credits.Included,
		})
	}
	if used && (a.since.IsZero() || s.Start.Before(a.since)) {
		a.since = s.Start
	}
}

// rollOver carries the previous period's unused allowance into s.
func (a *account) rollOver(s subscription.Span) {
	last := a.previous
	if last == nil {
		return
	}
	if last.Product.ID != s.Product.ID {
		for _, l := range a.ledgers {
			l.dropRollover()
		}
		return
	}
	existed := !a.since.IsZero() && a.since.Before(last.End)
	if !last.RollsOver() || !existed {
		return
	}
	terms := last.Terms.Credits
	l := a.ledger(terms.System)
	l.held = append(l.held, bucket{
		origin: ofRollover, priority: rolloverPriority, expires: s.EndOf(terms.Rollover.Periods), since: last.Start,
		left: a.rest, periods: terms.Rollover.Periods,
	})
	sortBuckets(l.held)
	l.limitRollover(terms.Rollover.Max)
}

// balances are those of the period's credit systems: the product's, those with grants, and those that were used.
func (a *account) balances(s subscription.Span, usage []sliceSpend) ([]PeriodBalance, error) {
	var systems []string
	var unrated uint64
	for system, l := range a.ledgers {
		if l.shown || system == s.CreditSystem() {
			systems = append(systems, system)
		}
	}
	for _, spend := range usage {
		unrated += spend.Unrated
		if spend.System != "" && !slices.Contains(systems, spend.System) {
			systems = append(systems, spend.System)
		}
	}
	slices.Sort(systems)
	balances := make([]PeriodBalance, 0, len(systems))
	for _, system := range systems {
		balance := PeriodBalance{
			CustomerID: a.customer, Product: s.Product.ID, CreditSystem: system, Period: s.Period, Terms: s.Terms,
			Trial: s.Trial, Seats: s.Seats, Unlimited: s.Unlimited(system), UnratedEvents: unrated, Closed: s.Closed,
		}
		balance.addUsage(usage)
		var overage *schemas.Overage
		if system == s.CreditSystem() {
			overage = s.Terms.Credits.Overage
		}
		if err := balance.settle(a.ledger(system), overage); err != nil {
			return nil, fmt.Errorf("burn down credits of customer %s, %s, from %s: %w",
				a.customer, system, s.Start.Format(time.RFC3339), err)
		}
		balances = append(balances, balance)
	}
	return balances, nil
}

// lookBack puts before the spans, which are a part of the segments', those whose unused credits may be carried into
// the first of them.
func lookBack(laidOut subscription.Timeline, from []subscription.Span, loc *time.Location) []subscription.Span {
	if len(from) == 0 {
		return from
	}
	for range rolledOver(from[0].Product) {
		before := from[0].Start.Add(-time.Nanosecond)
		earlier := laidOut.Spans(before, before, loc)
		if len(earlier) == 0 || earlier[0].Product.ID != from[0].Product.ID {
			break
		}
		from = slices.Concat(earlier, from)
	}
	return from
}
