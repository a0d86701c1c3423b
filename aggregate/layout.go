package aggregate

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
)

// timelines holds the periods of every customer: those with subscriptions, overrides or grants have their own, the
// others share one.
type timelines struct {
	shared []subscription.Span
	own    map[string][]subscription.Span
	since  map[string]time.Time            // when customers with subscriptions or grants came to be
	grants map[string][]subscription.Grant // in order of their start
	// broken are customers whose time cannot be laid out, and why. Their usage is rated as in one period that holds it
	// all, so that every event is accounted for, and dropped.
	broken map[string]string
}

func (t timelines) of(customer string) []subscription.Span {
	if own, ok := t.own[customer]; ok {
		return own
	}
	return t.shared
}

// begin is the first of the customer's periods that can matter. The shared timeline is as long as that of whoever was
// first: the others, who have no grants, begin with their own usage.
func (t timelines) begin(customer string, spend []sliceSpend, from rating) int {
	_, own := t.own[customer]
	switch {
	case own || len(t.shared) == 0:
		return 0
	case len(spend) > 0:
		return from.slices[spend[0].Slice].span
	}
	return len(t.shared) - 1
}

// account opens a customer's account, as it is before the first period.
func (t timelines) account(customer string, asOf time.Time) *account {
	return newAccount(customer, t.since[customer], asOf, t.grants[customer])
}

// grantInstants are when a customer's grants start and expire, in order.
func (t timelines) grantInstants(customer string) []time.Time {
	var instants []time.Time
	for _, grant := range t.grants[customer] {
		instants = append(instants, grant.StartsAt)
		for _, end := range []time.Time{grant.ExpiresAt, grant.RevokedAt} {
			if !end.IsZero() {
				instants = append(instants, end)
			}
		}
	}
	slices.SortFunc(instants, time.Time.Compare)
	return instants
}

// books are all that the timelines are priced by.
func (t timelines) books(catalog *schemas.Catalog) pricebook.Books {
	books := pricebook.Books{}.With(catalog)
	for _, own := range t.own {
		for _, s := range own {
			if billedBy := s.Closed.BilledBy(); billedBy != nil {
				books = books.With(billedBy)
			}
		}
	}
	return books
}

// layOut lays out the periods of the customers that the query asks for: each from its own start on, and those before
// that unused credits may be carried over from.
func layOut(query Query, known Known, starts starts) (timelines, error) {
	products, addOns := subscription.Apart(known.Subscriptions, query.Catalog)
	held, closed := subscription.ByCustomer(products), closedByCustomer(known.Closed)
	layout := timelines{
		own: make(map[string][]subscription.Span, len(held)), since: map[string]time.Time{},
		grants: map[string][]subscription.Grant{},
		broken: map[string]string{},
	}
	given := subscription.Given(known.Grants, addOns, query.Catalog, query.AsOf)
	for _, grant := range afterClosed(given, closed) {
		layout.grants[grant.CustomerID] = append(layout.grants[grant.CustomerID], grant)
		layout.exists(grant.CustomerID, grant.StartsAt)
	}
	loc := query.Catalog.Timezone
	standard, err := subscription.LayOut("", nil, nil, query.Catalog)
	if err != nil {
		return timelines{}, err
	}
	layout.share(standard, query, starts)
	layout.subscribe(held, closed, query, starts)
	granted := slices.Collect(maps.Keys(layout.grants))
	others := slices.Concat(query.Catalog.OverriddenCustomers(), granted, slices.Collect(maps.Keys(closed)),
		starts.before(layout.shared))
	for _, customer := range others {
		_, done := layout.own[customer]
		if done || layout.broken[customer] != "" || query.Customers != nil && !slices.Contains(query.Customers, customer) {
			continue
		}
		own, err := subscription.LayOut(customer, nil, closed[customer], query.Catalog)
		if err != nil {
			layout.broken[customer] = err.Error()
			continue
		}
		spans := own.Spans(starts.of(customer), query.AsOf, loc)
		if reason := tooLong(spans); reason != "" {
			layout.broken[customer] = reason
			continue
		}
		layout.own[customer] = lookBack(own, spans, loc)
	}
	whole := []subscription.Span{{Period: schemas.Period{Start: starts.first}}}
	for customer := range layout.broken {
		layout.own[customer] = whole
	}
	return layout, nil
}

