package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// guardWindow is how old the look at Stripe's list may be when a request leaves. A process that was suspended in
// between wakes up to find it closed.
const guardWindow = 2 * time.Minute

var (
	errReadOnly  = errors.New("a request that writes was refused: this run only reads")
	errUnguarded = errors.New("a request that writes was refused: nothing was looked up before it")
	errStale     = errors.New("a request that writes was refused: what was looked up before it is too old")
)

// sending follows one announced request through stripe-go's repeats.
type sending struct {
	lookedAt time.Time
	mu       sync.Mutex
	attempts int
}

type sendingKey struct{}

// Announced lets writes pass that are made within guardWindow of lookedAt, by the clock on the wall: Go's monotonic
// clock stands still while the machine sleeps.
func Announced(ctx context.Context, lookedAt time.Time) (context.Context, *sending) {
	s := &sending{lookedAt: lookedAt.Round(0)}
	return context.WithValue(ctx, sendingKey{}, s), s
}

// Count is how many attempts left the process, as far as this transport sees: net/http may repeat one by itself.
func (s *sending) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts
}

// transport stands between stripe-go and the network.
type transport struct {
	base     http.RoundTripper
	readOnly bool
	now      func() time.Time
	writes   *pace
	reads    *pace
	skew     *skew
}

// RoundTrip lets paced reads pass, and writes only where they are announced, paced and recent.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	if request.Method == http.MethodGet {
		if err := t.reads.wait(ctx); err != nil {
			return nil, fmt.Errorf("wait for the pace of reads: %w", err)
		}
		return shaped(t.heeded(t.measured(request)))
	}
	if t.readOnly {
		return nil, errReadOnly
	}
	sending, announced := ctx.Value(sendingKey{}).(*sending)
	if !announced {
		return nil, errUnguarded
	}
	if err := t.writes.wait(ctx); err != nil {
		return nil, fmt.Errorf("wait for the pace of writes: %w", err)
	}
	sending.mu.Lock()
	defer sending.mu.Unlock()
	if age := t.now().Sub(sending.lookedAt); age > guardWindow || age < 0 {
		return nil, errStale
	}
	sending.attempts++
	return shaped(t.heeded(t.measured(request)))
}

// measured compares the clocks by the answer.
func (t *transport) measured(request *http.Request) (*http.Response, error) {
	sent := t.now()
	response, err := t.base.RoundTrip(request)
	if err == nil {
		t.skew.measure(response, sent.Round(0), t.now().Round(0))
	}
	return response, err
}

// restMost is the longest that an answer's Retry-After keeps requests back. It leaves time for the request within
// requestTimeout; what takes Stripe longer is left to further rounds and runs.
const restMost = 15 * time.Second

// heeded lets all requests of this run wait where an answer says when to ask again.
func (t *transport) heeded(response *http.Response, err error) (*http.Response, error) {
	if err != nil || response.StatusCode != http.StatusTooManyRequests &&
		response.StatusCode != http.StatusServiceUnavailable {
		return response, err
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		rest := min(seconds, int(restMost/time.Second))
		t.reads.rest(time.Duration(rest) * time.Second)
		t.writes.rest(time.Duration(rest) * time.Second)
	}
	return response, err
}

// pace spaces requests evenly, and rests when it is told to.
type pace struct {
	gap   time.Duration
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	mu    sync.Mutex
	next  time.Time
}

func newPace(perSecond int, now func() time.Time, sleep func(context.Context, time.Duration) error) *pace {
	p := &pace{now: now, sleep: sleep}
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
	p.next = p.next.Add(p.gap)
	p.mu.Unlock()
	if delay == 0 {
		return nil
	}
	return p.sleep(ctx, delay)
}

// rest lets nothing pass for a while.
func (p *pace) rest(span time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.now().Add(span); until.After(p.next) {
		p.next = until
	}
}
