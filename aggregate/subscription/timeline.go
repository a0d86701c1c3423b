package subscription

import (
	"errors"
	"fmt"
	"time"

	"github.com/creditmill/creditmill/schemas"
)

// segments lays a customer's subscriptions out from the beginning of time on, gaps being the default product's.
func segments(subscriptions []Subscription, catalog *schemas.Catalog) ([]segment, error) {
	standard := segment{catalog: catalog, product: catalog.DefaultProduct()}
	if len(subscriptions) > 0 {
		standard.customer = subscriptions[0].CustomerID
	}
	var result []segment
	free := beginning // where the last subscription ended
	for i, subscription := range subscriptions {
		product, ok := catalog.Product(subscription.Product)
		if !ok {
			return nil, fmt.Errorf("the catalog has no product %q, which the customer has from %s; "+
				"keep products that customers had", subscription.Product, subscription.StartsAt.Format(time.RFC3339))
		}
		if free.Before(subscription.StartsAt) {
			gap := standard
			gap.from, gap.to = free, subscription.StartsAt
			result = append(result, gap)
		}
		result = append(result, subscription.segments(product, catalog, subscriptions[:i])...)
		if subscription.EndsAt.IsZero() {
			return result, nil
		}
		free = subscription.EndsAt
	}
	standard.from = free
	return append(result, standard), nil
}

// segments are the trial, if the subscription has one, and what is around it. before are the customer's earlier
// subscriptions.
func (s Subscription) segments(product schemas.Product, catalog *schemas.Catalog, before []Subscription) []segment {
	anchor := s.Anchor
	all := segment{
		catalog: catalog, customer: s.CustomerID, product: product, from: s.StartsAt, to: s.EndsAt, anchor: &anchor,
	}
	if product.PerSeat {
		all.seats = s.Seats
	}
	from, to, ok := s.trial(product, catalog, before)
	if !ok {
		return []segment{all}
	}
	var result []segment
	if from.After(s.StartsAt) {
		paid := all
		paid.to = from
		result = append(result, paid)
	}
	trial, rest := all, all
	trial.from, trial.trial = from, true
	if !s.EndsAt.IsZero() && !to.Before(s.EndsAt) {
		return append(result, trial)
	}
	trial.to, rest.from = to, to
	if anchor.Equal(s.StartsAt) {
		rest.anchor = &to
	}
	return append(result, trial, rest)
}

// trial is the time of the subscription that is one; false if there is none. Stripe's holds wherever Stripe tells of
// one; else it is the product's own, with which a subscription begins, and which a customer has once. An anchor within
// a day of its end is the end: Stripe, which sets one there, counts days of 24 hours.
func (s Subscription) trial(
	product schemas.Product, catalog *schemas.Catalog, before []Subscription,
) (from, to time.Time, ok bool) {
	if !s.TrialTo.IsZero() {
		from = schemas.Later(s.StartsAt, s.TrialFrom)
		return from, s.TrialTo, s.TrialTo.After(from) && (s.EndsAt.IsZero() || from.Before(s.EndsAt))
	}
	days := product.At(s.StartsAt).TrialDays
	if days == 0 || hadProduct(before, s.Product) {
		return time.Time{}, time.Time{}, false
	}
	to = schemas.IntervalDay.Start(&s.StartsAt, catalog.Timezone, days)
	if s.Anchor.After(s.StartsAt) && s.Anchor.Sub(to).Abs() < 24*time.Hour {
		to = s.Anchor
	}
	return s.StartsAt, to, true
}

// Timeline is a customer's time from the beginning on: one product after the other.
type Timeline struct{ segments []segment }

// LayOut lays out a customer's time: what the subscriptions say, which are in order of time, the default product where
// there is none, and the closed stretches, in order of time, in the place of both. An error says why it cannot be.
func LayOut(customer string, held []Subscription, closed []*Closed, catalog *schemas.Catalog) (Timeline, error) {
	if broken := brokenSubscriptions(held); broken != "" {
		return Timeline{}, errors.New(broken)
	}
	laidOut, err := segments(held, catalog)
	if err != nil {
		return Timeline{}, err
	}
	for i := range laidOut {
		laidOut[i].customer = customer
	}
	laidOut, err = keepClosed(laidOut, closed)
	return Timeline{laidOut}, err
}

// Spans returns the periods that end after first and begin no later than last, in order of time. The calendar's are
// those of loc. Where there are more than MostPeriods, it returns more than those and leaves out the rest.
func (t Timeline) Spans(first, last time.Time, loc *time.Location) []Span {
	return spans(t.segments, first, last, loc)
}

// brokenSubscriptions says why a customer's subscriptions, which are in order of time, cannot be laid out; empty if
// they can.
func brokenSubscriptions(held []Subscription) string {
	for i, s := range held {
		_, seatsErr := s.Seats.changes()
		switch {
		case seatsErr != nil:
			return seatsErr.Error() + mendSubscription
		case !s.EndsAt.IsZero() && s.EndsAt.Before(s.StartsAt):
			return fmt.Sprintf("the subscription to %s ends at %s, before it starts at %s", s.Product,
				s.EndsAt.Format(time.RFC3339), s.StartsAt.Format(time.RFC3339)) + mendSubscription
		case i > 0 && held[i-1].Overlaps(s):
			return fmt.Sprintf("the subscriptions to %s from %s and to %s from %s overlap", held[i-1].Product,
				held[i-1].StartsAt.Format(time.RFC3339), s.Product, s.StartsAt.Format(time.RFC3339)) + mendSubscription
		}
	}
	return ""
}

const mendSubscription = "; correct it with `creditmill customers import` or `creditmill sync`"
