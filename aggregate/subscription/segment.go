package subscription

import (
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// beginning is before every event: none is accepted with an earlier time.
var beginning = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// segment is a stretch of time in which a customer has one product; a zero to is open. Without an anchor its periods
// are the calendar's, cut where the segment begins and ends. A trial is one period.
type segment struct {
	catalog  *schemas.Catalog
	customer string
	product  schemas.Product
	from, to time.Time
	anchor   *time.Time
	trial    bool
	seats    Seats
	closed   *Closed // that it is, or is in
}

// spans is Spans of the segments.
func spans(segments []segment, first, last time.Time, loc *time.Location) []Span {
	var result []Span
	for _, s := range segments {
		if s.from.After(last) || len(result) > MostPeriods {
			break
		}
		if s.to.IsZero() || s.to.After(first) {
			result = append(result, s.spans(first, last, loc)...)
		}
	}
	return result
}

// spans are the segment's; see Timeline.Spans.
func (s segment) spans(first, last time.Time, loc *time.Location) []Span {
	if s.closed != nil {
		loc = s.catalog.Timezone
	}
	if s.trial {
		return []Span{s.trialSpan(loc)}
	}
	var result []Span
	at := s.seek(schemas.Later(first, s.from), loc)
	for !at.After(last) && len(result) <= MostPeriods {
		terms := s.catalog.Terms(s.customer, s.product, at)
		period := every(terms).PeriodAt(at, s.anchor, loc)
		period.Start = at
		if !s.to.IsZero() && (period.End.IsZero() || period.End.After(s.to)) {
			period.End = s.to
		}
		seats := s.seats.Most(period.Start, period.End)
		result = append(result, Span{
			Period: period, Product: s.product, Terms: terms.WithSeats(seats), Seats: seats, Closed: s.closed,
			anchor: s.anchor, loc: loc,
		})
		if period.End.IsZero() || period.End.Equal(s.to) {
			break
		}
		at = period.End
	}
	return result
}

// trialSpan is a trial's period: it has the product's allowance, and nothing beyond that is sold.
func (s segment) trialSpan(loc *time.Location) Span {
	seats := s.seats.Most(s.from, s.to)
	return Span{
		Period: schemas.Period{Start: s.from, End: s.to}, Product: s.product, Trial: true, Seats: seats,
		Terms:  s.catalog.Terms(s.customer, s.product, s.from).WithSeats(seats).InTrial(),
		Closed: s.closed, anchor: s.anchor, loc: loc,
	}
}

// seek returns the start of the period that holds first. A period keeps the terms in force at its start, so a product
// whose versions differ in their interval is followed from version to version.
func (s segment) seek(first time.Time, loc *time.Location) time.Time {
	at := s.from
	for {
		terms := s.product.At(at)
		next, ok := nextVersion(s.product, at)
		look := first
		if ok && !next.After(first) {
			look = next.Add(-time.Nanosecond)
		}
		running := every(terms).PeriodAt(look, s.anchor, loc)
		switch {
		case running.End.IsZero(): // a period that never ends begins with its segment
			return at
		case running.End.After(first):
			return schemas.Later(at, running.Start)
		}
		at = running.End
	}
}

func nextVersion(product schemas.Product, t time.Time) (time.Time, bool) {
	for _, version := range product.Versions {
		if version.Effective.After(t) {
			return version.Effective, true
		}
	}
	return time.Time{}, false
}

// MostPeriods bounds a customer's time: more than five years of hours.
const MostPeriods = 50_000
