package plan

import (
	"math/big"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate"
)

// addToWindow adds a period's figures to its window's.
func (p *planner) addToWindow(balance aggregate.PeriodBalance) {
	catalog := p.catalogOf(balance)
	if balance.Period.End.IsZero() || balance.Period.End.After(p.in.AsOf) {
		return
	}
	period, _ := windowOf(balance)
	i := slices.IndexFunc(p.windows, func(w *window) bool {
		return w.balance.CustomerID == balance.CustomerID && w.balance.CreditSystem == balance.CreditSystem &&
			w.balance.Period == period
	})
	if i < 0 {
		whole := balance
		whole.Period, whole.Used, whole.Features, whole.UnratedEvents = period, decimal.Zero, nil, 0
		i, p.windows = len(p.windows), append(p.windows, &window{balance: whole})
	}
	w := p.windows[i]
	w.balance.Product, w.balance.Terms = balance.Product, balance.Terms
	w.balance.Used = w.balance.Used.Add(balance.Used)
	for _, feature := range balance.Features {
		w.addFeature(feature)
	}
	early := catalog.BillingFrom != nil && balance.Period.Start.Before(*catalog.BillingFrom)
	if early || !SellsOverage(balance) {
		return
	}
	w.balance.UnratedEvents += balance.UnratedEvents
	now, err := Price(balance, catalog.Currency)
	if err != nil {
		w.cause = err
		return
	}
	w.now.billable, w.now.billed = w.now.billable.Add(now.billable), w.now.billed.Add(now.billed)
	w.now.Exact, w.now.Minor = w.now.Exact.Add(now.Exact), w.now.Minor+now.Minor
}

// addFeature adds what a feature used in one of the periods.
func (w *window) addFeature(feature aggregate.FeatureSpend) {
	i := slices.IndexFunc(w.balance.Features, func(f aggregate.FeatureSpend) bool {
		return f.FeatureID == feature.FeatureID
	})
	if i < 0 {
		w.balance.Features = append(w.balance.Features, feature)
		return
	}
	sum := &w.balance.Features[i]
	sum.Credits, sum.Events = sum.Credits.Add(feature.Credits), sum.Events+feature.Events
	sum.TokensTotal = new(big.Int).Add(sum.TokensTotal, feature.TokensTotal)
	sum.Units = slices.Clone(sum.Units)
	sum.Units.AddAll(feature.Units)
}

// addWindows plans the differences of the windows.
func (p *planner) addWindows() {
	for _, w := range p.windows {
		key := periodKey{w.balance.CustomerID, w.balance.CreditSystem, w.balance.Period.Start, w.balance.Period.End}
		closed := p.closed[key]
		if closed == nil {
			closed = &closedPeriod{}
		}
		closed.visited = true
		err := w.cause
		if err == nil {
			err = p.adjust(w.balance, closed, w.now)
		}
		if err != nil {
			p.addUnplanned(w.balance, err)
		}
	}
}
