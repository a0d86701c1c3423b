package aggregate

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Spend is what one feature used of a credit system in a period: a row of period_spend. Usage that nothing prices has
// no credit system, and that of a model no feature matches no feature.
type Spend struct {
	CustomerID, CreditSystem string
	PeriodStart              time.Time
	FeatureSpend
}

// Figures are all that a run would store, of the customers whose figures can be computed.
type Figures struct {
	// Balances and Spend are in order of customer, credit system and start of the period; Spend then of the feature.
	Balances []PeriodBalance
	Spend    []Spend
	// Customers is how many were looked at, UnratedEvents how many events no price matched, wholly or in part.
	Customers     int
	UnratedEvents uint64
}

// Recompute computes from zero what a run as of query.AsOf would store. It only reads.
func (a *Aggregator) Recompute(ctx context.Context, query Query) (Figures, error) {
	result, err := a.replayAll(ctx, query)
	if err != nil {
		return Figures{}, err
	}
	return Figures{
		Balances: result.balances, Spend: result.spendRows(), Customers: result.customers,
		UnratedEvents: result.unratedEvents(),
	}, nil
}

// spendRows are the rows of period_spend that a run would store, in order of their keys.
func (r replayed) spendRows() []Spend {
	var rows []Spend
	for _, b := range r.balances {
		for _, feature := range b.Features {
			rows = append(rows, Spend{b.CustomerID, b.CreditSystem, b.Period.Start, feature})
		}
	}
	for _, u := range r.unrated {
		if u.spend.System == "" {
			rows = append(rows, Spend{u.customer, "", u.periodStart, FeatureSpend{
				FeatureID: u.spend.Feature, Events: u.spend.Events, Units: u.spend.Units,
			}})
		}
	}
	order := func(x, y Spend) int {
		return cmp.Or(cmp.Compare(x.CustomerID, y.CustomerID), cmp.Compare(x.CreditSystem, y.CreditSystem),
			x.PeriodStart.Compare(y.PeriodStart), cmp.Compare(x.FeatureID, y.FeatureID))
	}
	slices.SortFunc(rows, order)
	merged := rows[:0]
	for _, row := range rows {
		if len(merged) == 0 || order(merged[len(merged)-1], row) != 0 {
			merged = append(merged, row)
			continue
		}
		last := &merged[len(merged)-1]
		last.Events += row.Events
		last.Credits = last.Credits.Add(row.Credits)
		last.Units = slices.Clone(last.Units)
		last.Units.AddAll(row.Units)
	}
	return merged
}
