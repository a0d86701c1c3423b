package post

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripetest"
)

// Stripe's limits in live mode (docs.stripe.com/rate-limits, September 2026).
const endpointLimit, accountLimit = 25, 100

// limited is a network that refuses what is above Stripe's limits in any second of the clock, and counts.
type limited struct {
	http.RoundTripper
	now     func() time.Time
	recent  map[string][]time.Time
	counts  map[string]int
	refused int
}

// endpoint names an endpoint.
func endpoint(request *http.Request) string {
	parts := strings.Split(request.URL.Path, "/")
	if len(parts) > 3 {
		parts[3] = ":id"
	}
	return request.Method + " " + strings.Join(parts, "/")
}

func (n *limited) RoundTrip(request *http.Request) (*http.Response, error) {
	now := n.now()
	for name, most := range map[string]int{endpoint(request): endpointLimit, "": accountLimit} {
		taken := n.recent[name]
		for len(taken) > 0 && !taken[0].Add(time.Second).After(now) {
			taken = taken[1:]
		}
		n.recent[name] = append(taken, now)
		n.counts[name]++
		if len(taken) >= most {
			n.refused++
			return &http.Response{
				StatusCode: http.StatusTooManyRequests, Header: http.Header{}, Body: http.NoBody, Request: request,
			}, nil
		}
	}
	return n.RoundTripper.RoundTrip(request)
}

// least is how long Stripe's limits alone make the requests take.
func (n *limited) least() time.Duration {
	longest := time.Duration(n.counts[""]) * time.Second / accountLimit
	for name, count := range n.counts {
		if name != "" {
			longest = max(longest, time.Duration(count)*time.Second/endpointLimit)
		}
	}
	return longest
}

// paced chooses the way of charges of so many customers each, freezes and posts them at the default pace of live mode.
// It returns how long that took, and how long Stripe's limits alone make it take.
func paced(t testing.TB, charges, customers int) (took, least time.Duration) {
	t.Helper()
	b := newBench(t)
	network := &limited{
		RoundTripper: stripetest.InProcess(b.Fake), now: b.Clock.Now, recent: map[string][]time.Time{},
		counts: map[string]int{},
	}
	client, err := stripe.New(stripe.Config{
		Key: "sk_test_bench", BaseURL: "http://127.0.0.1:1", Now: b.Clock.Now, Sleep: b.Clock.Sleep, NoRetries: true,
		Transport: network, Limits: stripe.Limits{Account: 96, Endpoint: 24},
	})
	if err != nil {
		t.Fatal(err)
	}
	var known []subscription.Subscription
	var planned plan.Plan
	for n := range charges {
		customer := fmt.Sprint("cus_paced_", n%customers)
		if n < customers {
			b.Fake.AddCustomer(customer)
			known = append(known, subscription.Subscription{
				CustomerID: customer, Product: "pro", StartsAt: b.Clock.Now().AddDate(-1, 0, 0),
				StripeSubscription: b.Fake.AddSubscription(customer, "price_pro", b.Clock.Now().Add(-24*time.Hour)),
			})
		}
		charge := b.charge(plan.ModeSubscription, 10000).Charge
		charge.ID, charge.CustomerID, charge.StripeCustomer = fmt.Sprint("oc_paced_", n), customer, customer
		charge.Product, charge.Status = "pro", plan.StatusReady
		planned.Charges = append(planned.Charges, charge)
	}
	p := b.poster("run_paced")
	p.stripe = client
	began := b.Clock.Now()
	frozen, held, err := p.Choose(t.Context(), planned, planned.Charges, known)
	if err != nil || len(held) > 0 {
		t.Fatal(err, held)
	}
	reports, err := p.Post(t.Context(), frozen, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, report := range reports {
		if report.Status != plan.StatusPosted {
			t.Fatalf("%+v", report)
		}
	}
	if items := len(b.Fake.Items()); items != charges || network.refused > 0 {
		t.Fatalf("%d items of %d charges, %d requests refused", items, charges, network.refused)
	}
	return b.Clock.Now().Sub(began), network.least()
}

// TestPaceOfManyCharges: a run takes hardly longer than Stripe's limits make it, none of its requests is refused, and
// several charges of a customer take less than as many of several.
func TestPaceOfManyCharges(t *testing.T) {
	apart, least := paced(t, 500, 500)
	if apart > least*115/100 {
		t.Errorf("500 charges of 500 customers took %s, %s at Stripe's limits", apart, least)
	}
	if together, _ := paced(t, 500, 50); together > apart*6/10 {
		t.Errorf("500 charges of 50 customers took %s, those of 500 %s", together, apart)
	}
}

// BenchmarkPace is TestPaceOfManyCharges for 10,000 charges; it reports seconds of the virtual clock.
func BenchmarkPace(b *testing.B) {
	for _, customers := range []int{10_000, 1_000} {
		b.Run(fmt.Sprint(customers, " customers"), func(b *testing.B) {
			for b.Loop() {
				took, least := paced(b, 10_000, customers)
				b.ReportMetric(took.Seconds(), "virtual-s")
				b.ReportMetric(took.Seconds()/least.Seconds(), "of-the-limit")
			}
		})
	}
}
