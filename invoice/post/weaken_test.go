package post

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/ledger"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripefake"
)

// weakening takes one rule of the protocol away, from outside: a history must then go wrong sooner or later.
type weakening string

const (
	whole     weakening = "whole"
	blindList weakening = "without the list (S4)"
	noSettle  weakening = "without the quiet time (S5)"
	noVerify  weakening = "without the second look at the ledger (S7)"
	noGuard   weakening = "without the guard (S8)"
)

// blindNetwork answers every list of items with an empty one.
type blindNetwork struct{ http.RoundTripper }

func (n blindNetwork) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodGet && request.URL.Path == "/v1/invoiceitems" {
		body := `{"object":"list","url":"/v1/invoiceitems","has_more":false,"data":[]}`
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: request,
		}, nil
	}
	return n.RoundTripper.RoundTrip(request)
}

// weakLog lies to one poster about the ledger. The read that follows an announcement is S7's, all others are S3's.
type weakLog struct {
	EventLog
	runID     string
	weak      weakening
	announced bool
}

func (l *weakLog) Append(ctx context.Context, events ...ledger.Event) error {
	l.announced = events[0].Kind == ledger.Intent
	return l.EventLog.Append(ctx, events...)
}

func (l *weakLog) Events(ctx context.Context, ids []string) ([]ledger.Event, error) {
	events, err := l.EventLog.Events(ctx, ids)
	second := l.announced
	l.announced = false
	var told []ledger.Event
	for _, event := range events {
		switch {
		case second && l.weak == noVerify && event.RunID != l.runID:
			continue // S7 sees no other run
		case !second && l.weak == noSettle && event.Kind == ledger.Intent:
			event.At = event.At.Add(-ledger.SettleTime) // S5 takes every announcement for an old one
		}
		told = append(told, event)
	}
	return told, err
}

// TestWeakened takes rules away and expects a history to end with two items: otherwise TestHistories would show
// nothing. The whole protocol survives the same history. S7 is needed too rarely for that: see TestSecondLook.
func TestWeakened(t *testing.T) {
	for _, weak := range []weakening{blindList, noSettle, noGuard} {
		t.Run(string(weak), func(t *testing.T) {
			most := histories(t, 3000)
			for seed := range most {
				weakened, kept := &tally{}, &tally{}
				if wrong := history(t, seed, hostile, weak, weakened); weakened.doubles > 0 {
					t.Logf("seed %d: %s", seed, wrong)
					if wrong := history(t, seed, hostile, whole, kept); wrong != "" {
						t.Fatalf("seed %d, the whole protocol: %s", seed, wrong)
					}
					return
				}
			}
			t.Fatalf("%d histories ended well without a rule they need", most)
		})
	}
}

// TestSecondLook is the history that needs S7. A run learns that its key replays a failure and is suspended before it
// writes that down; a day later, when Stripe has forgotten the key, a second run chooses the same key, and before that
// announces it, the first wakes up and a third run goes on under the next key.
func TestSecondLook(t *testing.T) {
	for _, weak := range []weakening{whole, noVerify} {
		b := newBench(t)
		charge := b.charge(plan.ModeSubscription, 10000)
		b.Fake.Inject(stripefake.Fault{Kind: stripefake.Error500, Method: http.MethodPost})
		post := func(p *Poster) {
			t.Helper()
			if _, err := p.Post(context.Background(), []plan.FrozenCharge{charge}, nil); err != nil {
				t.Fatal(err)
			}
		}
		first, second := b.poster("first"), b.poster("second")
		second.events = &weakLog{EventLog: b.events, runID: "second", weak: weak}
		second.at = func(step string) {
			if step != "S5" {
				return
			}
			second.at = func(string) {}
			woken := first.event(charge, ledger.StepItem, 0, outcome{kind: ledger.Poison, replayed: true})
			if err := b.events.Append(context.Background(), woken); err != nil {
				t.Fatal(err)
			}
			post(b.poster("third"))
		}
		sent := 0
		first.at = func(step string) {
			if step == "S9" {
				sent++
				if sent == 2 {
					b.Clock.Advance(48 * time.Hour)
					post(second)
				}
			}
		}
		post(first)
		want := 1
		if weak == noVerify {
			want = 2
		}
		if items := b.Items(charge.ID); len(items) != want {
			t.Fatalf("%s: %d items, want %d", weak, len(items), want)
		}
	}
}
