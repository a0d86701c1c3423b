package post

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
)

// killAt ends the work as a SIGKILL would when it reaches the step.
func killAt(p *Poster, step string, work func()) {
	done := make(chan struct{})
	p.at = func(now string) {
		if now == step {
			runtime.Goexit()
		}
	}
	go func() {
		defer close(done)
		work()
	}()
	<-done
}

// killNth ends the work when it reaches the step for the nth time, from 0. The poster must work on one customer at a
// time: its goroutine ends, and with it the group that waits for it.
func killNth(p *Poster, step string, nth int, work func()) {
	done := make(chan struct{})
	var once sync.Once
	p.at = func(now string) {
		if now != step {
			return
		}
		nth--
		if nth < 0 {
			once.Do(func() { close(done) })
			runtime.Goexit()
		}
	}
	go func() {
		defer once.Do(func() { close(done) })
		work()
	}()
	<-done
}

// runner is a poster that stands still after each step until it is told to go on.
type runner struct {
	resume chan bool
	paused chan bool // false: it ended
	ended  bool
}

// startRunner lets a poster work on a customer's charges step by step.
func startRunner(p *Poster, charges []plan.FrozenCharge) *runner {
	r := &runner{resume: make(chan bool), paused: make(chan bool)}
	stop := func() {
		r.paused <- true
		if !<-r.resume {
			runtime.Goexit()
		}
	}
	p.at = func(string) { stop() }
	p.sleep = func(context.Context, time.Duration) error {
		stop()
		return nil
	}
	go func() {
		defer func() { r.paused <- false }()
		if !<-r.resume {
			return
		}
		reports, posted, err := p.postCustomer(context.Background(), charges)
		err = errors.Join(err, p.lookBack(context.Background(), reports, posted, p.verify))
		if err != nil && !errors.Is(err, stripe.ErrClock) {
			panic(err)
		}
	}()
	return r
}

// step lets the runner do its next step, or ends it.
func (r *runner) step(goOn bool) {
	if r.ended {
		return
	}
	r.resume <- goOn
	if more := <-r.paused; !more {
		r.ended = true
	}
}
