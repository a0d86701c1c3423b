package pricebook

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
	"github.com/creditmill/creditmill/schemas"
)

// EventPrice is what one event costs by a book.
type EventPrice struct {
	// FeatureID is what the event selects; empty if it is no feature.
	FeatureID string
	// CreditSystem is the one that prices it; empty if none does.
	CreditSystem string
	// Credits are those of the units that have a price.
	Credits decimal.Decimal
	// Unrated tells that some of its units, or all, have no price.
	Unrated bool
}

// PriceEvent prices one event at its own time for its customer, whose product has credits of the given system, by the
// same rules as a run. An amount that does not fit is an error.
func (b *Book) PriceEvent(event schemas.Event, productSystem string) (EventPrice, error) {
	used := Used{Model: event.Model, Feature: event.Feature}
	used.Under = event.Under(b.Tests(used))
	price, priced := b.PriceOf(event.CustomerID, used, productSystem, event.OccurredAt)
	result := EventPrice{FeatureID: price.FeatureID, CreditSystem: price.CreditSystem, Unrated: !priced}
	result.Credits = price.PerRequest()
	for _, amount := range event.Units {
		credits, priced := price.Credits(amount.Unit, amount.Quantity)
		result.Credits = result.Credits.Add(credits)
		result.Unrated = result.Unrated || amount.Quantity.IsPositive() && !priced
	}
	if err := money.Check(result.Credits); err != nil {
		return EventPrice{}, fmt.Errorf("price event %s: %w", event.EventID, err)
	}
	return result, nil
}
