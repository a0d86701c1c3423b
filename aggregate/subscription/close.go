package subscription

import "github.com/creditmill/creditmill/schemas"

// Close is the period as it closes when it is billed.
func (s Span) Close(customer string, catalog *schemas.Catalog, grants []Grant) Closed {
	closed := Closed{
		CustomerID: customer, Period: s.Period, Product: s.Product.ID, Anchor: s.anchor, Trial: s.Trial, Seats: s.Seats,
		Catalog: catalog, Grants: []string{},
	}
	for _, grant := range grants {
		if grant.StartsAt.Before(s.End) {
			closed.Grants = append(closed.Grants, grant.ID)
			if grant.RevokedBefore(s.End) {
				closed.Grants = append(closed.Grants, grant.revokedID())
			}
		}
	}
	if s.Closed != nil {
		closed.Window = s.Closed.Period
		if s.Closed.Window.End.After(s.Closed.Window.Start) {
			closed.Window = s.Closed.Window
		}
	}
	return closed
}
