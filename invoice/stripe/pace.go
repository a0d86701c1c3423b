package stripe

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits are how many requests a second are made; 0 sets no limit of that kind.
type Limits struct {
	// Account is for all requests together, Endpoint for each kind of them: a method and a path without its ids.
	Account, Endpoint int
	// Reads and Writes are for those that read and those that write.
	Reads, Writes int
}

// paces are those that a run keeps. Stripe takes 100 requests a second of an account, 25 of each endpoint, and 25 in
// all with a test key (docs.stripe.com/rate-limits, September 2026). What it takes at a time depends on who else uses
// the account: that is learnt from 429.
type paces struct {
	limits   Limits
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error
	account  *pace
	reads    *pace
	writes   *pace
	mu       sync.Mutex
	endpoint map[string]*pace
}

func newPaces(limits Limits, now func() time.Time, sleep func(context.Context, time.Duration) error) *paces {
	return &paces{
		limits: limits, now: now, sleep: sleep, endpoint: map[string]*pace{}, account: newPace(limits.Account, now, sleep),
		reads: newPace(limits.Reads, now, sleep), writes: newPace(limits.Writes, now, sleep),
	}
}

// endpointOf names the endpoint of a request, such as "GET /v1/invoices/:id/lines".
func endpointOf(request *http.Request) string {
	parts := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
	id := 2
	if len(parts) > 1 && parts[1] == "checkout" { // whose objects are a step lower
		id = 3
	}
	if id < len(parts) {
		parts[id] = ":id"
	}
	return request.Method + " /" + strings.Join(parts, "/")
}

func (p *paces) at(endpoint string) *pace {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.endpoint[endpoint]
	if one == nil {
		one = newPace(p.limits.Endpoint, p.now, p.sleep)
		p.endpoint[endpoint] = one
	}
	return one
}

// of are the paces that a request keeps, the one that is likely the slowest first.
func (p *paces) of(request *http.Request) []*pace {
	kind := p.writes
	if request.Method == http.MethodGet {
		kind = p.reads
	}
	return []*pace{p.at(endpointOf(request)), kind, p.account}
}

// wait waits for a request's turn.
func (p *paces) wait(request *http.Request) error {
	for _, one := range p.of(request) {
		if err := one.wait(request.Context()); err != nil {
			return err
		}
	}
	return nil
}

// restMost is the longest that an answer's Retry-After keeps requests back. It leaves time for the request within
// requestTimeout; what takes Stripe longer is left to further rounds and runs.
const restMost = 15 * time.Second

// limitedBy is the header by which Stripe says which of its limits a request met (docs.stripe.com/rate-limits).
const limitedBy = "Stripe-Rate-Limited-Reason"

// heed lets all requests of this run wait where an answer says when to ask again, and slows those down that it says are
// too many. A failure that is kept under its key, as a lock that was not free may be, tells nothing of the pace.
func (p *paces) heed(request *http.Request, response *http.Response) {
	limited := response.StatusCode == http.StatusTooManyRequests
	if !limited && response.StatusCode != http.StatusServiceUnavailable || response.Header.Get(replayed) != "" {
		return
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		rest := time.Duration(min(seconds, int(restMost/time.Second))) * time.Second
		p.account.rest(rest)
	}
	switch reason := response.Header.Get(limitedBy); {
	case !limited || reason == "resource-specific":
	case strings.HasPrefix(reason, "global-"):
		p.account.slow()
	default:
		p.at(endpointOf(request)).slow()
	}
}

// replayed is on an answer that Stripe kept under the request's key.
const replayed = "Idempotent-Replayed"

// pace spaces requests evenly, and rests when it is told to.
type pace struct {
	gap   time.Duration
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	mu    sync.Mutex
	next  time.Time
	// percent is how much of the pace is kept since Stripe refused a request at slowed; regained is until when some of it
	// was given back.
	percent          int
	slowed, regained time.Time
}

const (
	whole = 100
	// slowest is how little of a pace is left at least, aSecond what is given back with each second.
	slowest, aSecond = 4, 2
)

func newPace(perSecond int, now func() time.Time, sleep func(context.Context, time.Duration) error) *pace {
	p := &pace{now: now, sleep: sleep, percent: whole}
	if perSecond > 0 {
		p.gap = time.Second / time.Duration(perSecond)
	}
	return p
}

func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	if p.gap == 0 && p.next.IsZero() {
		p.mu.Unlock()
		return nil
	}
	now := p.now()
	if p.next.Before(now) {
		p.next = now
	}
	delay := p.next.Sub(now)
	p.recover(now)
	p.next = p.next.Add(p.gap * whole / time.Duration(p.percent))
	p.mu.Unlock()
	if delay == 0 {
		return nil
	}
	return p.sleep(ctx, delay)
}

// slow halves the pace. Refusals within a second are one: they were on their way together.
func (p *pace) slow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if !p.slowed.IsZero() && now.Sub(p.slowed) < time.Second {
		return
	}
	p.recover(now)
	p.percent, p.slowed, p.regained = max(p.percent/2, slowest), now, now
}

// recover gives some of the pace back for each second since it was slowed down.
func (p *pace) recover(now time.Time) {
	if p.percent == whole {
		return
	}
	if seconds := int(now.Sub(p.regained) / time.Second); seconds > 0 {
		p.percent = min(whole, p.percent+aSecond*min(seconds, whole))
		p.regained = p.regained.Add(time.Duration(seconds) * time.Second)
	}
}

// rest lets nothing pass for a while.
func (p *pace) rest(span time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.now().Add(span); until.After(p.next) {
		p.next = until
	}
}
