// Package stripetest is what tests that need a Stripe work with: stripefake behind a network without sockets, a clock
// that only the test moves, and what a person does in Stripe's dashboard. It is for tests alone, and a package of its
// own since the tests of several rooms (post, sync, stripe) share it; it knows no ledger and no poster.
package stripetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
)

// Clock is one that only the test moves.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock shows three in the morning of 2 November 2026.
func NewClock() *Clock { return &Clock{at: time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)} }

// Now is what it shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves it.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

// Sleep passes the time at once.
func (c *Clock) Sleep(_ context.Context, by time.Duration) error {
	c.Advance(by)
	return nil
}

// InProcess is a network of one handler: a cut connection is an error, as it is over TCP.
func InProcess(handler http.Handler) http.RoundTripper { return oneHandler{handler} }

type oneHandler struct{ handler http.Handler }

// RoundTrip hands the request to the handler.
func (n oneHandler) RoundTrip(request *http.Request) (response *http.Response, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			if failure, isError := cause.(error); !isError || !errors.Is(failure, http.ErrAbortHandler) {
				panic(cause)
			}
			response, err = nil, io.ErrUnexpectedEOF
		}
	}()
	recorder := httptest.NewRecorder()
	if request.Body != nil {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
	} else {
		request.Body = http.NoBody
	}
	n.handler.ServeHTTP(recorder, request)
	return recorder.Result(), nil
}

// Bench is a Stripe and a clock, with a customer who has a subscription.
type Bench struct {
	T     testing.TB
	Clock *Clock
	Fake  *stripefake.Server
	Sub   string
}

// New is a bench with customer cus_1, who pays $100.00 a month.
func New(t testing.TB) *Bench {
	t.Helper()
	b := &Bench{T: t, Clock: NewClock()}
	fake, err := stripefake.New(stripefake.Config{Now: b.Clock.Now, Date: b.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	b.Fake = fake
	fake.AddCustomer("cus_1")
	fake.AddPrice("price_pro", "usd", 10000)
	b.Sub = fake.AddSubscription("cus_1", "price_pro", b.Clock.Now().Add(-24*time.Hour))
	return b
}

// Client is a client of the fake without repeats of its own.
func (b *Bench) Client(network http.RoundTripper) *stripe.Client {
	b.T.Helper()
	return b.ClientAt(b.Clock.Now, network)
}

// ClientAt is client with another clock.
func (b *Bench) ClientAt(now func() time.Time, network http.RoundTripper) *stripe.Client {
	b.T.Helper()
	client, err := stripe.New(stripe.Config{
		Key: "sk_test_bench", BaseURL: "http://127.0.0.1:1", Now: now, Sleep: b.Clock.Sleep, NoRetries: true,
		Transport: network,
	})
	if err != nil {
		b.T.Fatal(err)
	}
	return client
}

// Request asks the fake as a person in Stripe's dashboard would.
func (b *Bench) Request(method, path, form string) {
	b.T.Helper()
	if status := b.Try(method, path, form); status != http.StatusOK {
		b.T.Fatalf("%s %s: %d", method, path, status)
	}
}

// Try is a request that may be refused.
func (b *Bench) Try(method, path, form string) int {
	b.T.Helper()
	request, err := http.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(form))
	if err != nil {
		b.T.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer sk_test_person")
	response, err := InProcess(b.Fake).RoundTrip(request)
	if err != nil {
		b.T.Fatalf("%s %s: %v", method, path, err)
	}
	return response.StatusCode
}

// Items are the fake's items of a charge.
func (b *Bench) Items(chargeID string) []stripefake.InvoiceItem {
	var own []stripefake.InvoiceItem
	for _, item := range b.Fake.Items() {
		if item.Metadata[stripe.MetadataChargeID] == chargeID {
			own = append(own, item)
		}
	}
	return own
}

// Posts counts the writes that reached the fake.
func (b *Bench) Posts() int {
	count := 0
	for _, request := range b.Fake.Requests() {
		if request.Method == http.MethodPost {
			count++
		}
	}
	return count
}

// ByHand makes items and invoices of the customer as a person does, with metadata of another kind at most, on a
// subscription that no charge is for.
func (b *Bench) ByHand(count int, subscription string) {
	b.T.Helper()
	for n := range count {
		item := fmt.Sprintf("customer=cus_1&currency=usd&amount=%d&subscription=%s", n+1, subscription)
		bill := "customer=cus_1&currency=usd&pending_invoice_items_behavior=exclude"
		if n%3 == 1 {
			item += "&metadata[order]=17"
			bill += "&metadata[order]=17"
		}
		b.Request("POST", "/v1/invoiceitems", item)
		b.Request("POST", "/v1/invoices", bill)
	}
}
