package aggregate

import (
	"context"
	"fmt"
	"sort"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/warehouse"
)

// starts say from when on customers' time must be laid out: one row with a wrong year must not lay out everyone's.
type starts struct {
	// first is before anyone's usage, and never after as of.
	first time.Time
	// own is when each customer's time begins; those that are not in it begin at none. Nil: all begin at first.
	own  map[string]time.Time
	none time.Time
}

// of is when a customer's time begins.
func (s *starts) of(customer string) time.Time {
	if s.own == nil {
		return s.first
	}
	if at, ok := s.own[customer]; ok {
		return at
	}
	return s.none
}

// exists notes that a customer exists at t.
func (s *starts) exists(customer string, at time.Time) {
	s.own[customer] = schemas.Earlier(s.of(customer), at)
	s.first = schemas.Earlier(s.first, at)
}

// before are the customers that begin before the first of the spans.
func (s *starts) before(spans []subscription.Span) []string {
	var customers []string
	for customer, at := range s.own {
		if len(spans) > 0 && at.Before(spans[0].Start) {
			customers = append(customers, customer)
		}
	}
	return customers
}

// fewYears of weeks and longer periods are laid out faster than each customer's first usage is found.
const fewYears = 3

// starts finds when the customers' usage begins; to the accounting day of each where that pays or is asked for.
func (a *Aggregator) starts(ctx context.Context, query Query, loads []loadState, each bool) (starts, error) {
	found := starts{first: query.AsOf, none: query.AsOf}
	for _, load := range loads {
		if load.Events > 0 {
			found.first = schemas.Earlier(found.first, load.OccurredFrom.UTC())
		}
	}
	if !each && !shortPeriods(query.Catalog) && found.first.After(query.AsOf.AddDate(-fewYears, 0, 0)) {
		return found, nil
	}
	counted, _, err := (rating{query: query, loads: loads}).loadTables()
	if err != nil {
		return starts{}, err
	}
	params := subscription.Only(query.Customers)
	params["timezone"], params["any_unrolled"] = query.Catalog.Timezone.String(), anyUnrolled(loads)
	params["counted"] = counted
	type firstDay struct {
		CustomerID string    `ch:"customer_id"`
		Day        time.Time `ch:"first_day"`
	}
	days, err := warehouse.Select[firstDay](ctx, a.warehouse, "aggregate/first_days.sql", params)
	if err != nil {
		return starts{}, fmt.Errorf("find first usage of customers: %w", err)
	}
	found.own = make(map[string]time.Time, len(days))
	known := map[time.Time]time.Time{} // many customers begin on one day
	for _, first := range days {
		begin, ok := known[first.Day]
		if !ok {
			begin, _ = dayOf(first.Day, time.UTC).span(query.Catalog.Timezone)
			begin = schemas.Earlier(begin.UTC(), query.AsOf)
			known[first.Day], found.first = begin, schemas.Earlier(found.first, begin)
		}
		found.own[first.CustomerID] = begin
	}
	return found, nil
}

// shortPeriods tells whether the catalog has allowances by the hour or the day.
func shortPeriods(catalog *schemas.Catalog) bool {
	for _, product := range catalog.Products {
		for _, version := range product.Versions {
			if version.Credits != nil && schemas.IntervalWeek.LongerThan(version.Credits.Every) {
				return true
			}
		}
	}
	return false
}

// since are those of the spans that end after first, and those before that unused credits may be carried over from; see
// lookBack.
func since(spans []subscription.Span, first time.Time) []subscription.Span {
	begin := sort.Search(len(spans), func(i int) bool { return spans[i].End.IsZero() || spans[i].End.After(first) })
	if begin == len(spans) {
		return nil
	}
	product := spans[begin].Product
	for range rolledOver(product) {
		if begin == 0 || spans[begin-1].Product.ID != product.ID {
			break
		}
		begin--
	}
	return spans[begin:]
}

// tooLong says why the spans are too many to be billed; empty if they are not.
func tooLong(spans []subscription.Span) string {
	if len(spans) <= subscription.MostPeriods {
		return ""
	}
	return fmt.Sprintf("from %s on it has more than %d periods: is that the time of its first usage, subscription or "+
		"grant? If not, withdraw the load with `creditmill unload`, or correct the subscription or grant; else give the "+
		"product longer periods", spans[0].Start.UTC().Format(time.RFC3339), subscription.MostPeriods)
}

// rolledOver is for how many periods any version of the product carries unused credits over.
func rolledOver(product schemas.Product) (periods int) {
	for _, version := range product.Versions {
		if version.Credits != nil {
			periods = max(periods, version.Credits.Rollover.Periods)
		}
	}
	return periods
}