// share lays out the time of the customers who have nothing of their own: back to the first usage of any, or as far as
// it can be laid out. Those with usage before that get timelines of their own.
func (t *timelines) share(standard subscription.Timeline, query Query, starts starts) {
	first := starts.first
	t.shared = standard.Spans(first, query.AsOf, query.Catalog.Timezone)
	for len(t.shared) > subscription.MostPeriods {
		first = first.Add(query.AsOf.Sub(first) / 2)
		t.shared = standard.Spans(first, query.AsOf, query.Catalog.Timezone)
	}
}

// subscribe lays out the customers with subscriptions, side by side.
func (t timelines) subscribe(
	held map[string][]subscription.Subscription, closed map[string][]*subscription.Closed, query Query, starts starts,
) {
	type own struct {
		customer string
		spans    []subscription.Span
		broken   string
	}
	all := make([]own, 0, len(held))
	for customer, subscriptions := range held {
		t.exists(customer, subscriptions[0].StartsAt)
		all = append(all, own{customer: customer})
	}
	// Time that is laid out for one customer serves those alike who begin later.
	slices.SortFunc(all, func(a, b own) int {
		return cmp.Or(starts.of(a.customer).Compare(starts.of(b.customer)), cmp.Compare(a.customer, b.customer))
	})
	var workers sync.WaitGroup
	for some := range slices.Chunk(all, len(all)/runtime.GOMAXPROCS(0)+1) {
		workers.Go(func() {
			alike := map[kindOfTime][]subscription.Span{}
			for i := range some {
				customer := some[i].customer
				some[i].spans, some[i].broken = spansOf(held[customer], closed[customer], query, starts.of(customer), alike)
			}
		})
	}
	workers.Wait()
	for _, one := range all {
		if one.broken != "" {
			t.broken[one.customer] = one.broken
			continue
		}
		t.own[one.customer] = one.spans
	}
}

// kindOfTime is what the spans of customers with one subscription and no prices of their own depend on.
type kindOfTime struct {
	subscription.Subscription
	closed string
}

// kindOf finds it; false for customers with more than that.
func kindOf(
	held []subscription.Subscription, closed []*subscription.Closed, query Query,
) (kindOfTime, bool) {
	only := held[0]
	kind := kindOfTime{Subscription: subscription.Subscription{
		Product: only.Product, StartsAt: only.StartsAt, EndsAt: only.EndsAt, Anchor: only.Anchor,
		TrialFrom: only.TrialFrom, TrialTo: only.TrialTo, Seats: only.Seats,
	}}
	if len(held) > 1 || len(query.Catalog.OverridesOf(only.CustomerID)) > 0 {
		return kind, false
	}
	var shapes []byte
	for _, c := range closed {
		if c.Unreadable != "" || c.Catalog != nil && len(c.Catalog.OverridesOf(c.CustomerID)) > 0 {
			return kind, false
		}
		shapes = c.AppendShape(shapes)
	}
	kind.closed = string(shapes)
	return kind, true
}

// spansOf lays out a customer with subscriptions from first on. Customers with one subscription and nothing of their
// own have the same spans as others with one like it and the same closed time, which alike holds from no later a time
// on. broken says why they cannot be laid out.
func spansOf(
	held []subscription.Subscription, closed []*subscription.Closed, query Query, first time.Time,
	alike map[kindOfTime][]subscription.Span,
) (own []subscription.Span, broken string) {
	kind, common := kindOf(held, closed, query)
	if known, ok := alike[kind]; ok && common {
		return since(known, first), ""
	}
	laidOut, err := subscription.LayOut(held[0].CustomerID, held, closed, query.Catalog)
	if err != nil {
		return nil, err.Error()
	}
	loc := query.Catalog.Timezone
	own = laidOut.Spans(first, query.AsOf, loc)
	if broken := tooLong(own); broken != "" {
		return nil, broken
	}
	own = lookBack(laidOut, own, loc)
	if common {
		alike[kind] = own
	}
	return own, ""
}

// exists notes that a customer exists at t.
func (t timelines) exists(customer string, at time.Time) {
	if since, ok := t.since[customer]; ok {
		at = schemas.Earlier(since, at)
	}
	t.since[customer] = at
}
