package aggregate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// EntitledQuery asks whether a customer may use more of a feature.
type EntitledQuery struct {
	CustomerID string
	// Feature is a feature's id, else the name of a model.
	Feature string
	// Required is how much more, of Unit, in one request. An empty Unit is the one that the feature is counted in: input,
	// or where that has no price, quantity, or the first that has one.
	Required decimal.Decimal
	Unit     string
	// AsOf and Catalog are given to compute the answer as of that instant. With the zero AsOf it comes from what the
	// last run stored, as of that run and by its catalog.
	AsOf    time.Time
	Catalog *schemas.Catalog
	// Now is the wall clock, for answers from what is stored: once a period ended, a grant began or expired, or the
	// customer's products or grants were changed since, the answer is computed as of Now by the run's catalog. A run as of
	// an earlier day than its own is of that time on purpose: its answer stays, and is outdated then. Zero: the stored
	// figures are taken as they are.
	Now time.Time
	// DenyPastDue says no to customers whose subscription is past due or unpaid at Stripe, as the last sync saw it.
	DenyPastDue bool
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
	// Unit is what Required was asked in.
	Unit string
	// Required is what that would cost, in credits; only where Priced.
	Required decimal.Decimal
	Priced   bool
	// OverageAllowed says that the product has a price for overage.
	OverageAllowed bool
	AsOf           time.Time
	// Outdated says that what the answer rests on no longer holds: the customer's products or grants were changed since it
	// was stored, or by the query's Now its period ended, or a grant began or expired.
	Outdated bool
}

// Entitled tells whether the customer may use that many more tokens: always what costs nothing and with an unlimited
// allowance, not at all once a hard cap is reached, up to the limit where overage has a price, else as far as remaining
// credits go. Without a feature, a price or a balance the answer is no.
func (a *Aggregator) Entitled(ctx context.Context, query EntitledQuery) (Entitlement, error) {
	var current Current
	var err error
	if query.AsOf.IsZero() {
		current, err = a.balancesNow(ctx, query)
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
	if current.backdated() {
		query.Now = time.Time{}
	}
	answer := current.entitlement(query, pricebook.New(current.Catalog))
	if len(current.Balances) > 0 {
		answer.Product = current.Balances[0].Product
		if !query.DenyPastDue {
			return answer, nil
		}
	}
	held, err := subscription.Of(ctx, a.warehouse, []string{query.CustomerID})
	if err != nil {
		return Entitlement{}, fmt.Errorf("check entitlement of customer %s: %w", query.CustomerID, err)
	}
	held, _ = subscription.Apart(held, current.Catalog)
	at := schemas.Later(current.AsOf, query.Now)
	i := slices.IndexFunc(held, func(s subscription.Subscription) bool { return s.Holds(at) })
	switch {
	case i >= 0:
		answer.Product = held[i].Product
		if query.DenyPastDue && held[i].PastDue {
			answer.denyPastDue()
		}
	case len(current.Balances) == 0:
		answer.Product = current.Catalog.DefaultProduct().ID
	}
	return answer, nil
}

func (e *Entitlement) denyPastDue() {
	e.Allowed, e.Reason = false, "the subscription is past due at Stripe"
}

// backdated says that a run was asked to be as of an earlier day.
func (c Current) backdated() bool { return c.finished.Sub(c.AsOf) > 24*time.Hour }

// balancesNow are the customer's balances that the last run stored, or where they hold no longer, those of the query's
// Now.
func (a *Aggregator) balancesNow(ctx context.Context, query EntitledQuery) (Current, error) {
	customers := []string{query.CustomerID}
	current, err := a.Balances(ctx, customers)
	if err != nil || !query.Now.After(current.AsOf) {
		return current, err
	}
	over := len(current.Balances) == 0 || len(current.Changed) > 0
	for _, balance := range current.Balances {
		over = over || !balance.Period.Contains(query.Now)
	}
	if !over {
		grants, err := subscription.Grants(ctx, a.warehouse, customers)
		if err != nil {
			return Current{}, err
		}
		held, err := subscription.Of(ctx, a.warehouse, customers)
		if err != nil {
			return Current{}, err
		}
		_, addOns := subscription.Apart(held, current.Catalog)
		given := subscription.Given(grants, addOns, current.Catalog, query.Now)
		over = slices.ContainsFunc(given, func(g subscription.Grant) bool {
			since := func(at time.Time) bool { return at.After(current.AsOf) && !at.After(query.Now) }
			return since(g.StartsAt) || since(g.ExpiresAt) || since(g.RevokedAt)
		})
	}
	switch {
	case !over:
		return current, nil
	case current.backdated():
		current.Changed = customers
		return current, nil
	}
	return a.BalancesAt(ctx, Query{AsOf: query.Now, Catalog: current.Catalog, Customers: customers})
}

// entitlement is the answer by the balances and the book of the catalog.
func (c Current) entitlement(query EntitledQuery, book *pricebook.Book) Entitlement {
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
	price, ok := book.FeaturePrice(
		query.CustomerID, feature.ID, productSystem, schemas.Later(c.AsOf, query.Now))
	unit := query.Unit
	if unit == "" {
		unit = price.UsualUnit()
	}
	one, priced := price.Credits(unit, decimal.NewFromInt(1))
	if !ok || !priced {
		what := unit
		if schemas.IsTokens(unit) {
			what += " tokens"
		}
		answer.Reason = fmt.Sprintf("%s has no price for %s", feature.ID, what)
		return answer
	}
	answer.Unit, answer.Priced = unit, true
	answer.Required = one.Mul(query.Required).Add(price.PerRequest())
	free := one.IsZero() && price.PerRequest().IsZero()
	i := slices.IndexFunc(c.Balances, func(b PeriodBalance) bool { return b.CreditSystem == price.CreditSystem })
	if i < 0 {
		answer.Balance = nil
		answer.Allowed = free
		if answer.Allowed {
			return answer
		}
		answer.Reason = "the customer has no credits of " + price.CreditSystem
		return answer
	}
	answer.Balance = &c.Balances[i]
	answer.decide(free)
	return answer
}

// decide says yes or no by the balance; what is free is allowed whatever is left.
func (e *Entitlement) decide(free bool) {
	balance := e.Balance
	var overage *schemas.Overage
	if credits := balance.Terms.Credits; credits != nil && credits.System == balance.CreditSystem {
		overage = credits.Overage
	}
	e.OverageAllowed = overage != nil
	available := balance.Remaining
	switch {
	case free, balance.Unlimited:
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
