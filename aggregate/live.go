package aggregate

import (
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/aggregate/pricebook"
	"github.com/creditmill/creditmill/schemas"
)

// Live answers whether customers may use more, from memory: from balances that were computed once (LiveBalances), and
// from events that came since. It reads nothing. Its methods may be called concurrently.
//
// What always holds: an answer is the one that Aggregator.Entitled gives for the same events at the same instant, or
// there is none. There is none for a customer whose balances nobody has given, once a period ends or a grant begins or
// expires, and after an event on which more depends than the sums of the running period. Then the balances must be
// computed again.
//
// Events come in parts with ascending numbers; whoever computes balances first makes all events that came by then a
// part of what is computed, and says up to which part.
type Live struct {
	catalog *schemas.Catalog
	book    *pricebook.Book

	// most bounds how many customers are kept.
	most int

	mu        sync.RWMutex
	customers map[string]*liveCustomer
	// marks counts what made a customer stale; allStale is the mark of what last made all of them so. computing is how
	// many computations are under way.
	marks, allStale, computing int
	// loaded: parts up to this one are in whatever is computed from now on.
	loaded int64
}

// LiveCustomer is what a customer has, as of an instant.
type LiveCustomer struct {
	// Balances are those of the period that goes on.
	Balances []PeriodBalance
	// Product is the one the customer has. PastDue says that Stripe could not collect its latest invoice.
	Product string
	PastDue bool
	// Within [From, To), which holds AsOf, further usage only adds to what was used.
	From, AsOf, To time.Time
	// Problem says why there are no figures; nil if there are.
	Problem error
}

// liveCustomer is a LiveCustomer with what came since.
type liveCustomer struct {
	LiveCustomer
	uses []liveUse
	// known says that there are balances. stale is the mark that says they no longer hold; 0: they do.
	known bool
	stale int
	// mark is the latest when their computation began, upTo the last part that is in them.
	mark int
	upTo int64
	// waiting are events that came while there were no balances that hold, or that are ahead of those.
	waiting []liveEvent
}

// liveUse is what events of one part came to.
type liveUse struct {
	part    int64
	system  string
	credits decimal.Decimal
	// at is when it counts, for an event that is ahead of the clock; zero: at once.
	at time.Time
}

type liveEvent struct {
	event schemas.Event
	part  int64
}

// mostWaiting is how many events of a customer are kept until there are balances. Beyond them balances must hold all.
const mostWaiting = 64

// mostCustomers is how many customers are kept in memory, a kilobyte or two each: anybody who may ask can name ids
// that do not exist.
const mostCustomers = 250_000

// NewLive returns a Live that knows no customer.
func NewLive(catalog *schemas.Catalog) *Live {
	return &Live{
		catalog: catalog, book: pricebook.New(catalog), customers: map[string]*liveCustomer{}, most: mostCustomers,
	}
}

// Computation is one of balances that is under way.
type Computation struct {
	live *Live
	mark int
}

// Begin says that balances are computed from now on. It must end with Set or Abandon.
func (l *Live) Begin() Computation {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.computing++
	return Computation{live: l, mark: l.marks}
}

// Abandon ends a computation that failed.
func (c Computation) Abandon() {
	c.live.mu.Lock()
	defer c.live.mu.Unlock()
	c.live.computing--
}

// Set gives the balances. Events of parts up to upTo are in them; later ones go on top. now is the clock.
func (c Computation) Set(computed map[string]LiveCustomer, upTo int64, now time.Time) {
	l := c.live
	l.mu.Lock()
	defer l.mu.Unlock()
	l.computing--
	for id, figures := range computed {
		next := &liveCustomer{LiveCustomer: figures, known: true, mark: c.mark, upTo: upTo}
		if l.allStale > c.mark {
			next.stale = l.allStale
		}
		had := l.customers[id]
		if had != nil && had.known && (had.mark > c.mark || had.upTo > upTo) {
			continue // a later computation has ended before
		}
		l.customers[id] = next
		if had == nil {
			continue
		}
		if had.stale > c.mark {
			next.stale = max(next.stale, had.stale)
		}
		next.uses = slices.DeleteFunc(had.uses, func(use liveUse) bool { return use.part <= upTo })
		if len(next.uses) > 0 && next.From.After(had.From) { // they may belong to what is over
			l.doubt(next)
		}
		for _, waits := range had.waiting {
			if waits.part > upTo {
				l.use(next, waits, now)
			}
		}
	}
	l.forget()
}

// forget lets some customers go where there are too many: their balances are computed again when somebody asks. While
// balances are computed it waits, since what comes meanwhile is noted of each customer.
func (l *Live) forget() {
	if l.computing > 0 || len(l.customers) <= l.most {
		return
	}
	for id := range l.customers {
		if len(l.customers) <= l.most-l.most/10 {
			return
		}
		delete(l.customers, id)
	}
}

// Loaded says that the events of a part, and of those before it, are in whatever is computed from now on.
func (l *Live) Loaded(part int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loaded = max(l.loaded, part)
}

// Doubt says that balances of customers must be computed again; of all for nil.
func (l *Live) Doubt(customers []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if customers == nil {
		for _, c := range l.customers {
			l.doubt(c)
		}
		l.marks++
		l.allStale = l.marks // of those as well whose balances are being computed for the first time
		return
	}
	for _, id := range customers {
		c := l.customers[id]
		if c == nil {
			c = &liveCustomer{}
			l.customers[id] = c
		}
		l.doubt(c)
	}
}

