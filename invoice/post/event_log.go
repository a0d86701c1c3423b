package post

import (
	"context"
	"sync"

	"github.com/creditmill/creditmill/invoice/ledger"
)

// gather lets calls that come while one is under way go together in the next: what costs the same for one row and for
// many then keeps up with any number of callers.
type gather[In, Out any] struct {
	do   func(context.Context, []In) (Out, error)
	mu   sync.Mutex
	busy bool
	next *gathered[In, Out]
}

// gathered is one call for several callers.
type gathered[In, Out any] struct {
	in   []In
	out  Out
	err  error
	done chan struct{}
}

// call does its part, with those of others or alone, and returns when it is done. A caller that gives up waiting does
// not end it for the others.
func (g *gather[In, Out]) call(ctx context.Context, in ...In) (Out, error) {
	g.mu.Lock()
	if g.next == nil {
		g.next = &gathered[In, Out]{done: make(chan struct{})}
	}
	own := g.next
	own.in = append(own.in, in...)
	if !g.busy {
		g.busy = true
		go g.work(context.WithoutCancel(ctx))
	}
	g.mu.Unlock()
	select {
	case <-own.done:
		return own.out, own.err
	case <-ctx.Done():
		var none Out
		return none, ctx.Err()
	}
}

// work does what waits, until nothing does.
func (g *gather[In, Out]) work(ctx context.Context) {
	for {
		g.mu.Lock()
		current := g.next
		g.next = nil
		if current == nil {
			g.busy = false
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		current.out, current.err = g.do(ctx, current.in)
		close(current.done)
	}
}

// EventLog is where a Poster writes down what it is about to do and what came of it. An append that returned is
// durable, and every later read sees it.
type EventLog interface {
	Events(ctx context.Context, chargeIDs []string) ([]ledger.Event, error)
	Append(ctx context.Context, events ...ledger.Event) error
}

// sharedLog is an EventLog whose users' reads and appends go to the ledger together.
type sharedLog struct {
	reads   gather[string, map[string][]ledger.Event]
	appends gather[ledger.Event, struct{}]
}

func newSharedLog(log EventLog) *sharedLog {
	s := &sharedLog{}
	s.reads.do = func(ctx context.Context, ids []string) (map[string][]ledger.Event, error) {
		events, err := log.Events(ctx, ids)
		byCharge := map[string][]ledger.Event{}
		for _, event := range events {
			byCharge[event.ChargeID] = append(byCharge[event.ChargeID], event)
		}
		return byCharge, err
	}
	s.appends.do = func(ctx context.Context, events []ledger.Event) (struct{}, error) {
		return struct{}{}, log.Append(ctx, events...)
	}
	return s
}

func (s *sharedLog) Events(ctx context.Context, chargeIDs []string) ([]ledger.Event, error) {
	found, err := s.reads.call(ctx, chargeIDs...)
	if err != nil {
		return nil, err
	}
	var events []ledger.Event
	for _, id := range chargeIDs {
		events = append(events, found[id]...)
	}
	return events, nil
}

func (s *sharedLog) Append(ctx context.Context, events ...ledger.Event) error {
	_, err := s.appends.call(ctx, events...)
	return err
}
