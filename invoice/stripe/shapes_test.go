package stripe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/stripe"
)

// answering is a Stripe that answers the same to everything, lists included.
type answering []byte

func (a answering) RoundTrip(request *http.Request) (*http.Response, error) {
	body := []byte(a)
	if request.URL.Path == "/v1/invoices" || request.URL.Path == "/v1/subscriptions" {
		body = fmt.Appendf(nil, `{"object":"list","url":%q,"has_more":false,"data":[%s]}`, request.URL.Path, body)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: request,
	}, nil
}

func answeredBy(t *testing.T, shape string) *stripe.Client {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "shapes", shape+".json"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := stripe.New(stripe.Config{
		Key: "sk_test_shape", BaseURL: "http://127.0.0.1:1", Now: time.Now, NoRetries: true, Transport: answering(body),
		Sleep: func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestSubscriptionShapes: the period of a subscription is read where it stands; one that stands nowhere is told.
func TestSubscriptionShapes(t *testing.T) {
	for _, shape := range []string{"subscription_classic", "subscription_flexible"} {
		client := answeredBy(t, shape)
		one, err := client.Subscription(t.Context(), "sub_1")
		if err != nil || one.CurrentPeriodStart != 1759276800 || one.CurrentPeriodEnd != 1761955200 {
			t.Errorf("%s: %+v, %v", shape, one, err)
		}
		all, err := client.Subscriptions(t.Context(), url.Values{})
		if err != nil || len(all) != 1 || all[0].CurrentPeriodEnd != 1761955200 {
			t.Errorf("%s in a list: %+v, %v", shape, all, err)
		}
	}
	want := "read subscription sub_1: neither it nor its items have current_period_end: " + stripe.ErrIncomplete.Error()
	client := answeredBy(t, "subscription_nowhere")
	_, err := client.Subscription(t.Context(), "sub_1")
	_, listErr := client.Subscriptions(t.Context(), url.Values{})
	for _, err := range []error{err, listErr} {
		if !errors.Is(err, stripe.ErrIncomplete) || err.Error() != want {
			t.Errorf("%v", err)
		}
	}
}

// TestInvoiceShapes: the subscription of an invoice and of its lines is read where it stands.
func TestInvoiceShapes(t *testing.T) {
	for _, shape := range []string{"invoice_classic", "invoice_parent"} {
		client := answeredBy(t, shape)
		one, err := client.Invoice(t.Context(), "in_1")
		if err != nil || one.Subscription == nil || one.Subscription.ID != "sub_1" {
			t.Fatalf("%s: %+v, %v", shape, one, err)
		}
		line := one.Lines.Data[0]
		if line.Subscription == nil || line.Subscription.ID != "sub_1" || line.InvoiceItem == nil ||
			line.InvoiceItem.ID != "ii_1" || line.Type != "invoiceitem" {
			t.Errorf("%s: %+v", shape, line)
		}
		all, err := client.Invoices(t.Context(), url.Values{})
		if err != nil || len(all) != 1 || all[0].Subscription.ID != "sub_1" {
			t.Errorf("%s in a list: %+v, %v", shape, all, err)
		}
	}
	want := "read invoice in_1: neither it nor its parent has subscription: " + stripe.ErrIncomplete.Error()
	client := answeredBy(t, "invoice_nowhere")
	_, err := client.Invoice(t.Context(), "in_1")
	_, listErr := client.Invoices(t.Context(), url.Values{})
	for _, err := range []error{err, listErr} {
		if !errors.Is(err, stripe.ErrIncomplete) || err.Error() != want {
			t.Errorf("%v", err)
		}
	}
}
