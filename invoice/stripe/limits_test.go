package stripe

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// still is a clock on which sleeping passes the time at once.
type still struct{ at time.Time }

func (s *still) now() time.Time { return s.at }

func (s *still) sleep(_ context.Context, by time.Duration) error {
	s.at = s.at.Add(by)
	return nil
}

func ask(t *testing.T, method, path string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func TestEndpointOf(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/invoiceitems": "/v1/invoiceitems", "/v1/invoiceitems/ii_1": "/v1/invoiceitems/:id",
		"/v1/customers/a customer of old": "/v1/customers/:id", "/v1/invoices/in_1/lines": "/v1/invoices/:id/lines",
		"/v1/invoices/in_1/finalize": "/v1/invoices/:id/finalize", "/v1/checkout/sessions": "/v1/checkout/sessions",
		"/v1/checkout/sessions/cs_1/expire": "/v1/checkout/sessions/:id/expire", "/v1/account": "/v1/account",
	} {
		request := ask(t, http.MethodGet, "/")
		request.URL.Path = path
		if got := endpointOf(request); got != "GET "+want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

// TestLimits: so many requests of an endpoint, and so many in all, whatever they do.
func TestLimits(t *testing.T) {
	clock := &still{at: time.Unix(0, 0)}
	p := newPaces(Limits{Account: 50, Endpoint: 20}, clock.now, clock.sleep)
	wait := func(method, path string, count int) time.Duration {
		began := clock.at
		for range count {
			if err := p.wait(ask(t, method, path)); err != nil {
				t.Fatal(err)
			}
		}
		return clock.at.Sub(began)
	}
	if took := wait(http.MethodGet, "/v1/customers/cus_1", 41); took != 2*time.Second {
		t.Errorf("41 requests of an endpoint took %s", took)
	}
	clock.at = clock.at.Add(time.Second)
	began := clock.at
	for range 20 {
		for _, path := range []string{"/v1/customers/cus_1", "/v1/invoices/in_1", "/v1/invoiceitems", "/v1/prices"} {
			wait(http.MethodPost, path, 1)
		}
		wait(http.MethodGet, "/v1/customers/cus_2", 1)
	}
	if took := clock.at.Sub(began); took < 19*100*time.Millisecond || took > 2*time.Second {
		t.Errorf("100 requests of five endpoints took %s, want 2s at 50 a second", took)
	}
}

// TestLearntFromRefusals: a refusal halves the pace of its endpoint, or of the account where Stripe says so; those
// within a second are one; the pace comes back slowly.
func TestLearntFromRefusals(t *testing.T) {
	clock := &still{at: time.Unix(0, 0)}
	p := newPaces(Limits{Account: 100, Endpoint: 25}, clock.now, clock.sleep)
	lists, customers := ask(t, http.MethodGet, "/v1/invoiceitems"), ask(t, http.MethodGet, "/v1/customers/cus_1")
	refuse := func(reason string, header ...string) {
		response := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{}}
		response.Header.Set(limitedBy, reason)
		for _, name := range header {
			response.Header.Set(name, "true")
		}
		p.heed(lists, response)
	}
	want := func(list, customer, account int) {
		t.Helper()
		got := [3]int{}
		for i, one := range []*pace{p.at(endpointOf(lists)), p.at(endpointOf(customers)), p.account} {
			one.recover(clock.at)
			got[i] = one.percent
		}
		if got != [3]int{list, customer, account} {
			t.Errorf("%v percent of the paces, want %v", got, [3]int{list, customer, account})
		}
	}
	refuse("resource-specific")
	refuse("endpoint-rate", replayed)
	want(100, 100, 100)
	refuse("endpoint-rate")
	refuse("endpoint-rate")
	want(50, 100, 100)
	began := clock.at
	for range 13 {
		if err := p.wait(lists); err != nil {
			t.Fatal(err)
		}
	}
	if took := clock.at.Sub(began); took < 900*time.Millisecond || took > time.Second {
		t.Errorf("13 requests at half the pace took %s, want 12 × 80ms", took)
	}
	refuse("global-rate")
	want(50, 100, 50)
	clock.at = clock.at.Add(10 * time.Second)
	want(70, 100, 70)
	refuse("")
	want(35, 100, 70)
	for range 20 {
		clock.at = clock.at.Add(1001 * time.Millisecond)
		refuse("endpoint-concurrency")
	}
	if got := p.at(endpointOf(lists)).percent; got < slowest || got > 2*slowest {
		t.Errorf("%d percent of the pace after many refusals", got)
	}
	clock.at = clock.at.Add(time.Hour)
	want(100, 100, 100)
}
