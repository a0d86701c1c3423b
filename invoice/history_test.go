package invoice

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/stripefake"
)

// killAt ends the work as a SIGKILL would when it reaches the step.
func killAt(p *poster, step string, work func()) {
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
func killNth(p *poster, step string, nth int, work func()) {
	done := make(chan struct{})
	var once sync.Once
	p.at = func(now string) {
		if now != step {
			return
		}
		if nth--; nth < 0 {
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

// request asks the fake as a person in Stripe's dashboard would.
func (b *bench) request(method, path, form string) {
	b.t.Helper()
	request, err := http.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(form))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer sk_test_person")
	response, err := inProcess{b.fake}.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: %v %v", method, path, err, response)
	}
}

// runner is a poster that stands still after each step until it is told to go on.
type runner struct {
	resume chan bool
	paused chan bool // false: it ended
	ended  bool
}

// startRunner lets a poster work on the charge step by step.
func startRunner(p *poster, charge FrozenCharge) *runner {
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
		if _, err := p.postCustomer(context.Background(), []FrozenCharge{charge}); err != nil {
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

// troubled is a network on which requests that write meet a random fault.
type troubled struct {
	inProcess
	fake   *stripefake.Server
	random *rand.Rand
	// hostile: most requests end in a failure that is kept under the key.
	hostile bool
}

func (n troubled) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodPost {
		return n.inProcess.RoundTrip(request)
	}
	n.fake.ClearFaults()
	delay := n.random.IntN(120)
	kind := ""
	switch x := n.random.IntN(100); {
	case x < 10:
		kind = stripefake.DropBefore
	case x < 20:
		kind = stripefake.RateLimit
	case x < 35:
		kind = stripefake.Delayed
	case x < 50:
		kind = stripefake.DropAfter
	case x < 58:
		kind = stripefake.Error500
	case x < 61:
		kind = stripefake.Error500Done
	case x < 64:
		kind = stripefake.Error500Late
	case x < 72:
		kind = stripefake.LockTimeout
	}
	if n.hostile {
		delay = 120 + n.random.IntN(400)
		kind = []string{
			stripefake.Error500Late, stripefake.Error500, stripefake.LockTimeout, stripefake.Delayed, stripefake.DropAfter, "",
		}[n.random.IntN(6)]
	}
	if kind != "" {
		n.fake.Inject(stripefake.Fault{Kind: kind, Method: http.MethodPost, DelayS: delay})
	}
	return n.inProcess.RoundTrip(request)
}

// kind says what goes on in a history beside kills, suspensions and faults.
type kind struct {
	// drift: some runs froze another amount. restore: the ledger is restored from a backup now and then.
	drift, restore bool
	// hostile: Stripe fails with 500 more often than not, and rivals are many.
	hostile bool
}

var hostile = kind{hostile: true}

// history is one random run of posters that are killed, suspended and troubled, followed by nights without trouble. It
// returns the number of items in the end. It is the Go form of the model that the protocol was found with.
func history(t *testing.T, seed uint64, how kind, weak weakening) int {
	random := rand.New(rand.NewPCG(seed, 1))
	b := newBench(t)
	amounts := []FrozenCharge{b.charge(ModeSubscription, 10000), b.charge(ModeSubscription, 10100)}
	var live []*runner
	defer func() {
		for _, r := range live {
			r.step(false)
		}
	}()
	start := func(n int, faulty bool) *runner {
		var network http.RoundTripper = inProcess{b.fake}
		if faulty {
			network = troubled{inProcess: inProcess{b.fake}, fake: b.fake, random: random, hostile: how.hostile}
		} else {
			b.fake.ClearFaults()
		}
		if weak == blindList {
			network = blindNetwork{network}
		}
		p := b.poster(fmt.Sprintf("run_%d", n))
		p.stripe = b.client(network)
		if weak == noGuard {
			// The guard's clock stands still from the announcement on.
			var last time.Time
			p.now = func() time.Time {
				last = b.clock.now()
				return last
			}
			p.stripe = b.clientAt(func() time.Time { return last }, network)
		}
		if weak == noSettle || weak == noVerify {
			p.events = &weakLog{eventLog: b.events, runID: p.runID, weak: weak}
		}
		charge := amounts[0]
		if how.drift && random.IntN(2) == 0 {
			charge = amounts[1]
		}
		return startRunner(p, charge)
	}
	pauses := []float64{30, 5 * 60, 22.97 * 60, 23 * 60, 24.2 * 60, 26 * 60}
	runners := 0
	for range 110 {
		switch x := random.IntN(100); {
		case x < 10 && runners < 8:
			runners++
			live = append(live, start(runners, true))
		case x < 15 && len(live) > 0:
			i := random.IntN(len(live))
			live[i].step(false)
			live = append(live[:i], live[i+1:]...)
		case x < 20:
			b.clock.advance(time.Duration(pauses[random.IntN(len(pauses))] * float64(time.Minute)))
		case x < 35:
			b.clock.advance(time.Duration(random.IntN(90)) * time.Second)
		case x < 36 && how.restore && len(b.events.rows) > 0:
			for _, r := range live {
				r.step(false)
			}
			live = nil
			b.events.truncate(random.IntN(len(b.events.rows) + 1))
			b.clock.advance(2 * settleTime)
		case len(live) > 0:
			live[random.IntN(len(live))].step(true)
		}
	}
	for night := range 6 {
		b.clock.advance(2 * settleTime)
		if night > 0 {
			b.clock.advance(24 * time.Hour)
		}
		runners++
		for last := start(runners, false); !last.ended; {
			last.step(true)
		}
		for _, zombie := range live {
			for range random.IntN(4) {
				zombie.step(true)
			}
		}
	}
	b.clock.advance(time.Hour)
	return len(b.items(amounts[0].ID))
}

// TestHistories runs random histories against the real poster and the real stripe-go. Every one ends with exactly one
// item.
func TestHistories(t *testing.T) {
	count := histories(t, 300)
	for _, test := range []struct {
		name           string
		drift, restore bool
	}{
		{name: "one plan"},
		{name: "two plans", drift: true},
		{name: "ledger restored", restore: true},
		{name: "both", drift: true, restore: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			for seed := range count {
				if items := history(t, seed, kind{drift: test.drift, restore: test.restore}, whole); items != 1 {
					t.Fatalf("seed %d ended with %d items", seed, items)
				}
			}
		})
	}
}
