package invoice

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/creditmill/creditmill/aggregate"
	"github.com/creditmill/creditmill/aggregate/subscription"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/post"
	"github.com/creditmill/creditmill/invoice/stripe"
	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/invoice/stripetest"
	"github.com/creditmill/creditmill/warehouse/warehousetest"
)

// renewing is a shop whose clock the test moves: acme owes $100.00 for October, which Stripe renews at its end.
type renewing struct {
	*shop
	clock    *stripetest.Clock
	expected []plan.Expectation
	runs     int
}

func newRenewing(t *testing.T) *renewing {
	t.Helper()
	s := &renewing{
		shop:  &shop{t: t, dsn: warehousetest.NewDSN(), catalog: seedCatalog(t)},
		clock: stripetest.NewClock(),
	}
	s.w = warehousetest.Open(t, s.dsn)
	s.at("2026-10-01T00:00:00Z")
	fake, err := stripefake.New(stripefake.Config{Now: s.clock.Now, Date: s.clock.Now})
	s.must(err)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	s.fake, s.url = fake, server.URL
	fake.AddPrice("price_pro", "usd", 10000)
	customers := "customer_id,product,starts_at,stripe_customer,stripe_subscription\n"
	for _, customer := range []string{"acme", "beta"} {
		fake.AddCustomer("cus_" + customer)
		start := s.clock.Now()
		if customer == "beta" { // renewed in the middle of the month
			start = start.AddDate(0, 0, -15)
		}
		id := fake.AddSubscription("cus_"+customer, "price_pro", start)
		customers += fmt.Sprintf("%s,pro,%s,cus_%s,%s\n", customer, start.Format(time.RFC3339), customer, id)
	}
	_, err = subscription.ImportCustomers(context.Background(), s.w, subscription.Import{
		File: "customers.csv", Catalog: s.catalog, Body: strings.NewReader(customers),
	}, s.clock.Now())
	s.must(err)
	s.load("2026-10-05T10:00:00Z", "medium-model", 20000)
	s.loadOf("beta", "2026-10-05T10:00:00Z", "medium-model", 15000)
	return s
}

// at moves the clock to a time, and what falls due at Stripe happens.
func (s *renewing) at(text string) {
	s.clock.Advance(utc(text).Sub(s.clock.Now()))
	if s.fake != nil {
		s.fake.Advance(0)
	}
}

func (s *renewing) runner() *Runner {
	s.t.Helper()
	client, err := stripe.New(stripe.Config{
		Key: "sk_test_1", BaseURL: s.url, Now: s.clock.Now, Sleep: s.clock.Sleep, NoRetries: true,
	})
	s.must(err)
	s.runs++
	return NewRunner(Config{
		Warehouse: s.w, Aggregator: aggregate.New(aggregate.Config{Warehouse: s.w, Now: s.clock.Now}), Catalog: s.catalog,
		AsOf: s.clock.Now(), Stripe: client, StripeAccount: "acct_fake", RunID: fmt.Sprint("run_", s.runs),
		Now: s.clock.Now, Sleep: s.clock.Sleep, Policy: post.Policy{Renewal: true, Settle: plan.DefaultSettle},
		Expected: s.expected,
	})
}

// renew is what the job and the webhook do. It returns what the drafts wait for, by Stripe customer, and the reports.
func (s *renewing) renew() (waits map[string]string, reports []post.Report) {
	s.t.Helper()
	drafts, reports, err := s.runner().Renew(context.Background())
	s.must(err)
	waits = map[string]string{}
	for _, draft := range drafts {
		waits[draft.StripeCustomer] = draft.Waits
	}
	return waits, reports
}

// invoiceOf is the newest invoice of a customer that ends a period.
func (s *renewing) invoiceOf(customer string) stripefake.Invoice {
	s.t.Helper()
	var newest stripefake.Invoice
	for _, invoice := range s.fake.Invoices() {
		if invoice.Customer == customer && invoice.BillingReason == "subscription_cycle" {
			newest = invoice
		}
	}
	return newest
}

// TestRenew: the run of the job posts for those whose subscriptions are renewed now, once their usage has arrived, and
// closes nobody else's periods.
func TestRenew(t *testing.T) {
	s := newRenewing(t)
	for _, passed := range []string{"2026-10-16T00:00:00Z", "2026-10-16T02:00:00Z", "2026-10-31T23:59:00Z"} {
		s.at(passed)
	}
	if waits, reports := s.renew(); len(waits) != 0 || len(reports) != 0 {
		t.Fatalf("%v, %+v", waits, reports)
	}
	s.at("2026-11-01T00:00:00Z")
	s.at("2026-11-01T00:05:00Z")
	waits, reports := s.renew()
	if len(waits) != 1 || !strings.Contains(waits["cus_acme"], "may arrive until 2026-11-01T00:10:00Z") ||
		len(reports) != 1 || reports[0].Status != plan.StatusHeld {
		t.Fatalf("%v, %+v", waits, reports)
	}
	s.loadOf("acme", "2026-10-31T23:59:59Z", "medium-model", 500) // late, and in time
	s.at("2026-11-01T00:15:00Z")
	waits, reports = s.renew()
	if waits["cus_acme"] != "" || len(reports) != 1 || reports[0].Status != plan.StatusPosted {
		t.Fatalf("%v, %+v", waits, reports)
	}
	if invoice := s.invoiceOf("cus_acme"); invoice.Total != 10000+10500 || invoice.Status != "draft" {
		t.Fatalf("%+v", invoice)
	}
	// beta's period of September to 16 October ended, too, and nobody renews it now: it is left to invoice post.
	if closed := s.closed(); fmt.Sprint(closed) != "[acme]" {
		t.Fatalf("closed: %v", closed)
	}
	sent := s.posts()
	if waits, reports = s.renew(); waits["cus_acme"] != "" || reports[0].Status != plan.StatusAlreadyPosted ||
		s.posts() != sent {
		t.Fatalf("%v, %+v", waits, reports)
	}
	s.at("2026-11-01T02:00:00Z")
	if invoice := s.invoiceOf("cus_acme"); invoice.Status != "paid" || invoice.AmountPaid != 20500 {
		t.Fatalf("%+v", invoice)
	}
}

