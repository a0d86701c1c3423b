// Package reprice says what the same usage comes to under another catalog (Reprice): the figures of `whatif`, by
// customer and in total, and as CSV.
//
// It replays usage with the code that aggregates and prices as a plan would. It never knows Stripe or the ledger, and
// writes nothing.
package reprice

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

// Query asks what the same usage comes to under another catalog.
type Query struct {
	// Before is the present catalog, After the other one. Their currencies are the same.
	Before, After *schemas.Catalog
	// AsOf: events before this instant count; the periods that hold it are taken as they stand.
	AsOf time.Time
	// From leaves out periods that ended at this instant or before. Zero: none is left out.
	From time.Time
	// Latest asks for each customer's last closed and its open period, apart; else all periods are added up.
	Latest bool
}

// The spans of time that rows of a Repricing speak of.
const (
	// SpanAll is all periods together.
	SpanAll = "all"
	// SpanClosed is the last period that ended, SpanOpen the one that goes on.
	SpanClosed = "closed"
	SpanOpen   = "open"
)

// Which way a customer crosses its allowance by a change of catalogs.
const (
	CrossesAbove = "above"
	CrossesBelow = "below"
)

// Repricing is the same usage priced by two catalogs.
type Repricing struct {
	AsOf     time.Time
	From     time.Time
	Currency money.Currency
	// Rows are sorted by customer, credit system and span.
	Rows []Row
	// Totals are sorted by credit system and span: credits of different systems cannot be added.
	Totals []Total
	// Problems are those of customers whose figures cannot be computed by one of the catalogs. They are left out.
	Problems []aggregate.Problem
}

// Row is a customer's usage of one credit system in one span.
type Row struct {
	CustomerID   string `json:"customer_id"`
	CreditSystem string `json:"credit_system"`
	Span         string `json:"span"`
	repriced
	// Crosses is CrossesAbove or CrossesBelow where the customer stays within the allowance by one catalog alone.
	Crosses string `json:"crosses,omitempty"`
}

// Total is the sum of all customers' rows of a credit system and span.
type Total struct {
	CreditSystem string `json:"credit_system"`
	Span         string `json:"span"`
	Customers    int    `json:"customers"`
	// Changed counts the customers of whom any figure changes.
	Changed int `json:"changed"`
	// Above and Below count the customers that cross their allowance.
	Above int `json:"crosses_above"`
	Below int `json:"crosses_below"`
	repriced
}

// repriced are the figures by both catalogs.
type repriced struct {
	Before Figures `json:"before"`
	After  Figures `json:"after"`
	// ChangeMinor is what the amount grows by, in minor units.
	ChangeMinor int64 `json:"change_minor"`
}

// Figures are sums over periods. The amount is the overage's, as an invoice would have it: each period rounded once.
type Figures struct {
	Periods int `json:"periods"`
	// PeriodsOver counts the periods in which more was used than granted.
	PeriodsOver int             `json:"periods_over"`
	Used        decimal.Decimal `json:"used"`
	Overage     decimal.Decimal `json:"overage"`
	Billable    decimal.Decimal `json:"billable"`
	AmountExact decimal.Decimal `json:"amount_exact"`
	AmountMinor int64           `json:"amount_minor"`
	// UnratedEvents have no price and are in no other figure; an invoice of their period would be held.
	UnratedEvents uint64 `json:"unrated_events"`
}

func (f *Figures) add(other Figures) {
	f.Periods += other.Periods
	f.PeriodsOver += other.PeriodsOver
	f.Used = f.Used.Add(other.Used)
	f.Overage = f.Overage.Add(other.Overage)
	f.Billable = f.Billable.Add(other.Billable)
	f.AmountExact = f.AmountExact.Add(other.AmountExact)
	f.AmountMinor += other.AmountMinor
	f.UnratedEvents += other.UnratedEvents
}

func (f Figures) equal(other Figures) bool {
	return f.Periods == other.Periods && f.PeriodsOver == other.PeriodsOver && f.Used.Equal(other.Used) &&
		f.Overage.Equal(other.Overage) && f.Billable.Equal(other.Billable) &&
		f.AmountExact.Equal(other.AmountExact) && f.AmountMinor == other.AmountMinor &&
		f.UnratedEvents == other.UnratedEvents
}

