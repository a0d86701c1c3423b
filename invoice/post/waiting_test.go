package post

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// watched notes when each request leaves, by the bench's clock.
type watched struct {
	http.RoundTripper
	clock *stripetest.Clock
	left  []time.Time
}

func (n *watched) RoundTrip(request *http.Request) (*http.Response, error) {
	n.left = append(n.left, n.clock.Now())
	return n.RoundTripper.RoundTrip(request)
}

// TestRetryAfter: where Stripe says when to ask again, nothing is asked or sent before, up to a bound.
func TestRetryAfter(t *testing.T) {
	for _, kind := range []string{stripefake.RateLimit, stripefake.Unavailable} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for retryAfterS, wait := range map[int]time.Duration{
				0: time.Second, 7: 7 * time.Second, 15: 15 * time.Second, 86400: 15 * time.Second,
			} {
				t.Run(fmt.Sprintf("%s, %s, %d s", kind, method, retryAfterS), func(t *testing.T) {
					b := newBench(t)
					charge := b.charge(plan.ModeSubscription, 10000)
					b.Fake.Inject(stripefake.Fault{
						Kind: kind, Method: method, PathPrefix: "/v1/invoiceitems", RetryAfterS: retryAfterS,
					})
					network := &watched{RoundTripper: stripetest.InProcess(b.Fake), clock: b.Clock}
					p := b.poster("told to wait")
					p.stripe = b.Client(network)
					reports, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil)
					if err != nil || reports[0].Status != plan.StatusPosted {
						t.Fatalf("%v, %+v", err, reports)
					}
					refused := slices.IndexFunc(b.Fake.Requests(), func(r stripefake.Request) bool {
						return r.Status != http.StatusOK
					})
					if waited := network.left[refused+1].Sub(network.left[refused]); waited != wait {
						t.Fatalf("the next request left %s after the one that was refused, want %s", waited, wait)
					}
					b.assertOnce(charge)
				})
			}
		}
	}
}

// impatient gives requests up as soon as they have left, some of a method after others: their answers take longer than
// anybody waits.
type impatient struct {
	http.RoundTripper
	method      string
	skip, times int
}

func (n *impatient) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != n.method {
		return n.RoundTripper.RoundTrip(request)
	}
	n.skip--
	if n.skip >= 0 || n.skip < -n.times {
		return n.RoundTripper.RoundTrip(request)
	}
	ctx, cancel := context.WithDeadline(request.Context(), time.Unix(0, 0))
	defer cancel()
	if _, err := n.RoundTripper.RoundTrip(request.WithContext(ctx)); err == nil {
		panic("an answer came")
	}
	return nil, ctx.Err()
}

// TestDeadline: Stripe executes a request and never answers. Given up, it is not known to be done, and looked for.
func TestDeadline(t *testing.T) {
	for mode, requests := range map[string]int{
		plan.ModeSubscription: 1, plan.ModeRenewal: 1, plan.ModeBillNow: 3, plan.ModeInvoice: 3, plan.ModeDraft: 2,
	} {
		for skip := range requests {
			b := newBench(t)
			charge := b.charge(mode, 10000)
			b.Fake.Inject(stripefake.Fault{Kind: stripefake.Hang, Method: http.MethodPost, Skip: skip})
			p := b.poster("given up")
			p.stripe = b.Client(&impatient{stripetest.InProcess(b.Fake), http.MethodPost, skip, 1})
			reports, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil)
			if err != nil || reports[0].Status != plan.StatusPosted || b.Posts() != requests {
				t.Fatalf("%s, request %d: %v, %+v, %d requests, want %d", mode, skip, err, reports, b.Posts(), requests)
			}
			unknown := slices.ContainsFunc(b.events.rows, func(row ledger.Event) bool {
				return row.Kind == ledger.Unknown && row.ErrCode == "no_answer"
			})
			if !unknown {
				t.Fatalf("%s, request %d: ledger holds %v", mode, skip, b.kinds())
			}
			b.assertOnce(charge)
		}
	}
}

// TestDeadlineOfLook: a list that never comes says nothing; the charge stays open, and nothing is sent.
func TestDeadlineOfLook(t *testing.T) {
	b := newBench(t)
	charge := b.charge(plan.ModeSubscription, 10000)
	b.Fake.Inject(stripefake.Fault{Kind: stripefake.DropAfter, Method: http.MethodPost})
	p := b.poster("killed")
	killAt(p, "S9", func() { _, _ = p.postCharge(context.Background(), charge) })
	b.Clock.Advance(25 * time.Hour)
	b.Fake.Inject(stripefake.Fault{
		Kind: stripefake.Hang, Method: http.MethodGet, PathPrefix: "/v1/invoiceitems", Times: -1,
	})
	p = b.poster("blind")
	// customer and subscription are told
	p.stripe = b.Client(&impatient{stripetest.InProcess(b.Fake), http.MethodGet, 2, maxRounds})
	reports, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil)
	if err != nil || reports[0].Status != plan.StatusOpen || b.Posts() != 1 {
		t.Fatalf("%v, %+v, %d requests", err, reports, b.Posts())
	}
	b.Fake.ClearFaults()
	b.post("next", charge)
	b.assertOnce(charge)
}