func (l *Live) doubt(c *liveCustomer) {
	l.marks++
	c.stale = l.marks
	// What they came to went on top of balances that do not hold. The events themselves are loaded by the time new ones
	// are computed, since that begins later.
	c.uses, c.waiting = nil, nil
}

// Unsure are the customers, of those who are known, whose balances do not hold at the instant.
func (l *Live) Unsure(now time.Time) []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var all []string
	for id, c := range l.customers {
		if !c.holds(now) {
			all = append(all, id)
		}
	}
	return all
}

// holds tells whether the balances hold at an instant.
func (c *liveCustomer) holds(now time.Time) bool {
	return c.known && c.stale == 0 && !now.Before(c.AsOf) && now.Before(c.To)
}

// Use takes an event that counts. now is the clock.
func (l *Live) Use(event schemas.Event, part int64, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.customers[event.CustomerID]
	if c == nil {
		l.marks++
		c = &liveCustomer{stale: l.marks}
		l.customers[event.CustomerID] = c
	}
	l.use(c, liveEvent{event: event, part: part}, now)
}

func (l *Live) use(c *liveCustomer, used liveEvent, now time.Time) {
	if !c.holds(now) || c.Problem != nil || !used.event.OccurredAt.Before(c.To) {
		if c.waiting = append(c.waiting, used); len(c.waiting) > mostWaiting {
			l.doubt(c)
		}
		return
	}
	use, ok := l.price(c, used)
	switch {
	case !ok:
		l.doubt(c)
		return
	case use.system == "":
		return
	case !used.event.OccurredAt.Before(now):
		use.at = used.event.OccurredAt
		c.uses = append(c.uses, use)
		return
	}
	l.join(c, use)
}

// price finds what an event comes to; false where more depends on it than the sums of the running period.
func (l *Live) price(c *liveCustomer, used liveEvent) (liveUse, bool) {
	if used.event.OccurredAt.Before(c.From) || len(c.Balances) == 0 || c.Balances[0].Closed != nil {
		return liveUse{}, false
	}
	productSystem := ""
	if credits := c.Balances[0].Terms.Credits; credits != nil {
		productSystem = credits.System
	}
	price, err := l.book.PriceEvent(used.event, productSystem)
	if err != nil {
		return liveUse{}, false
	}
	use := liveUse{part: used.part, system: price.CreditSystem, credits: price.Credits}
	has := func(b PeriodBalance) bool { return b.CreditSystem == use.system }
	return use, use.system == "" || slices.ContainsFunc(c.Balances, has)
}

// join adds a use to that of its part. While nothing is computed, all parts that are loaded are one: whatever is
// computed later holds all of them.
func (l *Live) join(c *liveCustomer, use liveUse) {
	kept := c.uses[:0]
	for _, had := range c.uses {
		loaded := l.computing == 0 && had.part <= l.loaded && use.part <= l.loaded
		if had.at.IsZero() && had.system == use.system && (had.part == use.part || loaded) {
			use.part, use.credits = max(use.part, had.part), use.credits.Add(had.credits)
			continue
		}
		kept = append(kept, had)
	}
	c.uses = append(kept, use)
}

// Entitled answers as of query.AsOf; false if balances must be computed first. query.Catalog and query.Now are not
// looked at.
func (l *Live) Entitled(query EntitledQuery) (Entitlement, bool, error) {
	current, held, ok := l.at(query.CustomerID, query.AsOf)
	if !ok || held.Problem != nil {
		return Entitlement{}, ok, held.Problem
	}
	query.Now = time.Time{}
	answer := current.entitlement(query, l.book)
	answer.Product = held.Product
	if query.DenyPastDue && held.PastDue {
		answer.denyPastDue()
	}
	return answer, true, nil
}

// at are the balances of a customer at an instant, with what was used since they were computed.
func (l *Live) at(customer string, at time.Time) (current Current, held LiveCustomer, ok bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	c := l.customers[customer]
	if c == nil || !c.holds(at) {
		return Current{}, LiveCustomer{}, false
	}
	current = Current{AsOf: at, Catalog: l.catalog, Balances: slices.Clone(c.Balances)}
	for _, use := range c.uses {
		if !use.at.IsZero() && !use.at.Before(at) {
			continue
		}
		for i := range current.Balances {
			if current.Balances[i].CreditSystem == use.system {
				current.Balances[i].use(use.credits)
			}
		}
	}
	return current, c.LiveCustomer, true
}

// use adds to what was used, in a stretch of time in which no credits come or go.
func (b *PeriodBalance) use(credits decimal.Decimal) {
	b.Used = b.Used.Add(credits)
	if b.Unlimited {
		return
	}
	b.Balance = b.Balance.Sub(credits)
	b.Remaining = decimal.Max(b.Balance, decimal.Zero)
	b.Overage = decimal.Max(b.Balance.Neg(), decimal.Zero)
	var terms *schemas.Overage
	if own := b.Terms.Credits; own != nil && own.System == b.CreditSystem {
		terms = own.Overage
	}
	b.Billable = billable(b.Overage, terms)
	b.Capped = b.Overage.Sub(b.Billable)
}