// Changed tells whether any figure differs.
func (r repriced) Changed() bool { return !r.Before.equal(r.After) }

// figuresOf prices one period as a plan would. Periods before billing_from are not charged.
func figuresOf(balance aggregate.PeriodBalance, catalog *schemas.Catalog) (Figures, error) {
	figures := Figures{
		Periods: 1, Used: balance.Used, Overage: balance.Overage, Billable: balance.Billable,
		UnratedEvents: balance.UnratedEvents,
	}
	if balance.Overage.IsPositive() {
		figures.PeriodsOver = 1
	}
	early := catalog.BillingFrom != nil && balance.Period.Start.Before(*catalog.BillingFrom)
	if early || !plan.SellsOverage(balance) {
		return figures, nil
	}
	charged, err := plan.Price(balance, catalog.Currency)
	if err != nil {
		return Figures{}, err
	}
	figures.AmountExact, figures.AmountMinor = charged.Exact, charged.Minor
	return figures, nil
}

// Reprice replays the usage by both catalogs, with the code that aggregates and bills. It writes nothing.
func Reprice(ctx context.Context, worker *aggregate.Aggregator, query Query) (Repricing, error) {
	if query.Before.Currency.Code != query.After.Currency.Code {
		return Repricing{}, fmt.Errorf("compare catalogs: one is in %s, the other in %s",
			query.Before.Currency, query.After.Currency)
	}
	known, err := worker.Known(ctx)
	if err != nil {
		return Repricing{}, err
	}
	var before, after []aggregate.PeriodBalance
	var problems, others []aggregate.Problem
	both, replaying := errgroup.WithContext(ctx)
	replay := aggregate.Query{AsOf: query.AsOf, From: query.From, Known: &known}
	both.Go(func() (err error) {
		replay := replay
		replay.Catalog = query.Before
		if before, problems, err = worker.ReplayEach(replaying, replay); err != nil {
			return fmt.Errorf("price usage by the present catalog: %w", err)
		}
		return nil
	})
	both.Go(func() (err error) {
		replay, known := replay, known
		replay.Catalog, replay.Known = query.After, &known
		known.Closed = closedBy(query.After, known.Closed)
		if after, others, err = worker.ReplayEach(replaying, replay); err != nil {
			return fmt.Errorf("price usage by the other catalog: %w", err)
		}
		return nil
	})
	if err := both.Wait(); err != nil {
		return Repricing{}, err
	}
	return compare(query, before, after, append(problems, others...)), nil
}

// closedBy is closed time with the products and bounds it has, as if it had been billed by another catalog: by its own,
// nothing would be seen of the other one. Where that lacks the product, the time is laid out by what holds today.
func closedBy(other *schemas.Catalog, closed []subscription.Closed) []subscription.Closed {
	var result []subscription.Closed
	for _, stretch := range closed {
		if _, found := other.Product(stretch.Product); found && !stretch.Again() {
			stretch.Catalog, stretch.Unreadable = other, ""
			result = append(result, stretch)
		}
	}
	return result
}

// rowKey names a RepricedRow.
type rowKey struct{ customerID, creditSystem, span string }

// compare adds the balances of both catalogs up by row, but for those of customers with problems.
func compare(
	query Query, before, after []aggregate.PeriodBalance, problems []aggregate.Problem,
) Repricing {
	result := Repricing{AsOf: query.AsOf.UTC(), From: query.From, Currency: query.Before.Currency}
	spanOf := func(aggregate.PeriodBalance) string { return SpanAll }
	if query.Latest {
		spanOf = newLatest(query.AsOf, before, after).spanOf
	}
	left := map[string]bool{}
	leave := func(problem aggregate.Problem) {
		if !left[problem.CustomerID] {
			left[problem.CustomerID] = true
			result.Problems = append(result.Problems, problem)
		}
	}
	for _, problem := range problems {
		leave(problem)
	}
	rows := map[rowKey]*Row{}
	add := func(balances []aggregate.PeriodBalance, catalog *schemas.Catalog, side func(*Row) *Figures) {
		for _, balance := range balances {
			key := rowKey{balance.CustomerID, balance.CreditSystem, spanOf(balance)}
			if key.span == "" {
				continue
			}
			figures, err := figuresOf(balance, plan.CatalogOf(&balance, catalog))
			if err != nil {
				leave(aggregate.Problem{CustomerID: balance.CustomerID, Period: balance.Period, Reason: err.Error()})
				continue
			}
			if rows[key] == nil {
				rows[key] = &Row{CustomerID: key.customerID, CreditSystem: key.creditSystem, Span: key.span}
			}
			side(rows[key]).add(figures)
		}
	}
	add(before, query.Before, func(r *Row) *Figures { return &r.Before })
	add(after, query.After, func(r *Row) *Figures { return &r.After })
	for key, row := range rows {
		if left[key.customerID] {
			continue
		}
		row.finish()
		result.Rows = append(result.Rows, *row)
	}
	slices.SortFunc(result.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), cmp.Compare(a.CreditSystem, b.CreditSystem),
			cmp.Compare(a.Span, b.Span))
	})
	result.sumUp()
	return result
}