// closed are the customers with closed periods.
func (s *renewing) closed() []string {
	s.t.Helper()
	var customers []string
	s.must(s.w.Conn().QueryRow(context.Background(),
		"SELECT arraySort(groupUniqArray(customer_id)) FROM closed_periods").Scan(&customers))
	return customers
}

// event is what Stripe sends of an invoice, signed now.
func (s *renewing) event(kind string, object any, secret string) (payload []byte, signature string) {
	s.t.Helper()
	payload, err := json.Marshal(map[string]any{
		"id": "evt_1", "object": "event", "type": kind, "livemode": false, "api_version": "2026-03-25.dahlia",
		"data": map[string]any{"object": object},
	})
	s.must(err)
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{
		Payload: payload, Secret: secret, Timestamp: s.clock.Now(),
	})
	return payload, signed.Header
}

// TestWebhook: the draft of a renewal is kept by 503 until it has its charges, for 60 hours; an event that comes again
// changes nothing, and one that is not Stripe's is refused.
func TestWebhook(t *testing.T) {
	s := newRenewing(t)
	s.expected = []plan.Expectation{{Source: "test", Every: "daily"}}
	synced := 0
	hooks := NewWebhooks(WebhookConfig{
		Secret: "whsec_1", Now: s.clock.Now,
		Renew: func(ctx context.Context) ([]Renewal, error) {
			drafts, _, err := s.runner().Renew(ctx)
			return drafts, err
		},
		Sync: func(context.Context) error { synced++; return nil },
	})
	created := func(secret string) Answer {
		payload, signature := s.event("invoice.created", s.invoiceOf("cus_acme"), secret)
		return hooks.Handle(context.Background(), payload, signature)
	}
	s.at("2026-11-01T00:00:00Z")
	s.at("2026-11-01T00:15:00Z")
	if answer := created("whsec_2"); answer.Status != http.StatusBadRequest || s.posts() != 0 {
		t.Fatalf("%+v", answer)
	}
	payload, old := s.event("invoice.created", s.invoiceOf("cus_acme"), "whsec_1")
	s.at("2026-11-01T00:21:00Z")
	if answer := hooks.Handle(context.Background(), payload, old); answer.Status != http.StatusBadRequest {
		t.Fatalf("%+v", answer)
	}
	// Only 5 October has usage; every day should.
	if answer := created("whsec_1"); answer.Status != http.StatusServiceUnavailable ||
		!strings.Contains(answer.Detail, "has no usage from") || s.posts() != 0 {
		t.Fatalf("%+v", answer)
	}
	for day := 1; day <= 31; day++ {
		s.load(fmt.Sprintf("2026-10-%02dT12:00:00Z", day), "small-model", 1)
	}
	for range 2 {
		if answer := created("whsec_1"); answer.Status != http.StatusOK || s.posts() != 1 ||
			!strings.Contains(answer.Detail, "has its charges") {
			t.Fatalf("%+v, %d requests", answer, s.posts())
		}
	}
	for kind, want := range map[string]int{"customer.subscription.updated": 1, "charge.refunded": 1} {
		payload, signature := s.event(kind, map[string]string{"id": "sub_1"}, "whsec_1")
		if answer := hooks.Handle(context.Background(), payload, signature); answer.Status != http.StatusOK {
			t.Fatalf("%s: %+v", kind, answer)
		}
		if kind == "customer.subscription.updated" && synced != want {
			t.Fatalf("%d syncs", synced)
		}
	}
}

// TestWebhookLetsGo: usage that stays away keeps a draft for 60 hours and not longer.
func TestWebhookLetsGo(t *testing.T) {
	s := newRenewing(t)
	hooks := NewWebhooks(WebhookConfig{Secret: "whsec_1", Now: s.clock.Now})
	draft := Renewal{InvoiceID: "in_1", CreatedAt: utc("2026-11-01T00:00:00Z"), Waits: "usage is missing"}
	for at, want := range map[string]int{
		"2026-11-03T11:59:59Z": http.StatusServiceUnavailable, "2026-11-03T12:00:00Z": http.StatusOK,
	} {
		s.at(at)
		if answer := hooks.concluded(draft); answer.Status != want || !strings.Contains(answer.Detail, "usage is missing") {
			t.Errorf("%s: %+v", at, answer)
		}
	}
}
