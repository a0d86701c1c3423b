package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
	paces    *paces
	skew     *skew
}

// RoundTrip lets paced reads pass, and writes only where they are announced, paced and recent.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	if request.Method == http.MethodGet {
		if err := t.paces.wait(request); err != nil {
			return nil, fmt.Errorf("wait for the pace of reads: %w", err)
		}
		return shaped(t.measured(request))
	}
	if t.readOnly {
		return nil, errReadOnly
	}
	sending, announced := ctx.Value(sendingKey{}).(*sending)
	if !announced {
		return nil, errUnguarded
	}
	if err := t.paces.wait(request); err != nil {
		return nil, fmt.Errorf("wait for the pace of writes: %w", err)
	}
	sending.mu.Lock()
	defer sending.mu.Unlock()
	if age := t.now().Sub(sending.lookedAt); age > guardWindow || age < 0 {
		return nil, errStale
	}
	sending.attempts++
	return shaped(t.measured(request))
}

// measured compares the clocks by the answer, and learns from it how fast Stripe wants to be asked.
func (t *transport) measured(request *http.Request) (*http.Response, error) {
	sent := t.now()
	response, err := t.base.RoundTrip(request)
	if err == nil {
		t.skew.measure(response, sent.Round(0), t.now().Round(0))
		t.paces.heed(request, response)
	}
	return response, err
}