func (r *Row) finish() {
	r.ChangeMinor = r.After.AmountMinor - r.Before.AmountMinor
	switch {
	case r.Before.PeriodsOver == 0 && r.After.PeriodsOver > 0:
		r.Crosses = CrossesAbove
	case r.Before.PeriodsOver > 0 && r.After.PeriodsOver == 0:
		r.Crosses = CrossesBelow
	}
}

func (r *Repricing) sumUp() {
	totals := map[[2]string]*Total{}
	for _, row := range r.Rows {
		key := [2]string{row.CreditSystem, row.Span}
		if totals[key] == nil {
			totals[key] = &Total{CreditSystem: row.CreditSystem, Span: row.Span}
		}
		total := totals[key]
		total.Customers++
		if row.Changed() {
			total.Changed++
		}
		switch row.Crosses {
		case CrossesAbove:
			total.Above++
		case CrossesBelow:
			total.Below++
		}
		total.Before.add(row.Before)
		total.After.add(row.After)
		total.ChangeMinor += row.ChangeMinor
	}
	for _, total := range totals {
		r.Totals = append(r.Totals, *total)
	}
	slices.SortFunc(r.Totals, func(a, b Total) int {
		return cmp.Or(cmp.Compare(a.CreditSystem, b.CreditSystem), cmp.Compare(a.Span, b.Span))
	})
}

// latest knows each customer's last closed and open period.
type latest struct {
	asOf    time.Time
	periods map[string]latestPeriods
}

// latestPeriods are a customer's: the open one begins where the closed one ends. Without usage in the period before the
// open one, closedStart is zero.
type latestPeriods struct{ closedStart, openStart time.Time }

// newLatest finds the periods by the present catalog, and where that has none, by the other.
func newLatest(asOf time.Time, before, after []aggregate.PeriodBalance) latest {
	l := latest{asOf: asOf, periods: map[string]latestPeriods{}}
	for _, balances := range [][]aggregate.PeriodBalance{before, after} {
		for _, b := range balances {
			if _, known := l.periods[b.CustomerID]; !known && b.Period.Contains(asOf) {
				l.periods[b.CustomerID] = latestPeriods{openStart: b.Period.Start}
			}
		}
	}
	for _, balances := range [][]aggregate.PeriodBalance{before, after} {
		for _, b := range balances {
			found, ok := l.periods[b.CustomerID]
			if ok && found.closedStart.IsZero() && b.Period.End.Equal(found.openStart) {
				found.closedStart = b.Period.Start
				l.periods[b.CustomerID] = found
			}
		}
	}
	return l
}

// spanOf says which of the customer's two periods a period is, or where the catalogs divide time differently, in which
// its middle lies; empty if in neither.
func (l latest) spanOf(balance aggregate.PeriodBalance) string {
	known, ok := l.periods[balance.CustomerID]
	if !ok {
		return ""
	}
	period := balance.Period
	middle := period.Start.Add(period.End.Sub(period.Start) >> 1)
	switch {
	case period.Contains(l.asOf), !middle.Before(known.openStart):
		return SpanOpen
	case !known.closedStart.IsZero() && !middle.Before(known.closedStart):
		return SpanClosed
	}
	return ""
}
