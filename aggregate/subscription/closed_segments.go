package subscription

import (
	"errors"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// within cuts the segments, and marks what is left as a part of closed; a zero to is open.
func within(laidOut []segment, from, to time.Time, closed *Closed) []segment {
	var result []segment
	for _, s := range laidOut {
		s.from = schemas.Later(s.from, from)
		if !to.IsZero() && (s.to.IsZero() || s.to.After(to)) {
			s.to = to
		}
		if s.to.IsZero() || s.from.Before(s.to) {
			s.closed = closed
			result = append(result, s)
		}
	}
	return result
}

// keepClosed puts the closed stretches, in order of time, in the place of what today's rules make of their time.
func keepClosed(laidOut []segment, closed []*Closed) ([]segment, error) {
	if len(closed) == 0 {
		return laidOut, nil
	}
	var result []segment
	free := beginning
	for _, c := range closed {
		result = append(result, within(laidOut, free, c.Start, nil)...)
		if c.Again() {
			result = append(result, within(laidOut, c.Start, c.End, c)...)
		} else {
			kept, err := c.segment()
			if err != nil {
				return nil, err
			}
			result = append(result, kept)
		}
		free = c.End
	}
	return append(result, within(laidOut, free, time.Time{}, nil)...), nil
}

// segment is the stretch as it was laid out when it was billed.
func (c *Closed) segment() (segment, error) {
	if c.Unreadable != "" {
		return segment{}, errors.New(c.Unreadable)
	}
	product, ok := c.Catalog.Product(c.Product)
	if !ok {
		return segment{}, fmt.Errorf("the catalog %s that customer %s was billed by has no product %q",
			c.Catalog.SHA256, c.CustomerID, c.Product)
	}
	kept := segment{
		catalog: c.Catalog, customer: c.CustomerID, product: product, from: c.Start, to: c.End, anchor: c.Anchor,
		trial: c.Trial, closed: c,
	}
	if c.Seats != 1 {
		kept.seats = kept.seats.Since(beginning, c.Seats)
	}
	return kept, nil
}

// Periods are those of the stretch, as each was billed. One without a catalog is taken as a whole, so that it can be
// billed again.
func (c *Closed) Periods() ([]schemas.Period, error) {
	switch {
	case !c.Window.End.IsZero():
		return []schemas.Period{c.Window}, nil
	case c.Catalog == nil:
		return []schemas.Period{c.Period}, nil
	}
	kept, err := c.segment()
	if err != nil {
		return nil, err
	}
	var periods []schemas.Period
	for _, s := range kept.spans(c.Start, c.End.Add(-time.Nanosecond), c.Catalog.Timezone) {
		periods = append(periods, s.Period)
	}
	return periods, nil
}
