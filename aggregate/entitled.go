package aggregate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/schemas"
)

// EntitledQuery asks whether a customer may use more tokens.
type EntitledQuery struct {
	CustomerID string
	// Feature is a feature's id, else the name of a model.
	Feature string
	// Required is how many tokens more, of Pool.
	Required decimal.Decimal
	Pool     schemas.Pool
	// AsOf and Catalog are given to compute the answer as of that instant. With the zero AsOf it comes from what the
	// last run stored, as of that run and by its catalog.
	AsOf    time.Time
	Catalog *schemas.Catalog
}

// Entitlement is the answer and what it rests on.
type Entitlement struct {
	Allowed bool
	// Reason says in a sentence why not; empty when allowed.
	Reason     string
	CustomerID string
	// FeatureID is empty where neither a feature nor a model is known by the name.
	FeatureID string
	// Product is the one the customer has.
	Product string
	// Balance is the one that the feature's credits are taken from; nil where the customer has none.
	Balance *PeriodBalance
	// Required is what the tokens would cost, in credits; only where Priced.
	Required decimal.Decimal
	Priced   bool
	// OverageAllowed says that the product has a price for overage.
	OverageAllowed bool
	AsOf           time.Time
	// Outdated says that the customer's products or grants changed since what the answer rests on was stored.
	Outdated bool
}

// Entitled tells whether the customer may use that many more tokens: always with an unlimited allowance, not at all
// once a hard cap is reached, up to the limit where overage has a price, else as far as remaining credits go. Without a
// balance, a feature or a price the answer is no.
func (a *Aggregator) Entitled(ctx context.Context, query EntitledQuery) (Entitlement, error) {
	var current Current
	var err error
	if query.AsOf.IsZero() {
		current, err = a.Balances(ctx, []string{query.CustomerID})
	} else {
		current, err = a.BalancesAt(ctx, Query{
			AsOf: query.AsOf, Catalog: query.Catalog, Customers: []string{query.CustomerID},
		})
	}
	if err == nil {
		others := func(p Problem) bool { return p.CustomerID != query.CustomerID }
		err = problemsOf(slices.DeleteFunc(current.Problems, others))
	}
	if err != nil {
		return Entitlement{}, fmt.Errorf("check entitlement of customer %s: %w", query.CustomerID, err)
	}
	answer := current.entitlement(query)
	if len(current.Balances) > 0 {
		answer.Product = current.Balances[0].Product
		return answer, nil
	}
	answer.Product, err = a.productAt(ctx, query.CustomerID, current)
	return answer, err
}

// productAt is the product of a customer without any credits.
func (a *Aggregator) productAt(ctx context.Context, customer string, current Current) (string, error) {
	held, err := readSubscriptions(ctx, a.warehouse, []string{customer})
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(held, func(s Subscription) bool { return s.holds(current.AsOf) })
	if i < 0 {
		return current.Catalog.DefaultProduct().ID, nil
	}
	return held[i].Product, nil
}

func (c Current) entitlement(query EntitledQuery) Entitlement {
	answer := Entitlement{CustomerID: query.CustomerID, AsOf: c.AsOf, Outdated: len(c.Changed) > 0}
	productSystem := ""
	for i := range c.Balances {
		if credits := c.Balances[i].Terms.Credits; credits != nil && credits.System == c.Balances[i].CreditSystem {
			productSystem = credits.System
			answer.Balance = &c.Balances[i]
		}
	}
	feature, ok := c.Catalog.Feature(query.Feature)
	if !ok {
		feature, ok = c.Catalog.FeatureOf(query.Feature)
	}
	if !ok {
		answer.Reason = fmt.Sprintf("no feature and no model is called %q", query.Feature)
		return answer
	}
	answer.FeatureID = feature.ID
	price, ok := newPriceBook(c.Catalog).featurePriceAt(query.CustomerID, c.AsOf, feature.ID, productSystem)
	cost := price.Costs[query.Pool]
	if !ok || !cost.Valid {
		answer.Reason = fmt.Sprintf("%s has no price for %s tokens", feature.ID, query.Pool)
		return answer
	}
	answer.Required, answer.Priced = query.Required.Mul(cost.Decimal), true
	i := slices.IndexFunc(c.Balances, func(b PeriodBalance) bool { return b.CreditSystem == price.System })
	if i < 0 {
		answer.Balance = nil
		answer.Reason = "the customer has no credits of " + price.System
		return answer
	}
	answer.Balance = &c.Balances[i]
	answer.decide()
	return answer
}

func (e *Entitlement) decide() {
	balance := e.Balance
	var overage *schemas.Overage
	if credits := balance.Terms.Credits; credits != nil && credits.System == balance.CreditSystem {
		overage = credits.Overage
	}
	e.OverageAllowed = overage != nil
	available := balance.Remaining
	switch {
	case balance.Unlimited:
		e.Allowed = true
		return
	case balance.hardCapped() && !balance.Remaining.IsPositive():
		e.Reason = "the hard cap is reached"
		return
	case overage != nil && !overage.Limit.IsPositive():
		e.Allowed = true
		return
	case overage != nil:
		available = available.Add(overage.Limit).Sub(balance.Overage)
	}
	e.Allowed = !available.LessThan(e.Required)
	if !e.Allowed {
		credits := "credits"
		if e.Required.String() == "1" {
			credits = "credit"
		}
		e.Reason = fmt.Sprintf("%s %s needed, %s left", e.Required, credits, decimal.Max(available, decimal.Zero))
	}
}
